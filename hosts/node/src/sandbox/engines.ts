import { readFile } from "node:fs/promises";

import { AgentError } from "../error.js";
import type { EngineName } from "../options.js";
import type { CoreModules } from "./component.js";
import type { Engine } from "./instance.js";
import { hasJspi, jspiEngine } from "./jspi.js";
import { workerEngine } from "./worker.js";

export function engineNamed(name: EngineName): Engine {
  if (name === "worker") return workerEngine;
  if (hasJspi()) return jspiEngine;
  const message = "engine: 'jspi' needs an engine with JavaScript Promise Integration, which this Node does not have";
  throw new AgentError("invalid-argument", message);
}

const CORE_MODULES = ["agentapi.core.wasm", "agentapi.core2.wasm", "agentapi.core3.wasm"];
let compiled: Promise<CoreModules> | undefined;

/** The component's core modules, compiled once: instances and threads share the code. */
export function coreModules(): Promise<CoreModules> {
  return (compiled ??= compile());
}

async function compile(): Promise<CoreModules> {
  const entries = CORE_MODULES.map(async (name) => {
    const bytes = await readFile(new URL(`../../component/core/${name}`, import.meta.url));
    return [name, await WebAssembly.compile(bytes)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
