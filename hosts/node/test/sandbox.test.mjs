import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { withMaxMemory } from "../build/memory.mjs";
import { Call } from "../dist/network/call.js";
import { Mask } from "../dist/network/mask.js";
import { Egress } from "../dist/sandbox/egress.js";
import { coreModules, engineNamed } from "../dist/sandbox/engines.js";
import { comparePin } from "../dist/sandbox/instance.js";
import { Pool } from "../dist/sandbox/pool.js";
import { parseEndpoint } from "../dist/target.js";
import { DUE, engine } from "./support/agent.mjs";

const PIN = "ab".repeat(32);
const connection = {
  endpoint: "agent",
  standIn: "the-stand-in",
  fingerprints: [PIN],
  pin: { authority: "agent:443", fingerprints: [PIN] },
};
const answered = (body) => async () => ({ status: 200, body: Buffer.from(body) });

/** An instance with these modules. */
async function start(modules) {
  const started = await engineNamed(engine).start(modules ?? (await coreModules()), connection);
  assert.ok("instance" in started);
  return started.instance;
}

test("the component states its pin, and is not connected under another", async () => {
  const modules = await coreModules();
  for (const pin of [
    { authority: "other:443", fingerprints: [PIN] },
    { authority: "agent:443", fingerprints: [] },
  ]) {
    const started = await engineNamed(engine).start(modules, { ...connection, pin });
    assert.equal(started.error.tag, "denied");
  }
});

test("only the pins that are enforced are accepted, and all of them", () => {
  const [first, second, other] = ["1", "2", "3"].map((digit) => digit.repeat(64));
  const refusal = (stated) => comparePin({ authority: "a:1", fingerprints: [first, second] }, "a:1", stated)?.tag;
  assert.deepEqual([refusal([first, second]), refusal([second, first])], [undefined, undefined]);
  for (const stated of [[], [first], [first, other], [first, second, other]])
    assert.equal(refusal(stated), "fingerprints");
});

test("the component's request has the stand-in, and only those of the nine routes leave", async () => {
  const instance = await start();
  let found;
  await instance.run({ name: "start-backup" }, async (request) => {
    found = request;
    return { code: { tag: "HTTP-request-denied" } };
  });
  assert.deepEqual(
    { ...found, body: Buffer.from(found.body).toString() },
    {
      method: "POST",
      scheme: "HTTPS",
      authority: "agent:443",
      path: "/backup",
      authorization: ["Bearer the-stand-in"],
      body: "{}",
    },
  );
  await instance.close();
  const sent = [];
  const client = {
    exchange: async ({ method, path }) => (sent.push(`${method} ${path}`), { status: 200, body: Buffer.alloc(0) }),
  };
  const egress = new Egress(client, parseEndpoint("agent"), "the-stand-in", new Mask([]));
  const call = new Call(1000);
  for (const change of [
    {},
    { method: "GET" },
    { path: "/backup?x" },
    { path: "/backup/" },
    { path: "/" },
    { scheme: "HTTP" },
    { authority: "agent:444" },
    { authority: "AGENT:443" },
    { authorization: [] },
    { authorization: ["Bearer x"] },
    { authorization: ["Bearer the-stand-in", "Bearer the-stand-in"] },
    { body: Buffer.alloc(1024 * 1024 + 1) },
  ]) {
    const report = egress.start(call);
    const result = await report.exchange({ ...found, ...change });
    if (Object.keys(change).length > 0) assert.equal(result.code?.tag, "HTTP-request-denied", JSON.stringify(change));
  }
  call.end();
  assert.deepEqual(sent, ["POST /backup"]);
});

test("each code becomes the kind that the contract says", async () => {
  const instance = await start();
  for (const [code, tag] of [
    ["TLS-certificate-error", "pin-mismatch"],
    ["TLS-protocol-error", "tls"],
    ["connection-refused", "unreachable"],
    ["connection-write-timeout", "deadline"],
    ["HTTP-response-incomplete", "interrupted"],
    ["HTTP-request-denied", "denied"],
  ]) {
    const result = await instance.run({ name: "storage" }, async () => ({ code: { tag: code } }));
    assert.equal(result.error.tag, tag);
  }
  await instance.close();
});

test("memory is bounded, and an instance that ran out of it has trapped and is replaced", async () => {
  const core = await readFile(new URL("../component/core/agentapi.core.wasm", import.meta.url));
  const few = 1.5 * 1024 * 1024;
  const small = await WebAssembly.compile(withMaxMemory(core, few));
  const started = [];
  const startSmall = async () => {
    started.push(await start({ ...(await coreModules()), "agentapi.core.wasm": small }));
    return started.at(-1);
  };
  const pool = new Pool(await startSmall(), startSmall, 1);
  const large = answered(`{"ok":true,"data":{"vmid":1,"due":true,"reason":"${"x".repeat(1024 * 1024 - 100)}"}}`);
  const signal = new AbortController().signal;
  const first = await pool.acquire(signal);
  assert.equal((await first.run({ name: "backup-due" }, answered(DUE))).value.vmid, 101);
  await assert.rejects(first.run({ name: "backup-due" }, large));
  const next = pool.acquire(signal);
  await pool.discard(first);
  const second = await next;
  assert.notEqual(second, first);
  assert.equal((await second.run({ name: "backup-due" }, answered(DUE))).value.vmid, 101);
  await pool.close();
  assert.equal(started.length, 2);
});

test("where no instance can be started each call that waits fails, and after the end none is kept", async () => {
  const closed = [];
  const instance = (name) => ({ name, close: async () => void closed.push(name) });
  const starts = [
    async () => Promise.reject(new Error("no thread")),
    async () => Promise.reject(new Error("no memory")),
  ];
  let late;
  starts.push(() => new Promise((resolve) => (late = resolve)));
  const pool = new Pool(instance("first"), () => starts.shift()(), 2);
  const { signal } = new AbortController();
  await pool.discard(await pool.acquire(signal));
  const calls = [pool.acquire(signal), pool.acquire(signal)];
  await Promise.all([assert.rejects(calls[0], /no thread/), assert.rejects(calls[1], /no memory/)]);
  const controller = new AbortController();
  const waiting = assert.rejects(pool.acquire(controller.signal), { name: "AbortError" });
  await pool.close();
  controller.abort();
  await waiting;
  late(instance("late"));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(closed, ["first", "late"]);
});

test("a thread that waits for an answer can be ended, and its call fails", { skip: engine !== "worker" }, async () => {
  const instance = await start();
  let asked;
  const isAsked = new Promise((resolve) => (asked = resolve));
  const call = instance.run({ name: "storage" }, () => (asked(), new Promise(() => {})));
  await isAsked;
  const failed = assert.rejects(call, /the thread of the instance has ended/);
  await instance.close();
  await failed;
  await assert.rejects(instance.run({ name: "storage" }, answered(DUE)), /has ended/);
});
