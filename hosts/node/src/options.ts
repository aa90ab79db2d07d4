/** What callers give, checked before anything is done with it. */
import { AgentError } from "./error.js";

/** How an agent is connected to. */
export interface ConnectOptions {
  /** Where it listens: `host`, `host:port`, `[v6]` or `[v6]:port`; port 443 where none is given. */
  endpoint: string;
  /** The guest's bearer token. It stays out of the component, and out of every error. */
  token: string;
  /**
   * One to eight pins, each the SHA-256 of the DER of a leaf certificate as 64 hex digits; `:` and blanks in it are
   * dropped. Any one may match, so that a certificate can be rotated.
   */
  fingerprints: string | readonly string[];
  /** Time for a whole call in milliseconds, waiting for other calls included; 15 s where it is not given. */
  deadlineMs?: number | undefined;
  /** How many calls run at the same time; 4 where it is not given. Each has an instance, and others wait. */
  maxConcurrentCalls?: number | undefined;
  /**
   * What a call waits in: `worker`, a thread for each instance, is the default. `jspi` needs an engine with JavaScript
   * Promise Integration, and no thread.
   */
  engine?: EngineName | undefined;
}

export type EngineName = "worker" | "jspi";

/** What one call may have. */
export interface CallOptions {
  /** Ends the call: it rejects with the signal's reason. An order that was sent may be carried out all the same. */
  signal?: AbortSignal | undefined;
  /** Time for the whole call in milliseconds, instead of the client's. */
  deadlineMs?: number | undefined;
}

export const DEFAULT_DEADLINE_MS = 15_000;
export const DEFAULT_CONCURRENT_CALLS = 4;

/** The options with the fingerprints as a list and all defaults filled in. */
export type CompleteOptions = { [Name in keyof ConnectOptions]-?: NonNullable<ConnectOptions[Name]> } & {
  fingerprints: string[];
};

export function completeOptions(options: ConnectOptions): CompleteOptions {
  const { endpoint, token, fingerprints, deadlineMs, maxConcurrentCalls, engine } = options;
  const list = typeof fingerprints === "string" ? [fingerprints] : fingerprints;
  if (!Array.isArray(list)) throw invalid("fingerprints", "a text or a list of texts", list);
  return {
    endpoint: checkText("endpoint", endpoint),
    token: checkText("token", token),
    fingerprints: list.map((fingerprint) => checkText("fingerprint", fingerprint)),
    deadlineMs: checkDeadline(deadlineMs ?? DEFAULT_DEADLINE_MS),
    maxConcurrentCalls: checkCount("maxConcurrentCalls", maxConcurrentCalls ?? DEFAULT_CONCURRENT_CALLS),
    engine: checkEngine(engine ?? "worker"),
  };
}

/** A number of milliseconds. */
export function checkDeadline(value: unknown): number {
  if (typeof value === "number" && value >= 0) return value;
  throw invalid("deadlineMs", "a number of milliseconds", value);
}

/**
 * A text that can be sent: an unpaired surrogate has no UTF-8, and would be replaced on the way, which may make the name
 * of another disk of it.
 */
export function checkText(name: string, value: unknown): string {
  if (typeof value !== "string") throw invalid(name, "a text", value);
  if (!value.isWellFormed()) {
    throw new AgentError("invalid-argument", `${name}: expected well-formed Unicode, found an unpaired surrogate`);
  }
  return value;
}

function checkCount(name: string, value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value > 0) return value;
  throw invalid(name, "an integer from 1 on", value);
}

function checkEngine(value: unknown): EngineName {
  if (value === "worker" || value === "jspi") return value;
  throw new AgentError("invalid-argument", "engine: expected 'worker' or 'jspi', found another value");
}

/** The type of what was found, and not the value, which may be a secret in the wrong place. */
function invalid(name: string, expected: string, found: unknown): AgentError {
  const type = found === null ? "null" : typeof found;
  return new AgentError("invalid-argument", `${name}: expected ${expected}, found ${type}`);
}
