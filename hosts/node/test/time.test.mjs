import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";

import { Agent } from "../dist/index.js";
import { answer, connect, DUE, engine, JOB, scriptedAgent } from "./support/agent.mjs";

const silent = () => {};

test("the deadline of a call says how far it had come, and whether the agent may have acted", async (t) => {
  const scripted = await scriptedAgent(t, (request, socket) => {
    if (request.startsWith("GET /backup/due")) socket.write(answer(DUE).slice(0, -1));
  });
  const noTls = net.createServer(silent).listen(0, "127.0.0.1");
  await once(noTls, "listening");
  t.after(() => noTls.close());
  const agent = await connect(t, scripted.options);
  const handshake = await connect(t, { ...scripted.options, endpoint: `127.0.0.1:${noTls.address().port}` });
  const options = { deadlineMs: 700 };
  for (const [call, message, mayHaveActed] of [
    [() => agent.startBackup(options), /waiting for the answer to begin/, true],
    [() => agent.storage(options), /waiting for the answer to begin/, false],
    [() => agent.backupDue(options), /before the whole answer was there/, false],
    [() => handshake.startBackup(options), /in the TLS handshake/, false],
  ]) {
    await assert.rejects(call(), { kind: "deadline", message, mayHaveActed });
  }
});

test("a byte now and then does not keep a call alive", async (t) => {
  const scripted = await scriptedAgent(t, (_, socket) => {
    let sent = 0;
    const drip = setInterval(() => socket.write(answer(DUE).slice(sent, (sent += 1))), 20);
    socket.on("close", () => clearInterval(drip));
  });
  const agent = await connect(t, scripted.options);
  await assert.rejects(agent.backupDue({ deadlineMs: 300 }), { kind: "deadline" });
});

test("calls run at the same time, as many as is said, and the others wait within their deadline", async (t) => {
  const held = [];
  const scripted = await scriptedAgent(t, (_, socket) => {
    held.push(socket);
    if (held.length === 2) for (const one of held) one.write(answer(DUE));
  });
  const agent = await connect(t, { ...scripted.options, maxConcurrentCalls: 2 });
  const both = await Promise.all([agent.backupDue(), agent.backupDue()]);
  assert.equal(both.length, 2);
  const running = Promise.allSettled([agent.backupDue(), agent.backupDue()]);
  await assert.rejects(agent.startBackup({ deadlineMs: 200 }), {
    kind: "deadline",
    message: /while earlier calls were running/,
    mayHaveActed: false,
  });
  await agent.close();
  await running;
  assert.ok(scripted.requests.every((request) => request.startsWith("GET")));
});

test("a signal ends a call at once, with its reason, before and after it has begun", async (t) => {
  const scripted = await scriptedAgent(t, silent);
  const agent = await connect(t, scripted.options);
  await assert.rejects(agent.storage({ signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.equal(scripted.connections, 0);
  const controller = new AbortController();
  const call = agent.startBackup({ signal: controller.signal });
  while (scripted.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const reason = new Error("shutting down");
  controller.abort(reason);
  assert.equal(await call.catch((why) => why), reason);
  const [socket] = scripted.sockets;
  if (!socket.destroyed) await once(socket, "close");
});

test("the client goes on after a call that was ended", async (t) => {
  const scripted = await scriptedAgent(t, (request, socket) => {
    if (request.startsWith("POST")) socket.write(answer(JOB));
  });
  const agent = await connect(t, { ...scripted.options, maxConcurrentCalls: 1 });
  const controller = new AbortController();
  const call = agent.storage({ signal: controller.signal });
  while (scripted.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
  await assert.rejects(call, { name: "AbortError" });
  await assert.rejects(agent.storage({ deadlineMs: 100 }), { kind: "deadline" });
  assert.equal((await agent.startBackup()).job_id, "bk-1");
});

test("closing ends what is running, and nothing can be called after it", async (t) => {
  const scripted = await scriptedAgent(t, silent);
  const agent = await Agent.connect({ ...scripted.options, engine, maxConcurrentCalls: 2 });
  const calls = Promise.all(
    [agent.storage(), agent.startBackup(), agent.startBackup()].map((call) => call.catch((why) => why)),
  );
  while (scripted.requests.length < 2) await new Promise((resolve) => setImmediate(resolve));
  await agent[Symbol.asyncDispose]();
  // What was sent may be carried out; what waited for an instance was not sent.
  const outcomes = (await calls).map(({ kind, mayHaveActed }) => [kind, mayHaveActed]);
  assert.deepEqual(outcomes, [
    ["interrupted", false],
    ["interrupted", true],
    ["not-connected", false],
  ]);
  await assert.rejects(agent.storage(), { kind: "not-connected", message: "the client was closed" });
});

/** The output and the exit status of a program that has `Agent` and `options`. */
async function runProgram(scripted, program) {
  const head = `
    import { Agent } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url))};
    const options = ${JSON.stringify({ ...scripted.options, engine })};
  `;
  const child = spawn(process.execPath, [...process.execArgv, "--input-type=module", "--eval", head + program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const output = (await child.stdout.toArray()).join("");
  return [output, (await exited)[0]];
}

// Idle connections end after a minute, and the process with them.
test("a process ends although a client with an idle connection was not closed", { timeout: 30_000 }, async (t) => {
  const scripted = await scriptedAgent(t, (_, socket) => socket.write(answer(DUE)));
  const program = `
    const agent = await Agent.connect(options);
    console.log((await agent.backupDue()).vmid);
  `;
  assert.deepEqual(await runProgram(scripted, program), ["101\n", 0]);
});

test("a process does not end before the clients that it closes, and not later", { timeout: 60_000 }, async (t) => {
  const scripted = await scriptedAgent(t, silent);
  const program = `
    // The call is ended in each phase: in the queue, while connecting, in the handshake, while waiting.
    for (let round = 0; round < 12; round += 1) {
      const agent = await Agent.connect(options);
      const controller = new AbortController();
      const call = agent.storage({ signal: controller.signal });
      setTimeout(() => controller.abort(), 2 * round);
      await call.catch(() => {});
      await agent.close();
    }
    console.log("closed");
  `;
  assert.deepEqual(await runProgram(scripted, program), ["closed\n", 0]);
});
