// Times calls against a mock agent, and shows what each way takes of memory:
//
//     AGENTAPI=target/release/agentapi node hosts/node/bench/calls.mjs [COUNT]
//
// Programs that speak as `agentapi call` are sent one line after the other; in one round each, so that a busy machine slows
// all of them. The last row is this package without another process.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { Agent } from "../dist/index.js";

const count = Number(process.argv[2] ?? 1000);
const command = process.env.AGENTAPI ?? fileURLToPath(new URL("../../../target/debug/agentapi", import.meta.url));
const call = fileURLToPath(new URL("../dist/bin/call.js", import.meta.url));

const mock = spawn(command, ["mock", "--json"], { stdio: ["ignore", "pipe", "inherit"] });
const [line] = await once(mock.stdout, "data");
const { endpoint, token, fingerprint } = JSON.parse(line);
const env = {
  ...process.env,
  AGENTAPI_ENDPOINT: endpoint,
  AGENTAPI_TOKEN: token,
  AGENTAPI_FINGERPRINT: fingerprint,
};

/** A program, and how to make a call of it. */
function program(argv, more = {}) {
  const child = spawn(argv[0], argv.slice(1), { env: { ...env, ...more }, stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: child.stdout });
  const request = async () => {
    child.stdin.write('{"op":"backup-due"}\n');
    const [answer] = await once(answers, "line");
    if (!JSON.parse(answer).ok) throw new Error(answer);
  };
  return { request, pid: child.pid, end: () => child.stdin.end() };
}

const agent = await Agent.connect({ endpoint, token, fingerprints: fingerprint });
const ways = {
  "agentapi call": program([command, "call"]),
  "agentapi-node-call, worker": program([process.execPath, call]),
  ...("Suspending" in WebAssembly
    ? { "agentapi-node-call, jspi": program([process.execPath, call], { AGENTAPI_NODE_ENGINE: "jspi" }) }
    : {}),
  "Agent.backupDue()": { request: () => agent.backupDue(), pid: process.pid, end: () => agent.close() },
};
const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
for (let round = 0; round < count; round += 1) {
  for (const [name, { request }] of Object.entries(ways)) {
    const start = performance.now();
    await request();
    times[name].push(performance.now() - start);
  }
}
console.log(`${process.version}, ${count} calls each`);
for (const [name, { pid, end }] of Object.entries(ways)) {
  const [first] = times[name];
  const sorted = times[name].toSorted((one, other) => one - other);
  const at = (part) => sorted[Math.floor(part * (count - 1))].toFixed(2);
  const rss = /VmRSS:\s+([0-9]+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1] / 1024;
  const figures = [
    `first ${first.toFixed(0)} ms`,
    `median ${at(0.5)} ms`,
    `p99 ${at(0.99)} ms`,
    `${rss.toFixed(0)} MiB`,
  ];
  console.log(name.padEnd(28), figures.join(", "));
  await end();
}
mock.kill();
