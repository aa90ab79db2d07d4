import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { host, recorded, reset } from "@felhom/agentapi-extension/testing";
import { fullerThan, policy } from "../extension.js";

beforeEach(reset);

const disk = (name, usedFraction, totalBytes = 1000) => ({ name, usedFraction, totalBytes });

test("a disk is full above the threshold, if its size is known", () => {
  const all = [disk("sda1", 0.9), disk("sdb1", 0.91), disk("sdc1", 1, 0)];
  assert.deepEqual(fullerThan(0.9, all), [disk("sdb1", 0.91)]);
});

test("a run names the full disks, and logs each", () => {
  host.disks.list = () => ({ vmid: 101n, disks: [disk("sda1", 0.5), disk("sdb1", 0.99)] });
  assert.equal(policy.run("{}"), '{"threshold":0.9,"full":["sdb1"]}');
  assert.deepEqual(recorded.log, [{ level: "warn", text: "sdb1 is 99 % full" }]);
});
