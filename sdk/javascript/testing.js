// For tests in Node, where nothing implements the host: `node --import @felhom/agentapi-extension/testing --test`.
//
// The modules `felhom:agentapi/..` become modules whose functions call those in `host`, which a test replaces.

import { register } from "node:module";

const functions = {
  backup: ["due", "start", "status"],
  clock: ["nowUnixMs", "monotonicMs", "sleepMs"],
  disks: ["list", "assign", "eject", "format", "fsUuid", "opsignCommand"],
  "host-metrics": ["collect"],
  log: ["write"],
  notify: ["send", "clear"],
  quiesce: ["freeze", "thaw"],
  state: ["get", "set", "delete", "list"],
  storage: ["mounts"],
};

const SHARED = Symbol.for("@felhom/agentapi-extension/testing");

export const host = (globalThis[SHARED] ??= {});
export const recorded = { log: [], notifications: new Map(), state: new Map(), sleptMs: 0 };

// Puts everything back: an agent that answers nothing, a clock at 0, an empty state and an empty log.
export function reset() {
  Object.assign(recorded, { log: [], notifications: new Map(), state: new Map(), sleptMs: 0 });
  for (const [name, names] of Object.entries(functions)) {
    host[camelCase(name)] = Object.fromEntries(names.map((each) => [each, unanswered(`${name}.${each}`)]));
  }
  Object.assign(host.log, { write: (level, text) => void recorded.log.push({ level, text }) });
  Object.assign(host.clock, {
    nowUnixMs: () => BigInt(recorded.sleptMs),
    monotonicMs: () => BigInt(recorded.sleptMs),
    sleepMs: (milliseconds) => void (recorded.sleptMs += Number(milliseconds)),
  });
  Object.assign(host.state, {
    get: (key) => recorded.state.get(key),
    set: (key, value) => void recorded.state.set(key, Uint8Array.from(value)),
    delete: (key) => recorded.state.delete(key),
    list: (prefix) => [...recorded.state.keys()].filter((key) => key.startsWith(prefix)).sort(),
  });
  Object.assign(host.notify, {
    send: (notification) => void recorded.notifications.set(notification.key, notification),
    clear: (key) => recorded.notifications.delete(key),
  });
}

// The error that the host throws for a case of a WIT variant.
export function hostError(tag, val) {
  return Object.assign(new Error(`${tag} (see error.payload)`), { payload: { tag, val } });
}

function unanswered(name) {
  return () => {
    throw hostError("unreachable", `${name}: no answer is given in this test: assign a function to host`);
  };
}

function camelCase(name) {
  return name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}

function moduleSource(name) {
  const target = `globalThis[Symbol.for("@felhom/agentapi-extension/testing")].${camelCase(name)}`;
  const lines = functions[name].map((each, index) => `const f${index} = (...args) => ${target}.${each}(...args);`);
  const names = functions[name].map((each, index) => `f${index} as ${each}`);
  return `${lines.join("\n")}\nexport { ${names.join(", ")} };`;
}

const sources = Object.fromEntries(Object.keys(functions).map((name) => [name, moduleSource(name)]));
const loader = `
  let sources;
  export const initialize = (given) => { sources = given; };
  export const resolve = (specifier, context, next) =>
    specifier.startsWith("felhom:agentapi/") ? { url: specifier, shortCircuit: true } : next(specifier, context);
  export const load = (url, context, next) =>
    url.startsWith("felhom:agentapi/")
      ? { format: "module", source: sources[url.slice(16).split("@")[0]], shortCircuit: true }
      : next(url, context);
`;
register(`data:text/javascript,${encodeURIComponent(loader)}`, { data: sources });
reset();
