/**
 * How an exchange fails: the error that the caller gets, and the code by which the component learns of it. The component
 * needs the kind, and gets neither address nor cause.
 */
import { AgentError } from "../error.js";
import type { Route } from "../routes.js";
import type { ErrorCode } from "../sandbox/component.js";

/** How far a call is. */
export type Phase = "queued" | "connecting" | "handshake" | "waiting" | "receiving";

export class Failure extends Error {
  readonly code: ErrorCode;
  readonly error: AgentError;

  constructor(code: ErrorCode, error: AgentError) {
    super(error.message, { cause: error });
    this.code = code;
    this.error = error;
  }
}

export function denied(rule: string): Failure {
  return new Failure({ tag: "HTTP-request-denied" }, new AgentError("denied", `denied: ${rule}`));
}

export function pinMismatch(authority: string, cause: Error): Failure {
  const message = `the certificate of ${authority} is not the pinned one`;
  return new Failure({ tag: "TLS-certificate-error" }, new AgentError("pin-mismatch", message, { cause }));
}

export function tlsFailure(authority: string, cause: Error): Failure {
  return new Failure(
    { tag: "TLS-protocol-error" },
    new AgentError("tls", `TLS with ${authority} failed`, { cause: reason(cause) }),
  );
}

/** OpenSSL's reason alone, where there is one: the whole text has places in its sources. */
export function reason(cause: Error): Error {
  if (!("reason" in cause && "code" in cause)) return cause;
  return Object.assign(new Error(String(cause.reason)), { code: cause.code });
}

export function unreachable(authority: string, cause: Error): Failure {
  const error = new AgentError("unreachable", `${authority} cannot be reached`, { cause });
  return new Failure(unreachableCode(cause), error);
}

function unreachableCode(cause: Error): ErrorCode {
  switch ("code" in cause ? cause.code : undefined) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EAI_FAIL":
      return { tag: "DNS-error", val: {} };
    case "ECONNREFUSED":
      return { tag: "connection-refused" };
    case "ETIMEDOUT":
      return { tag: "connection-timeout" };
    default:
      return { tag: "destination-unavailable" };
  }
}

export function interrupted(route: Route, authority: string, cause: Error): Failure {
  const message = `${describe(route)}: the connection to ${authority} broke before the whole answer was there`;
  const error = new AgentError("interrupted", message, { cause, mayHaveActed: route.method === "POST" });
  return new Failure({ tag: "HTTP-response-incomplete" }, error);
}

export function tooLarge(route: Route, limit: number): Failure {
  const message = `the answer is larger than ${limit} bytes`;
  const error = new AgentError("response-too-large", message, { mayHaveActed: route.method === "POST" });
  return new Failure({ tag: "HTTP-response-body-size", val: BigInt(limit) }, error);
}

/** The call's deadline passed. Where nobody has answered at all the agent is unreachable rather than slow. */
export function deadlinePassed(authority: string, route: Route | undefined, phase: Phase, limitMs: number): Failure {
  if (phase === "connecting") {
    return unreachable(authority, Object.assign(new Error(`no answer within ${limitMs} ms`), { code: "ETIMEDOUT" }));
  }
  const { tag, text } = DEADLINES[phase];
  const mayHaveActed = route?.method === "POST" && (phase === "waiting" || phase === "receiving");
  const message = `no answer within ${limitMs} ms: the time was over ${text}`;
  return new Failure({ tag }, new AgentError("deadline", message, { mayHaveActed }));
}

const DEADLINES = {
  queued: { tag: "connection-write-timeout", text: "while earlier calls were running" },
  handshake: { tag: "connection-write-timeout", text: "in the TLS handshake" },
  waiting: { tag: "HTTP-response-timeout", text: "while waiting for the answer to begin" },
  receiving: { tag: "connection-read-timeout", text: "before the whole answer was there" },
} as const;

export function describe(route: Route): string {
  return `${route.method} ${route.path}`;
}
