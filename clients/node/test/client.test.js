import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import {
  AgentError,
  ApprovalNeeded,
  Controller,
  FormatRefused,
  fsUuid,
  NeedsConfirmation,
  opsignCommand,
} from "../index.js";
import { bothWays, command, program, startController, startMock } from "./support.js";

test("operations give what the agent says", (t) =>
  bothWays(t, [], async (client) => {
    await client.check();
    const appdata = { key: "appdata", storage: "local-nvme", mount_point: "/mnt/felhom/appdata", class: "fast", backup: true };
    assert.deepEqual((await client.storage()).mounts[0], appdata);
    assert.equal((await client.backupDue()).due, true);
    assert.equal((await client.disks()).disks[0].total_bytes, 512110190592);
    assert.ok((await client.hostMetrics()).host.memory_total_bytes > 0);
    const { job_id } = await client.startBackup();
    assert.equal((await client.backupStatus()).job_id, job_id);
  }));

test("a format that needs somebody has a result", (t) =>
  bothWays(t, [], async (client) => {
    await assert.rejects(client.formatDisk({ device: "/dev/sdb1", fstype: "ext4" }), (error) => {
      assert.ok(error instanceof FormatRefused);
      return error.value.pending_op.op === "storage_wipe";
    });
    await assert.rejects(client.formatDisk({ device: "/dev/sdc1", fstype: "ext4" }), (error) => {
      assert.ok(error instanceof NeedsConfirmation);
      return fsUuid(error.value.durable_id) !== "";
    });
  }));

test("errors have kind, status and the agent's text", (t) =>
  bothWays(t, ["disks:status=503", "backup-due:malformed-json"], async (client) => {
    const errors = [client.disks(), client.backupDue(), client.ejectDisk({ where: "/nowhere" })];
    const found = (await Promise.allSettled(errors)).map(({ reason }) => [reason.kind, reason.status, reason.mayHaveActed]);
    assert.deepEqual(found, [["http-status", 503, true], ["bad-envelope", undefined, true], ["http-status", 404, false]]);
  }));

test("calls at once get their own answers", (t) =>
  bothWays(t, [], async (client) => {
    const calls = Array.from({ length: 20 }, (_, i) => (i % 2 ? client.storage() : client.backupDue()));
    const keys = (await Promise.all(calls)).map((value, i) => (i % 2 ? "mounts" : "due") in value);
    assert.deepEqual(keys, Array(20).fill(true));
    assert.ok(children().length <= 4);
  }));

test("a call that goes on while its client is closed ends with its process", async (t) => {
  const client = command(t, await startMock(t, "storage:latency=500"));
  await client.check();
  const slow = client.storage();
  // By then it is with its process.
  await new Promise(setImmediate);
  await client.close();
  assert.ok("mounts" in (await slow));
  while (children().length > 0) await new Promise(setImmediate);
});

test("a call that is given up leaves no answer to the next one", (t) =>
  bothWays(t, ["storage:latency=3000*1"], async (client) => {
    await assert.rejects(client.storage({ signal: AbortSignal.timeout(100) }), { name: "TimeoutError" });
    assert.ok("reason" in (await client.backupDue()));
    assert.ok("mounts" in (await client.storage()));
    await assert.rejects(client.storage({ signal: AbortSignal.abort(new Error("mine")) }), { message: "mine" });
  }));

test("a call that waits for a process can be given up", async (t) => {
  const client = command(t, await startMock(t, "storage:latency=3000*1"), { processes: 1 });
  const slow = client.storage();
  await assert.rejects(client.backupDue({ signal: AbortSignal.timeout(50) }), { name: "TimeoutError" });
  assert.ok("mounts" in (await slow));
  assert.ok("reason" in (await client.backupDue()));
});

test("what is not there is unreachable", async (t) => {
  const kind = (call) => call.then(() => "none", (error) => error.kind);
  const nowhere = { endpoint: "127.0.0.1:1", token: "t", fingerprint: "ab".repeat(32) };
  assert.equal(await kind(new Controller("/nowhere/socket").startBackup()), "unreachable");
  assert.equal(await kind(command(t, nowhere).storage()), "unreachable");
  assert.equal(await kind(command(t, nowhere, { command: "/nowhere/agentapi" }).storage()), "unreachable");
  assert.equal(await kind(command(t, { ...nowhere, fingerprint: "zz" }).storage()), "invalid-argument");
});

test("a command that ended is started again, and is given the token by no argument", async (t) => {
  const agent = await startMock(t);
  process.env.AGENTAPI_TOKEN_FILE = "/nowhere";
  const client = command(t, agent);
  delete process.env.AGENTAPI_TOKEN_FILE;
  await client.check();
  const [pid] = children();
  assert.ok(!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(agent.token));
  process.kill(pid, "SIGKILL");
  // It is there until this process has been told of its end.
  while (existsSync(`/proc/${pid}`)) await new Promise(setImmediate);
  await client.startBackup();
  await client.close();
  await assert.rejects(client.storage(), { kind: "invalid-argument" });
});

test("a command that ends during a call may have acted", async (t) => {
  const client = command(t, await startMock(t, "start-backup:latency=10000"));
  await client.check();
  const [pid] = children();
  const failed = assert.rejects(client.startBackup(), (error) => error.kind === "interrupted" && error.mayHaveActed);
  process.kill(pid, "SIGKILL");
  await failed;
});

test("the deadline is that of the command", async (t) => {
  const client = command(t, await startMock(t, "storage:latency=10000"), { deadlineMs: 200 });
  await assert.rejects(client.storage(), { kind: "deadline" });
});

test("a client that nobody closes does not keep its program from ending", async (t) => {
  const { endpoint, token, fingerprint } = await startMock(t);
  const options = { endpoint, token, fingerprints: fingerprint, command: program };
  const source = `import { Command } from ${JSON.stringify(import.meta.resolve("../index.js"))};
    console.log((await new Command(${JSON.stringify(options)}).storage()).vmid);`;
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", source], { timeout: 60_000 });
  assert.equal(output.toString(), "101\n");
});

test("a run is asked for, followed and listed", async (t) => {
  const controller = await startController(t, await startMock(t));
  const run = await controller.runSubject("backup");
  const kinds = [];
  for await (const event of controller.events()) {
    kinds.push(event.kind);
    if (event.kind === "run-ended") break;
  }
  assert.ok(kinds.includes("run-queued"));
  assert.equal((await controller.waitRun(run)).state, "done");
  assert.deepEqual((await controller.runs({ limit: 10 })).map(({ id }) => id), [run]);
  assert.equal((await controller.status()).subjects[0].name, "backup");
  await assert.rejects(controller.runSubject("no/such"), { kind: "not-found" });
  const ended = controller.events({ signal: AbortSignal.timeout(100), after: 1_000_000 });
  await assert.rejects(async () => {
    for await (const _ of ended);
  }, { name: "TimeoutError" });
});

test("a wipe is approved by a person", async (t) => {
  const controller = await startController(t, await startMock(t));
  const disk = { device: "/dev/sdc1", fstype: "ext4" };
  const { value } = await controller.formatDisk(disk).catch((error) => error);
  const wipe = { ...disk, confirmed: true, durable_id: value.durable_id };
  const needed = await controller.formatDisk(wipe).catch((error) => error);
  assert.ok(needed instanceof ApprovalNeeded && needed instanceof AgentError);
  const [approval] = await controller.approvals();
  assert.deepEqual([approval.id, approval.state], [needed.approval, "waiting"]);
  execFileSync(program, ["approvals", "approve", String(approval.id), "--confirm", value.durable_id], {
    env: { ...process.env, AGENTAPI_SOCKET: controller.path },
    stdio: "ignore",
  });
  const run = await controller.waitRun(needed.run);
  assert.equal(JSON.parse(run.result).formatted, true);
});

test("helpers need no agent", () => {
  assert.deepEqual([fsUuid("uuid:1"), fsUuid("byid:1")], ["1", ""]);
  const quoted = opsignCommand({ op: "storage_wipe", host_scope: "", durable_id: "it's\n", fstype: "" });
  assert.equal(quoted, "felhom-opsign -op storage_wipe -host '' -durable-id 'it'\\''s\n'");
});

/** The processes of `agentapi call` that this one has started. */
function children() {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter(isChild);
}

function isChild(pid) {
  try {
    const parent = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ")[1];
    return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("\0call\0");
  } catch {
    return false;
  }
}
