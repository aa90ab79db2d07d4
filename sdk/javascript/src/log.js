// The log of this run.

import * as host from "felhom:agentapi/log@0.2.1";

const LEVELS = ["trace", "debug", "info", "warn", "error"];

export const log = {
  write(level, ...values) {
    if (!LEVELS.includes(level)) {
      throw new TypeError(`log.write: expected a level, one of ${LEVELS.join(", ")}, found ${level}`);
    }
    host.write(level, values.map(shown).join(" ").toWellFormed());
  },
  trace: (...values) => log.write("trace", ...values),
  debug: (...values) => log.write("debug", ...values),
  info: (...values) => log.write("info", ...values),
  warn: (...values) => log.write("warn", ...values),
  error: (...values) => log.write("error", ...values),
};

// A value in words.
export function shown(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value.name}: ${value.message}\n${value.stack ?? ""}`.trimEnd();
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // A circle, or a bigint.
    return String(value);
  }
}
