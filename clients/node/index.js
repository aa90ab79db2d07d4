// The client of a guest for the agent of its host. It opens no connection to the agent and compares no certificate: a
// controller on the same machine does (Controller), or the command agentapi as a child process (Command).

export { Command } from "./src/command.js";
export { Controller } from "./src/controller.js";
export { AgentError, ApprovalNeeded, FormatRefused, NeedsConfirmation } from "./src/errors.js";
export { fsUuid, opsignCommand } from "./src/helpers.js";
