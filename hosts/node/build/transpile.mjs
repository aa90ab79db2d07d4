// Transpiles the component to JavaScript and core WebAssembly, into `component/`:
//
//     component/core/             the core modules, the same for both
//     component/worker/           calls block in a host function, which a worker thread may
//     component/jspi/             calls are suspended in a host function, for engines with JSPI
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { transpileBytes } from "@bytecodealliance/jco-transpile";

import { compatibleInterfaces } from "./interfaces.mjs";
import { withMaxMemory } from "./memory.mjs";

const folder = join(dirname(fileURLToPath(import.meta.url)), "..");
const target = join(folder, "component");

/** The most memory of an instance in bytes, as in the host in Rust: several times what the largest answer takes. */
const MAX_MEMORY_BYTES = 256 * 1024 * 1024;

const component = await readFile(join(folder, "../../host-harness/component/agentapi.wasm"));
// What is compiled from the sources afterwards as well, so that nothing is packed whose source is gone.
for (const old of [target, join(folder, "dist")]) await rm(old, { recursive: true, force: true });

const blocking = await transpile({ instantiation: "sync" });
const interfaces = compatibleInterfaces(Buffer.from(blocking["agentapi.d.ts"]).toString());
await write("worker", blocking);
const suspending = await transpile({
  instantiation: "async",
  asyncMode: "jspi",
  // Only the first `get` waits: it makes the exchange.
  asyncImports: [`${interfaces.get("wasi:http/types")}#[method]future-incoming-response.get`],
  asyncExports: [
    `${interfaces.get("felhom:agentapi/storage")}#mounts`,
    ...["due", "start", "status"].map((name) => `${interfaces.get("felhom:agentapi/backup")}#${name}`),
    ...["list", "assign", "eject", "format"].map((name) => `${interfaces.get("felhom:agentapi/disks")}#${name}`),
    `${interfaces.get("felhom:agentapi/host-metrics")}#collect`,
  ],
});
await write("jspi", suspending);

async function transpile(options) {
  const { files } = await transpileBytes(component, {
    name: "agentapi",
    wasiShim: false,
    minify: true,
    emitTypescriptDeclarations: true,
    // A returned error is thrown as an `Error` with a `payload`, which tells it from a trap.
    noComponentErrorWrapping: false,
    ...options,
  });
  files["agentapi.js"] = Buffer.from(withByteOrderMarks(Buffer.from(files["agentapi.js"]).toString()));
  return files;
}

/** The transpiled code without a fault of jco: a text that begins with U+FEFF would lose it while it is lifted. */
function withByteOrderMarks(code) {
  const decoder = /new TextDecoder(\(\))?(?![\w(])/g;
  if (!decoder.test(code)) throw new Error("expected the transpiled code to make a TextDecoder");
  return code.replace(decoder, 'new TextDecoder("utf-8", { ignoreBOM: true })');
}

async function write(name, files) {
  for (const [path, bytes] of Object.entries(files)) {
    // The core modules come out the same both times.
    const isCore = path.endsWith(".wasm");
    const file = join(target, isCore ? "core" : name, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, isCore ? withMaxMemory(bytes, MAX_MEMORY_BYTES) : bytes);
  }
}
