import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";

import { compatibleInterfaces, isCompatible } from "../build/interfaces.mjs";
import { withMaxMemory } from "../build/memory.mjs";

const component = new URL("../component/", import.meta.url);

test("versions match by semver", () => {
  for (const [one, other, expected] of [
    ["0.2.0", "0.2.1", true],
    ["0.2.1", "0.2.0", true],
    ["0.2.0", "0.2.12", true],
    ["1.2.0", "1.9.0", true],
    ["0.2.0", "0.3.0", false],
    ["0.2.0", "1.2.0", false],
    ["1.0.0", "2.0.0", false],
  ]) {
    assert.equal(isCompatible(one, other), expected, `${one} and ${other}`);
  }
});

test("a component with another version, another interface, or one less, is not built", async () => {
  const world = await readFile(new URL("worker/agentapi.d.ts", component), "utf8");
  const found = compatibleInterfaces(world);
  assert.match(found.get("felhom:agentapi/pinning"), /^felhom:agentapi\/pinning@0\.2\./);
  const change = (from, to) => () => compatibleInterfaces(world.replaceAll(from, to));
  assert.throws(
    change(/pinning@0\.2/g, "pinning@0.3"),
    /felhom:agentapi\/pinning: expected a version compatible with 0\.2\.0/,
  );
  assert.throws(change("wasi:http/types@", "wasi:sockets/tcp@"), /expected an interface that this host knows/);
  assert.throws(change(/^.*pinning@.*$/gm, ""), /expected a component with felhom:agentapi\/pinning/);
});

test("every memory of the package has a maximum of 256 MiB", async () => {
  let memories = 0;
  for (const name of await readdir(new URL("core/", component))) {
    const module = await WebAssembly.compile(await readFile(new URL(`core/${name}`, component)));
    if (!WebAssembly.Module.exports(module).some(({ kind }) => kind === "memory")) continue;
    memories += 1;
    const imports = {};
    for (const entry of WebAssembly.Module.imports(module)) (imports[entry.module] ??= {})[entry.name] = () => 0;
    const { exports } = await WebAssembly.instantiate(module, imports);
    const pages = exports.memory.buffer.byteLength / 65536;
    exports.memory.grow(4096 - pages);
    assert.throws(() => exports.memory.grow(1), RangeError);
  }
  assert.equal(memories, 1);
});

test("a maximum that is there is only made smaller", () => {
  const module = (...memory) => Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, memory.length + 1, 1, ...memory]);
  assert.deepEqual(withMaxMemory(module(0, 1), 2 * 65536), module(1, 1, 2));
  assert.deepEqual(withMaxMemory(module(1, 1, 9), 2 * 65536), module(1, 1, 2));
  assert.deepEqual(withMaxMemory(module(1, 1, 1), 2 * 65536), module(1, 1, 1));
  assert.throws(() => withMaxMemory(module(0, 3), 2 * 65536), /at most 2 pages/);
  assert.throws(() => withMaxMemory(module(3, 1, 1), 2 * 65536), /unshared/);
});
