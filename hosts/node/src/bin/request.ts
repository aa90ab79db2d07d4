/** The requests of `agentapi call`: their names, their arguments, their values. */
import type { Agent } from "../agent.js";
import { AgentError } from "../error.js";

type Json = Record<string, unknown>;

/** An operation by its name, with arguments that are not checked yet. */
interface Request {
  op: string;
  args: Json;
}

const OPERATIONS: Record<string, (agent: Agent, args: Json) => Promise<unknown>> = {
  new: async () => null,
  storage: (agent) => agent.storage(),
  "backup-due": (agent) => agent.backupDue(),
  "start-backup": (agent) => agent.startBackup(),
  "backup-status": (agent) => agent.backupStatus(),
  disks: (agent) => agent.disks(),
  "host-metrics": (agent) => agent.hostMetrics(),
  "assign-disk": async (agent, args) => {
    const [uuid, where, fstype, options] = texts(args, "uuid", "where", "fstype", "options");
    await agent.assignDisk({ uuid, where, fstype, options });
    return null;
  },
  "eject-disk": async (agent, args) => agent.ejectDisk(texts(args, "where")[0]),
  "format-disk": async (agent, args) => {
    const [device, fstype, durableId] = texts(args, "device", "fstype", "durable_id");
    // Clients send the durable id along in both steps.
    return agent.formatDisk({ device, fstype, durableId: isTrue(args, "confirmed") ? durableId : undefined });
  },
  "fs-uuid": async (agent, args) => (await agent.fsUuid(texts(args, "durable_id")[0])) ?? "",
  "opsign-command": async (agent, args) => {
    const [op, host_scope, durable_id, fstype] = texts(args, "op", "host_scope", "durable_id", "fstype");
    return agent.opsignCommand({ op, host_scope, durable_id, fstype });
  },
};

/** The request in a line, or what is wrong with it, and its id. */
export function readRequest(line: string): { id?: unknown; request: Request | AgentError } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (cause) {
    return { request: invalid("expected a JSON object, found no JSON") };
  }
  if (!isObject(parsed)) return { request: invalid("expected a JSON object, found another value") };
  const { id, op, args } = parsed;
  if (typeof op !== "string") return { id, request: invalid("op: expected a text, found another value") };
  if (!isObject(args ?? {})) return { id, request: invalid("args: expected an object, found another value") };
  return { id, request: { op, args: (args ?? {}) as Json } };
}

export async function run(agent: Agent, { op, args }: Request): Promise<unknown> {
  const operation = Object.hasOwn(OPERATIONS, op) ? OPERATIONS[op] : undefined;
  if (operation) return operation(agent, args);
  throw invalid(`op: expected one of ${Object.keys(OPERATIONS).join(", ")}, found another`);
}

/** Arguments by name. One that is absent or null is empty. */
function texts<Names extends string[]>(args: Json, ...names: Names): { [Place in keyof Names]: string } {
  return names.map((name) => {
    const value = args[name] ?? "";
    if (typeof value !== "string") throw invalid(`${name}: expected a text, found another value`);
    return value;
  }) as { [Place in keyof Names]: string };
}

function isTrue(args: Json, name: string): boolean {
  const value = args[name] ?? false;
  if (typeof value !== "boolean") throw invalid(`${name}: expected true or false, found another value`);
  return value;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(message: string): AgentError {
  return new AgentError("invalid-argument", message);
}
