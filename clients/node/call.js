#!/usr/bin/env node
// Answers JSON Lines as `agentapi call` does, by this client: over the socket that AGENTAPI_SOCKET names, else over the command
// that AGENTAPI_COMMAND names. It shows that the client loses nothing, and serves to try it.

import { AgentError, Command, Controller, fsUuid, opsignCommand } from "./index.js";
import { lines } from "./src/helpers.js";

const { env } = process;
const client = env.AGENTAPI_SOCKET
  ? new Controller(env.AGENTAPI_SOCKET)
  : new Command({
      endpoint: env.AGENTAPI_ENDPOINT ?? "",
      token: env.AGENTAPI_TOKEN ?? "",
      fingerprints: env.AGENTAPI_FINGERPRINT ?? "",
      command: env.AGENTAPI_COMMAND,
      deadlineMs: env.AGENTAPI_DEADLINE_MS,
    });

const operations = {
  new: async () => (await client.check(), null),
  storage: () => client.storage(),
  "backup-due": () => client.backupDue(),
  "start-backup": () => client.startBackup(),
  "backup-status": () => client.backupStatus(),
  disks: () => client.disks(),
  "assign-disk": async (args) => (await client.assignDisk({ uuid: "", where: "", fstype: "", ...args }), null),
  "eject-disk": ({ where = "" }) => client.ejectDisk({ where }),
  "format-disk": (args) => client.formatDisk({ device: "", fstype: "", ...args }),
  "host-metrics": () => client.hostMetrics(),
  "fs-uuid": ({ durable_id = "" }) => fsUuid(durable_id),
  "opsign-command": (args) => opsignCommand({ op: "", host_scope: "", durable_id: "", ...args }),
};

// Starts the command before the first line. Why that fails is the answer to every line.
if (client instanceof Command) await client.check().catch(() => {});
for await (const line of lines(process.stdin)) {
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
}
await client.close?.();

async function answer(line) {
  let request = {};
  try {
    request = JSON.parse(line) ?? {};
    if (!Object.hasOwn(operations, request.op)) throw new SyntaxError(`op: expected an operation, found ${request.op}`);
    return { id: request.id, ok: true, value: await operations[request.op](request.args ?? {}) };
  } catch (error) {
    const { message, status, value } = error;
    const kind = error instanceof AgentError ? error.kind : error instanceof SyntaxError ? "invalid-argument" : "internal";
    return { id: request.id, ok: false, error: { kind, message, status, value } };
  }
}
