import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import net from "node:net";
import { test } from "node:test";

import { Call } from "../dist/network/call.js";
import { Client } from "../dist/network/client.js";
import { Connection, Unsent } from "../dist/network/connection.js";
import { parseEndpoint } from "../dist/target.js";
import { answer, connect, DUE, JOB, scriptedAgent } from "./support/agent.mjs";

/** Answers by method. */
const body = (request) => (request.startsWith("GET") ? DUE : JOB);

test("a connection is kept alive and used again", async (t) => {
  const scripted = await scriptedAgent(t, (request, socket) => socket.write(answer(body(request))));
  const agent = await connect(t, scripted.options);
  for (let call = 0; call < 5; call += 1) await agent.backupDue();
  assert.equal((await agent.startBackup()).job_id, "bk-1");
  assert.deepEqual([scripted.connections, scripted.requests.length], [1, 6]);
});

test("bytes that nobody asked for make an idle connection unusable", async (t) => {
  const forged = answer('{"ok":true,"data":{"vmid":666,"due":false,"reason":"forged"}}');
  for (const unasked of ["with the answer", "after the answer", "part of a record"]) {
    const scripted = await scriptedAgent(t, (request, socket, { connection }) => {
      socket.write(answer(body(request)) + (connection === 1 && unasked === "with the answer" ? forged : ""));
    });
    const proxy = await forwardingProxy(t, scripted.server.address().port);
    const agent = await connect(t, { ...scripted.options, endpoint: `127.0.0.1:${proxy.port}` });
    assert.equal((await agent.backupDue()).vmid, 101);
    if (unasked === "after the answer") {
      const forwarded = proxy.forwarded();
      scripted.sockets[0].write(forged);
      await forwarded;
    }
    if (unasked === "part of a record") await proxy.toClient("\x17\x03\x03\x00\x40");
    // An order: it is only sent on another connection if nothing of it was written on the first.
    assert.equal((await agent.startBackup()).vmid, 101, unasked);
    assert.equal((await agent.backupDue()).vmid, 101, unasked);
    assert.equal(scripted.connections, 2, unasked);
  }
});

test("what has arrived before a request is read before it is written", async () => {
  for (const arrive of [
    (socket) => socket.emit("data", Buffer.from("HTTP/1.1 200 OK")),
    (socket) => socket.emit("end"),
  ]) {
    const written = [];
    const socket = Object.assign(new EventEmitter(), { write: (bytes) => written.push(bytes), destroy() {} });
    const transport = Object.assign(new EventEmitter(), { isBetweenRecords: true, destroy() {} });
    const connection = new Connection({ socket, transport });
    // As a poll that comes before the request would find it.
    setImmediate(() => arrive(socket));
    const call = new Call(10_000);
    await assert.rejects(connection.send(Buffer.from("POST"), call), Unsent);
    call.end();
    assert.deepEqual(written, []);
  }
});

test("a call that is ended before its request is written leaves no connection behind", async (t) => {
  const scripted = await scriptedAgent(t, (request, socket) => socket.write(answer(body(request))));
  const client = new Client(parseEndpoint(scripted.endpoint), new Set([scripted.fingerprints]), "token");
  const [first, second] = [new Call(10_000), new Call(10_000)];
  const due = { method: "GET", path: "/backup/due" };
  await client.exchange(due, Buffer.alloc(0), first);
  const closed = once(scripted.sockets[0], "close");
  const exchange = client.exchange(due, Buffer.alloc(0), second);
  second.cancel(new Error("enough"));
  await assert.rejects(exchange);
  await closed;
  for (const call of [first, second]) call.end();
  assert.equal(scripted.requests.length, 1);
});

test("where the agent has closed an idle connection, even an order is sent, on a new one", async (t) => {
  const scripted = await scriptedAgent(t, (request, socket) => socket.write(answer(body(request))));
  const agent = await connect(t, scripted.options);
  await agent.backupDue();
  const closed = once(scripted.sockets[0], "close");
  scripted.sockets[0].end();
  await closed;
  assert.equal((await agent.startBackup()).job_id, "bk-1");
  assert.deepEqual([scripted.connections, scripted.requests.length], [2, 2]);
});

test("on an idle connection that breaks, what only reads is sent once more, and an order is not", async (t) => {
  const scripted = await scriptedAgent(t, (request, socket, { request: number }) => {
    if (number === 1) socket.write(answer(body(request)));
    else socket.destroy();
  });
  const agent = await connect(t, scripted.options);
  await agent.backupDue();
  assert.equal((await agent.backupDue()).due, true);
  assert.deepEqual([scripted.connections, scripted.requests.length], [2, 3]);
  const error = await agent.startBackup().catch((why) => why);
  assert.deepEqual([error.kind, error.mayHaveActed], ["interrupted", true]);
  assert.deepEqual([scripted.connections, scripted.requests.length], [2, 4]);
});

test("on a new connection that breaks nothing is sent again", async (t) => {
  const scripted = await scriptedAgent(t, (_, socket) => socket.destroy());
  const agent = await connect(t, scripted.options);
  await assert.rejects(agent.backupDue(), { kind: "interrupted", mayHaveActed: false });
  assert.equal(scripted.requests.length, 1);
});

test("an answer of 3xx is an answer", async (t) => {
  const elsewhere = await scriptedAgent(t, (_, socket) => socket.write(answer(DUE)));
  const headers = [`location: https://${elsewhere.endpoint}/backup/due`];
  const scripted = await scriptedAgent(t, (_, socket) => socket.write(answer("", { status: 307, headers })));
  const agent = await connect(t, scripted.options);
  await assert.rejects(agent.backupDue(), { kind: "http-status", status: 307 });
  assert.equal(elsewhere.connections, 0);
});

/**
 * Forwards. `forwarded` is kept when the next bytes of the agent are in the client's kernel, and `toClient` sends the first
 * client bytes that are not the agent's.
 */
async function forwardingProxy(t, port) {
  const clients = [];
  const written = new EventEmitter();
  // By Nagle's algorithm a few bytes would wait for an acknowledgement, and arrive behind the next request.
  const server = net.createServer({ noDelay: true }, (client) => {
    clients.push(client);
    const agent = net.connect(port, "127.0.0.1");
    client.on("error", () => {}).pipe(agent);
    agent.on("error", () => {}).on("end", () => client.end());
    agent.on("data", (bytes) => client.write(bytes, () => written.emit("forwarded")));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return {
    port: server.address().port,
    forwarded: () => once(written, "forwarded"),
    toClient: (bytes) => new Promise((resolve) => clients[0].write(Buffer.from(bytes, "latin1"), resolve)),
  };
}
