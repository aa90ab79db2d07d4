import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { backup, CallError, clock, disks, hostMetrics, log, notify, quiesce, state, storage } from "../index.js";
import { host, hostError, recorded, reset } from "../testing.js";

beforeEach(reset);

const failing = (tag, val) => () => {
  throw hostError(tag, val);
};

test("an integer arrives as a number, and what is absent as undefined", () => {
  host.storage.mounts = () => ({ vmid: 101n, mounts: [] });
  assert.deepEqual(storage.mounts(), { vmid: 101, mounts: [] });
  host.disks.eject = () => ({ vmid: 101n, ejected: "sdb1", dependentGuests: BigInt64Array.of(102n) });
  assert.deepEqual(disks.eject("/mnt/usb"), { vmid: 101, ejected: "sdb1", dependentGuests: [102] });
  host.hostMetrics.collect = () => ({ host: { cpuTempC: null, uptimeSeconds: 9007199254740993n } });
  assert.deepEqual(hostMetrics.collect(), { host: { cpuTempC: undefined, uptimeSeconds: 9007199254740993n } });
});

test("each case of an error becomes its kind, with what it carries in words", () => {
  const cases = [
    ["pin-mismatch", undefined, undefined, false],
    ["unreachable", "connection refused", "connection refused", false],
    ["deadline", "waiting", "waiting", true],
    ["response-too-large", 1048576n, "1048576", true],
    ["http-status", { status: 409, text: "VM 101 is locked (backup)" }, "409 VM 101 is locked (backup)", false],
    ["http-status", { status: 500, text: "" }, "500", true],
  ];
  for (const [tag, val, detail, mayHaveActed] of cases) {
    host.backup.due = failing(tag, val);
    assert.throws(backup.due, (error) => {
      assert.ok(error instanceof CallError);
      assert.deepEqual({ ...error.toJSON() }, { call: "backup.due", kind: tag, message: detail });
      assert.equal(error.status, val?.status);
      assert.equal(error.mayHaveActed, mayHaveActed);
      assert.equal(error.message, ["backup.due", tag, detail].filter(Boolean).join(": "));
      return true;
    });
  }
});

test("a missing grant says which, and where to add it", () => {
  host.state.get = failing("denied", "the grant state.get is missing");
  assert.throws(() => state.get("key"), {
    call: "state.get",
    kind: "denied",
    detail: 'the grant state.get is missing: add "state.get" to functions in grants.toml',
  });
  host.disks.format = failing("failed", { tag: "denied", val: "nobody agreed" });
  assert.throws(() => disks.format({ device: "/dev/sdb1", fstype: "ext4" }), {
    call: "disks.format",
    kind: "denied",
    detail: "nobody agreed",
  });
});

test("a format that a person must decide carries the agent's answer", () => {
  host.disks.format = failing("needs-confirmation", { vmid: 101n, reason: "user data", durableId: "uuid:1" });
  assert.throws(
    () => disks.format({ device: "/dev/sdb1", fstype: "ext4" }),
    (error) => error.kind === "needs-confirmation" && error.result.durableId === "uuid:1" && error.detail === "user data",
  );
});

test("state holds JSON, and bytes", () => {
  assert.equal(state.get("seen"), undefined);
  assert.equal(state.get("seen", 3), 3);
  state.set("seen", { at: "Zoë 🦊", n: [1, null] });
  assert.deepEqual(state.get("seen"), { at: "Zoë 🦊", n: [1, null] });
  assert.equal(Buffer.from(recorded.state.get("seen")).toString(), '{"at":"Zoë 🦊","n":[1,null]}');
  state.setBytes("raw", Uint8Array.of(255, 0));
  assert.deepEqual(state.getBytes("raw"), Uint8Array.of(255, 0));
  assert.throws(() => state.get("raw"), { message: "state.get: raw: expected JSON, found 2 bytes that are none" });
  assert.throws(() => state.set("none", undefined), /expected a value that JSON can hold, found undefined/);
  assert.deepEqual(state.list("s"), ["seen"]);
  assert.equal(state.delete("seen"), true);
  assert.equal(state.delete("seen"), false);
});

test("the clock sleeps whole milliseconds, and refuses what is none", () => {
  clock.sleep(1.2);
  assert.equal(recorded.sleptMs, 2);
  assert.equal(clock.now(), 2);
  assert.equal(clock.monotonic(), 2);
  for (const wrong of [-1, NaN, undefined, Infinity]) {
    assert.throws(() => clock.sleep(wrong), /expected a number of milliseconds from 0, found/);
  }
});

test("log writes texts as they are, and the rest as JSON", () => {
  log.warn("disk", { name: "sdb1" }, [1], undefined, 5n);
  log.write("trace", "step");
  assert.deepEqual(recorded.log, [
    { level: "warn", text: 'disk {"name":"sdb1"} [1] undefined 5' },
    { level: "trace", text: "step" },
  ]);
  assert.throws(() => log.write("loud", "x"), /one of trace, debug, info, warn, error, found loud/);
});

test("notify raises and clears a key", () => {
  notify.send({ key: "stale", title: "No backup", text: "for 3 days" });
  assert.deepEqual(recorded.notifications.get("stale"), {
    key: "stale",
    severity: "warning",
    title: "No backup",
    text: "for 3 days",
  });
  notify.send({ key: "stale", severity: "critical", title: "No backup" });
  assert.deepEqual(Object.values(recorded.notifications.get("stale")), ["stale", "No backup", "", "critical"]);
  assert.equal(notify.clear("stale"), true);
  assert.throws(() => notify.send({ key: "k", severity: "loud", title: "t", text: "x" }), /found loud/);
});

test("a freeze is thawed whatever the work does, and its error is the one that is seen", () => {
  const calls = [];
  host.quiesce.freeze = () => void calls.push("freeze");
  host.quiesce.thaw = () => {
    calls.push("thaw");
    return { endedBy: { tag: "thaw" }, frozenMs: 12n, consistency: { tag: "application" } };
  };
  const { value, report } = quiesce.frozen(() => {
    calls.push("work");
    return 5;
  });
  assert.equal(value, 5);
  assert.equal(report.frozenMs, 12);
  const fail = () => {
    throw new Error("work");
  };
  assert.throws(() => quiesce.frozen(fail), { message: "work" });
  assert.deepEqual(calls, ["freeze", "work", "thaw", "freeze", "thaw"]);

  host.quiesce.thaw = failing("failed", "docker does not answer");
  assert.throws(() => quiesce.frozen(fail), { message: "work" });
  assert.match(recorded.log.at(-1).text, /quiesce.thaw: failed: docker does not answer, after work/);

  host.quiesce.freeze = failing("busy", "nightly");
  assert.throws(() => quiesce.frozen(() => assert.fail("not frozen")), { kind: "busy", detail: "nightly" });
});

test("an argument of another type is refused before the call is made", () => {
  const message = (act) => {
    try {
      act();
    } catch (error) {
      assert.equal(error.kind, "invalid-argument");
      return error.message;
    }
    return assert.fail("expected a refusal");
  };
  assert.equal(message(() => disks.eject(5)), "disks.eject: invalid-argument: mountPath: expected a text, found 5");
  assert.match(message(() => disks.assign({ uuid: "1" })), /mountPath: expected a text, found undefined$/);
  assert.match(message(() => disks.assign()), /expected an object, found undefined$/);
  assert.match(
    message(() => disks.format({ device: "/dev/sdb1", fstype: "ext4", confirmation: 7 })),
    /confirmation: expected a text, found 7$/,
  );
  assert.match(message(() => state.setBytes("key", [1])), /value: expected a Uint8Array, found \[1\]$/);
  assert.match(message(() => notify.send({ key: "k" })), /title: expected a text, found undefined$/);
});

test("a text with half a surrogate pair is made well-formed", () => {
  log.info("\ud800");
  state.set("\ud800", "\udc00");
  assert.deepEqual(recorded.log, [{ level: "info", text: "\ufffd" }]);
  assert.deepEqual(state.list(), ["\ufffd"]);
  assert.equal(state.get("\ufffd"), "\udc00");
});
