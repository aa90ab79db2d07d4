import assert from "node:assert/strict";
import { test } from "node:test";

import { AgentError } from "../dist/index.js";
import { answer, connect, scriptedAgent } from "./support/agent.mjs";
import { mockAgent } from "./support/mock.mjs";

test("every operation has its value from a mock agent", async (t) => {
  const agent = await connect(t, await mockAgent(t));
  const storage = await agent.storage();
  assert.deepEqual(storage.mounts[2], {
    key: "scratch",
    storage: "shared-nfs",
    mount_point: "/mnt/felhom/scratch",
    class: "",
    backup: false,
  });
  assert.deepEqual(await agent.backupDue(), { vmid: 101, due: true, reason: "last backup 26h ago, policy daily" });
  const job = await agent.startBackup();
  assert.equal(job.phase, "running");
  assert.deepEqual(await agent.backupStatus(), { vmid: 101, phase: "running", job_id: job.job_id, error: "" });
  const { disks } = await agent.disks();
  assert.deepEqual(
    disks.map(({ name, type, role }) => [name, type, role]),
    [
      ["root", "nvme", "system"],
      ["usb-backup", "usb", "backup"],
      ["media", "sata", "user-data"],
      ["spare", "usb", "user-data"],
    ],
  );
  const uuid = await agent.fsUuid(disks[3].durable_id);
  const request = { uuid, where: "/mnt/felhom/spare", fstype: "ext4" };
  assert.equal(await agent.assignDisk(request), undefined);
  const ejected = await agent.ejectDisk("/mnt/felhom/spare");
  assert.deepEqual(ejected.dependent_guests, []);
  const { host, storage_targets: targets } = await agent.hostMetrics();
  assert.equal(host.cpu_temp_c, 47);
  assert.deepEqual(
    targets.map(({ smart }) => smart.health),
    ["PASSED", "FAILING", "UNKNOWN", ""],
  );
  assert.deepEqual(
    targets.map(({ thin_pool: pool }) => pool?.metadata_used_fraction),
    [0.0325, null, undefined, undefined],
  );
});

test("a disk is formatted only after the right person has decided", async (t) => {
  const agent = await connect(t, await mockAgent(t));
  const refused = await agent.formatDisk({ device: "/dev/sdb1", fstype: "ext4" }).catch((error) => error);
  assert.equal(refused.kind, "format-refused");
  const command = await agent.opsignCommand(refused.value.pending_op);
  assert.match(command, /^felhom-opsign -op storage_wipe -host host-7f3a -durable-id byid:ata-/);
  const asked = await agent.formatDisk({ device: "/dev/sdc1", fstype: "ext4" }).catch((error) => error);
  assert.equal(asked.kind, "needs-confirmation");
  assert.equal(asked.value.pending_op, null);
  const formatted = await agent.formatDisk({ device: "/dev/sdc1", fstype: "ext4", durableId: asked.value.durable_id });
  assert.equal(formatted.formatted, true);
});

test("an integer is a number where it can be, else a bigint", async (t) => {
  const integers = ["9007199254740991", "9007199254740992", "-9223372036854775808"];
  const body = `{"ok":true,"data":{"vmid":${integers[0]},"ejected":"","dependent_guests":[${integers}]}}`;
  const scripted = await scriptedAgent(t, (_, socket) => socket.write(answer(body)));
  const agent = await connect(t, scripted.options);
  const { vmid, dependent_guests: guests } = await agent.ejectDisk("/mnt/x");
  assert.equal(vmid, Number.MAX_SAFE_INTEGER);
  assert.deepEqual(guests, [Number.MAX_SAFE_INTEGER, 2n ** 53n, -(2n ** 63n)]);
});

test("an error has the fields of the command's JSON, and says whether the agent may have acted", async (t) => {
  const agent = await connect(
    t,
    await mockAgent(t, "storage:status=503", "start-backup:status=503", "eject-disk:status=409"),
  );
  for (const [call, status, mayHaveActed] of [
    [() => agent.storage(), 503, false],
    [() => agent.startBackup(), 503, true],
    [() => agent.ejectDisk("/x"), 409, false],
  ]) {
    const error = await call().catch((why) => why);
    assert.ok(error instanceof AgentError && error instanceof Error);
    assert.deepEqual([error.kind, error.status, error.mayHaveActed], ["http-status", status, mayHaveActed]);
    assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(error))), ["kind", "message", "status"]);
  }
});

test("a text keeps every character, a byte-order mark at its beginning too", async (t) => {
  const reason = "\ufeffx \u0000 \u{1f4be} \u2028";
  const body = JSON.stringify({ ok: true, data: { vmid: 1, due: true, reason } });
  const scripted = await scriptedAgent(t, (_, socket) => socket.write(answer(body)));
  const agent = await connect(t, scripted.options);
  assert.equal((await agent.backupDue()).reason, reason);
});

test("the agent's own words are the message", async (t) => {
  const scripted = await scriptedAgent(t, (_, socket) =>
    socket.write(answer('{"ok":false,"error":"VM 101 is locked"}')),
  );
  const agent = await connect(t, scripted.options);
  await assert.rejects(agent.storage(), { kind: "agent", message: "VM 101 is locked" });
});

test("an argument that cannot be right is refused before anything is sent", async (t) => {
  const scripted = await scriptedAgent(t, () => {});
  const agent = await connect(t, scripted.options);
  const kind = "invalid-argument";
  await assert.rejects(agent.ejectDisk(), { kind, message: "where: expected a text, found undefined" });
  await assert.rejects(agent.ejectDisk("/mnt/\ud800"), { kind, message: /unpaired surrogate/ });
  await assert.rejects(agent.assignDisk({ uuid: "u", where: "/x" }), { kind, message: /^fstype: / });
  await assert.rejects(agent.formatDisk({ device: "d", fstype: "f", durableId: "" }), {
    kind,
    message: /confirmation/,
  });
  await assert.rejects(agent.storage({ deadlineMs: "soon" }), { kind, message: /^deadlineMs: / });
  assert.equal(scripted.applicationBytes, 0);
});
