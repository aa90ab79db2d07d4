// The arguments of a call, checked before it is made: QuickJS traps without a word while it lowers what has another type.

import { CallError } from "./failure.js";
import { shown } from "./log.js";

// A text whose surrogates are all in pairs, as UTF-8 demands.
export function text(call, name, value) {
  if (typeof value !== "string") throw mismatch(call, name, "a text", value);
  return value.toWellFormed();
}

export function bytes(call, name, value) {
  if (!(value instanceof Uint8Array)) throw mismatch(call, name, "a Uint8Array", value);
  return value;
}

// A record of texts; those of `optional` may be absent.
export function texts(call, value, names, optional = []) {
  if (typeof value !== "object" || value === null) throw mismatch(call, "its argument", "an object", value);
  const record = Object.fromEntries(names.map((name) => [name, text(call, name, value[name])]));
  for (const name of optional) {
    record[name] = value[name] === undefined || value[name] === null ? undefined : text(call, name, value[name]);
  }
  return record;
}

function mismatch(call, name, expected, value) {
  return new CallError(call, "invalid-argument", `${name}: expected ${expected}, found ${shown(value)}`);
}
