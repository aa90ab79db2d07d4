import type { FormatResult } from "./records.js";

/** One for each thing that a caller would do differently. The names are those of `error` in the component's contract. */
export type ErrorKind =
  | "not-connected"
  | "invalid-argument"
  | "denied"
  | "pin-mismatch"
  | "unreachable"
  | "tls"
  | "interrupted"
  | "deadline"
  | "http-status"
  | "response-too-large"
  | "bad-envelope"
  | "agent"
  | "decode"
  | "needs-confirmation"
  | "format-refused"
  | "internal";

/** What an error holds besides its kind and message. */
export interface ErrorDetails {
  /** The HTTP status, with the kind `http-status`. */
  status?: number;
  /** The agent's answer, with the kinds `needs-confirmation` and `format-refused`. */
  value?: FormatResult;
  /** Whether the agent may have done what it was asked for. */
  mayHaveActed?: boolean;
  cause?: unknown;
}

/** Why a call failed. No text in it holds the token. */
export class AgentError extends Error {
  override readonly name = "AgentError";
  readonly kind: ErrorKind;
  readonly status?: number;
  readonly value?: FormatResult;
  /**
   * Whether the agent may have done what it was asked for although the call failed. Then look (`backupStatus`, `disks`)
   * before asking again: a second order would be a second backup.
   */
  readonly mayHaveActed: boolean;

  constructor(kind: ErrorKind, message: string, details: ErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.kind = kind;
    this.mayHaveActed = details.mayHaveActed ?? false;
    if (details.status !== undefined) this.status = details.status;
    if (details.value !== undefined) this.value = details.value;
  }

  /** The shape of `error` in the answers of `agentapi call`. */
  toJSON(): { kind: ErrorKind; message: string; status?: number; value?: FormatResult } {
    const { kind, status, value } = this;
    return {
      kind,
      message: withCauses(this),
      ...(status === undefined ? {} : { status }),
      ...(value === undefined ? {} : { value }),
    };
  }
}

/** The message of an error and those of its causes, in one line. */
function withCauses(error: Error): string {
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${withCauses(cause)}` : error.message;
}
