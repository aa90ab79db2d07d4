/** A call that failed: `kind` in the words of `agentapi call` or of the controller's API, `status` for "http-status". */
export class AgentError extends Error {
  constructor(kind, message, { status, value, cause } = {}) {
    super(message, { cause });
    this.name = new.target.name;
    this.kind = kind;
    this.status = status;
    this.value = value;
  }

  /** Whether the agent may have done it all the same; without a meaning for an operation that only reads. */
  get mayHaveActed() {
    return unknownOutcomes.has(this.kind) || this.status >= 500;
  }
}

/** The customer must confirm that the disk is wiped, by the durable id in `value`. */
export class NeedsConfirmation extends AgentError {}

/** The operator of the host must sign that the disk is wiped: the pending operation in `value`. */
export class FormatRefused extends AgentError {}

/** A person has to approve the wipe, and the run wipes the disk then. Only over a controller's socket. */
export class ApprovalNeeded extends AgentError {
  constructor(value) {
    super("approval-needed", `run ${value.run} waits for approval ${value.approval} by a person`, { value });
    this.run = value.run;
    this.approval = value.approval;
  }
}

/** The error of this kind. */
export function failure(kind, message, { status, value } = {}) {
  const known = { "needs-confirmation": NeedsConfirmation, "format-refused": FormatRefused };
  const type = (value && known[kind]) || AgentError;
  return new type(kind, message, { status, value });
}

/** Nothing was sent. */
export function unreachable(what, cause) {
  return new AgentError("unreachable", `${what}: ${cause.message}`, { cause });
}

/** What was asked for may have been done. */
export function interrupted(what, cause) {
  return new AgentError("interrupted", `${what}: ${cause.message}`, { cause });
}

const unknownOutcomes = new Set([
  "interrupted",
  "deadline",
  "response-too-large",
  "bad-envelope",
  "decode",
  "internal",
  "in-progress",
  "outcome-unknown",
]);
