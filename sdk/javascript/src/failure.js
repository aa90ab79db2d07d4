// What goes wrong: a call that fails, a failure of the author's own, and the JSON that either becomes.

import { shown } from "./log.js";

// A call to the host that failed. `kind` is the name of the case in the WIT package, such as `http-status`.
export class CallError extends Error {
  constructor(call, kind, detail, { status, result } = {}) {
    super([call, kind, detail].filter((part) => part !== undefined && part !== "").join(": "));
    this.name = "CallError";
    this.call = call;
    this.kind = kind;
    this.detail = detail;
    this.status = status;
    this.result = result;
  }

  get mayHaveActed() {
    return MAY_HAVE_ACTED.has(this.kind) || this.status >= 500;
  }

  toJSON() {
    return { call: this.call, kind: this.kind, message: this.detail };
  }
}

// With a status below 500 the agent, or a proxy before it, refuses before it acts.
const MAY_HAVE_ACTED = new Set(["tls", "interrupted", "deadline", "response-too-large", "bad-envelope", "decode"]);

// A failure that the author of an extension names.
export class Failure extends Error {
  constructor(kind, message) {
    super(message);
    this.name = "Failure";
    this.kind = kind;
  }

  toJSON() {
    return { kind: this.kind, message: this.message };
  }
}

// Makes one call to the host. What it throws is a `CallError`.
export function call(name, operation, ...args) {
  let answer;
  try {
    answer = operation(...args);
  } catch (thrown) {
    throw callError(name, thrown);
  }
  return plain(answer);
}

function callError(name, thrown) {
  let error = thrown?.payload;
  // Not a case of a WIT variant: the arguments have another shape than the function's, and nothing was called.
  if (error?.tag === undefined) {
    return new CallError(name, "invalid-argument", thrown?.message ?? String(thrown));
  }
  // `disks.format` wraps the error of the call itself in a case of its own.
  if (error.tag === "failed" && error.val?.tag !== undefined) {
    error = error.val;
  }
  const { tag, val } = error;
  if (val === undefined || val === null) {
    return new CallError(name, tag);
  }
  if (tag === "http-status") {
    return new CallError(name, tag, `${val.status} ${val.text}`.trimEnd(), { status: val.status });
  }
  if (typeof val === "object") {
    return new CallError(name, tag, val.reason, { result: plain(val) });
  }
  return new CallError(name, tag, tag === "denied" ? withAdvice(String(val)) : String(val));
}

// The host names a missing grant; the author needs to know where it belongs.
function withAdvice(rule) {
  const grant = /^the grant (\S+) is missing$/.exec(rule)?.[1];
  return grant === undefined ? rule : `${rule}: add "${grant}" to functions in grants.toml`;
}

// A value of the host as the types say it: absent is `undefined`, and an integer is a number. A bigint, which only an
// engine other than QuickJS gives, stays one beyond 2⁵³.
export function plain(value) {
  if (value === null) return undefined;
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (Array.isArray(value)) return value.map(plain);
  // A list of 64-bit integers.
  if (value instanceof BigInt64Array || value instanceof BigUint64Array) return Array.from(value, plain);
  if (typeof value !== "object" || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

// The failure of a run, for `{"error": ..}`.
export function describe(thrown) {
  if (thrown instanceof CallError || thrown instanceof Failure) return thrown.toJSON();
  if (!(thrown instanceof Error)) return { kind: "extension", message: shown(thrown) };
  const line = /[^/(\s:]+:\d+/.exec(thrown.stack?.slice(thrown.stack.search(/^\s*at /m)) ?? "")?.[0];
  const message = `${thrown.name}: ${thrown.message}`;
  return { kind: "extension", message: line === undefined ? message : `${message} (${line})` };
}
