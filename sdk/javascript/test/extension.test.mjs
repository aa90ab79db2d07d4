import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { backup, extension, Failure, field } from "../index.js";
import { host, hostError, reset } from "../testing.js";

beforeEach(reset);

function failureOf(policy, input = "{}") {
  try {
    policy.run(input);
  } catch (thrown) {
    assert.equal(typeof thrown, "string");
    return JSON.parse(thrown).error;
  }
  return assert.fail("expected a failure");
}

test("the result is JSON, and nothing is null", () => {
  assert.equal(extension((input) => ({ input })).run('{"a": 1}'), '{"input":{"a":1}}');
  assert.equal(extension(() => undefined).run("{}"), "null");
});

test("a call that fails and is not caught is the failure of the run", () => {
  host.backup.due = () => {
    throw hostError("unreachable", "connection refused");
  };
  assert.deepEqual(failureOf(extension(() => backup.due())), {
    call: "backup.due",
    kind: "unreachable",
    message: "connection refused",
  });
});

test("whatever is thrown becomes a failure with a text", () => {
  const thrown = (value) =>
    failureOf(
      extension(() => {
        throw value;
      }),
    );
  assert.deepEqual(thrown(new Failure("no-disk", "none is mounted")), { kind: "no-disk", message: "none is mounted" });
  assert.deepEqual(thrown("a text"), { kind: "extension", message: "a text" });
  assert.deepEqual(thrown({ a: 1 }), { kind: "extension", message: '{"a":1}' });
  assert.deepEqual(thrown(undefined), { kind: "extension", message: "undefined" });
  assert.deepEqual(thrown(null), { kind: "extension", message: "null" });
  const circle = {};
  circle.self = circle;
  assert.deepEqual(thrown(circle), { kind: "extension", message: "[object Object]" });
  const bug = failureOf(extension(() => null.length));
  assert.match(bug.message, /^TypeError: Cannot read properties of null \(reading 'length'\) \(extension\.test\.mjs:\d+\)$/);
});

test("a promise is refused with a sentence", () => {
  assert.match(failureOf(extension(async () => 1)).message, /expected a result, found a promise/);
});

test("a result that JSON cannot hold is a failure", () => {
  const circle = {};
  circle.self = circle;
  assert.match(failureOf(extension(() => circle)).message, /^TypeError: Converting circular structure/);
});

test("fields have defaults, and are read in depth", () => {
  const fields = {
    threshold: field.number({ default: 0.8, min: 0, max: 1 }),
    mode: field.oneOf(["dry", "wet"], { default: "dry" }),
    note: field.text({ optional: true }),
    disks: field.list(field.record({ name: field.text(), wipe: field.flag({ default: false }) }), { default: [] }),
  };
  const policy = extension((input) => input, fields);
  assert.deepEqual(JSON.parse(policy.run("{}")), { threshold: 0.8, mode: "dry", disks: [] });
  assert.deepEqual(JSON.parse(policy.run('{"threshold": 0, "note": "x", "disks": [{"name": "sdb"}]}')), {
    threshold: 0,
    mode: "dry",
    note: "x",
    disks: [{ name: "sdb", wipe: false }],
  });
  const wrong = {
    '{"threshold": "x"}': 'threshold: expected a number from 0 to 1, found "x"',
    '{"threshold": 1.5}': "threshold: expected a number from 0 to 1, found 1.5",
    '{"mode": "damp"}': 'mode: expected one of "dry", "wet", found "damp"',
    '{"note": 5}': "note: expected a text, found 5",
    '{"disks": {}}': "disks: expected a list, found {}",
    '{"disks": [{"name": "a"}, {}]}': "disks[1].name: expected a text, found nothing",
    '{"disks": [{"name": "a", "wipe": 1}]}': "disks[0].wipe: expected true or false, found 1",
    '{"treshold": 1}': 'input: expected no field but threshold, mode, note, disks, found "treshold"',
    "[1]": "input: expected a JSON object, found [1]",
  };
  for (const [input, message] of Object.entries(wrong)) {
    assert.deepEqual(failureOf(policy, input), { kind: "extension", message });
  }
});

test("numbers say their range", () => {
  const message = (one, input) => failureOf(extension((given) => given, { one }), input).message;
  assert.equal(message(field.integer({ min: 1 }), '{"one": 1.5}'), "one: expected an integer of at least 1, found 1.5");
  assert.equal(message(field.integer({ max: 9 }), '{"one": 10}'), "one: expected an integer of at most 9, found 10");
  assert.equal(message(field.number(), '{"one": null}'), "one: expected a number, found null");
});

test("an input that is no JSON is told as such", () => {
  assert.match(failureOf(extension(() => 1), "{").message, /^input: expected JSON, found "\{"/);
});
