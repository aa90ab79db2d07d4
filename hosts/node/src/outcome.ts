/** From what an instance returned to what the caller gets. */
import { AgentError } from "./error.js";
import { describe } from "./network/failure.js";
import type { Mask } from "./network/mask.js";
import type { FormatResult } from "./records.js";
import type { ComponentError } from "./sandbox/component.js";
import type { CallExchange } from "./sandbox/egress.js";
import { toJson } from "./sandbox/json.js";

/**
 * The error for what the component returned. Where it only passes on the code of an exchange that failed, the error of
 * the exchange says more.
 */
export function toAgentError(error: ComponentError, { route, failure }: Partial<CallExchange> = {}): AgentError {
  const acts = route?.method === "POST";
  switch (error.tag) {
    case "failed":
      return toAgentError(error.val, { ...(route && { route }), ...(failure && { failure }) });
    case "needs-confirmation": {
      const value = toJson(error.val) as FormatResult;
      const id = JSON.stringify(value.durable_id);
      const message = `the customer must confirm that ${value.device} is wiped (durable id ${id})`;
      return new AgentError("needs-confirmation", message, { value });
    }
    case "refused": {
      const value = toJson(error.val) as FormatResult;
      return new AgentError("format-refused", `the operator must sign that ${value.device} is wiped`, { value });
    }
    case "not-connected":
      return new AgentError("not-connected", "not connected");
    case "invalid-argument":
      return new AgentError("invalid-argument", error.val);
    case "http-status": {
      const { status, text } = error.val;
      const message = `${route ? describe(route) : "a request"}: HTTP ${status}${text === "" ? "" : `: ${text}`}`;
      return new AgentError("http-status", message, { status, mayHaveActed: acts && status >= 500 });
    }
    case "bad-envelope": {
      const message = `the answer is not the agent's envelope: ${error.val}`;
      return new AgentError("bad-envelope", message, { mayHaveActed: acts });
    }
    case "decode": {
      const message = `the answer's data has another shape than documented: ${error.val}`;
      return new AgentError("decode", message, { mayHaveActed: acts });
    }
    case "agent":
      return new AgentError("agent", error.val);
    case "denied":
      return failure?.error ?? new AgentError("denied", `denied: ${error.val}`);
    case "pin-mismatch":
    case "unreachable":
    case "tls":
    case "interrupted":
    case "deadline":
    case "response-too-large":
      return failure?.error ?? internalError(new Error(`expected no ${error.tag}, as no exchange failed`), acts);
  }
}

/** The instance trapped, or could not be run. */
export function internalError(cause: unknown, mayHaveActed: boolean): AgentError {
  return new AgentError("internal", "the component failed", { cause, mayHaveActed });
}

/** The same error with the secrets in its texts masked. Only what an agent or a component wrote can hold any. */
export function maskError(error: AgentError, mask: Mask): AgentError {
  const { kind, message, status, value, mayHaveActed, cause } = error;
  return new AgentError(kind, mask.text(message), {
    mayHaveActed,
    ...(status === undefined ? {} : { status }),
    ...(value === undefined ? {} : { value: mask.value(value) }),
    ...(cause === undefined ? {} : { cause }),
  });
}
