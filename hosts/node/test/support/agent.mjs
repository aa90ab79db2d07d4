/** A TLS server that plays bytes, and counts those that it gets. */
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";

import { Agent } from "../../dist/index.js";

/** The engine that all tests run with. */
export const engine = process.env.AGENTAPI_NODE_ENGINE ?? "worker";

/** Throw-away certificates with their keys. */
export function certificate(name) {
  const pem = readFileSync(new URL(`../../../../tools/host-conformance/recorded/certs/${name}.pem`, import.meta.url));
  const fingerprint = createHash("sha256").update(new X509Certificate(pem).raw).digest("hex");
  return { cert: pem, key: pem, fingerprint };
}

export const TOKEN = "guest-token-abc123";

/** An answer with its length. */
export function answer(body, { status = 200, headers = [] } = {}) {
  const head = [`HTTP/1.1 ${status} Status`, `content-length: ${Buffer.byteLength(body)}`, ...headers];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

export const DUE = '{"ok":true,"data":{"vmid":101,"due":true,"reason":"last backup 26h ago"}}';
export const JOB = '{"ok":true,"data":{"vmid":101,"job_id":"bk-1","phase":"running"}}';

/**
 * Listens. `play` is called with each request, the socket, and the numbers of the connection and of the request on it. What
 * arrived is in `requests` and `applicationBytes`.
 */
export async function scriptedAgent(t, play, { name = "p256", ...options } = {}) {
  const { fingerprint, ...identity } = certificate(name);
  const agent = { requests: [], applicationBytes: 0, connections: 0, sockets: [], fingerprints: fingerprint };
  const server = tls.createServer({ ...identity, ...options }, (socket) => {
    const connection = (agent.connections += 1);
    agent.sockets.push(socket);
    let unread = "";
    let count = 0;
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      agent.applicationBytes += bytes.length;
      unread += bytes.toString("latin1");
      for (let request = takeRequest(unread); request; request = takeRequest(unread)) {
        unread = unread.slice(request.length);
        agent.requests.push(request.text);
        play(request.text, socket, { connection, request: (count += 1) });
      }
    });
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of agent.sockets) socket.destroy();
    server.close();
  });
  agent.server = server;
  agent.endpoint = `127.0.0.1:${server.address().port}`;
  agent.options = { endpoint: agent.endpoint, token: TOKEN, fingerprints: fingerprint };
  return agent;
}

function takeRequest(bytes) {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const length = end + 4 + Number(/^content-length: ([0-9]+)$/im.exec(bytes.slice(0, end))?.[1] ?? 0);
  return bytes.length < length ? undefined : { length, text: bytes.slice(0, length) };
}

/** Connects, and closes with the test. */
export async function connect(t, options) {
  const agent = await Agent.connect({ engine, ...options });
  t.after(() => agent.close());
  return agent;
}

/** A port where nobody listens. */
export async function closedPort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
