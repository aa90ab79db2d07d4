/** The operations: which function of the component each one calls, and what becomes of its value. */
import type { Client, MaybePromise } from "./component.js";
import type { AssignRequest, FormatRequest, PendingOp } from "../records.js";
import { toJson } from "./json.js";

/** One operation with its arguments, as it is sent to the instance that runs it. */
export type Operation =
  | { name: "storage" | "backup-due" | "start-backup" | "backup-status" | "disks" | "host-metrics" }
  | { name: "assign-disk"; request: AssignRequest }
  | { name: "eject-disk"; where: string }
  | { name: "format-disk"; request: FormatRequest }
  | { name: "fs-uuid"; durableId: string }
  | { name: "opsign-command"; op: PendingOp };

/** Calls the component. What it returns is still in the component's types. */
export function call(client: Client, operation: Operation): MaybePromise<unknown> {
  switch (operation.name) {
    case "storage":
      return client.storage.mounts();
    case "backup-due":
      return client.backup.due();
    case "start-backup":
      return client.backup.start();
    case "backup-status":
      return client.backup.status();
    case "disks":
      return client.disks.list();
    case "host-metrics":
      return client.hostMetrics.collect();
    case "assign-disk": {
      const { uuid, where, fstype, options } = operation.request;
      return client.disks.assign({ uuid, mountPath: where, fstype, options: options ?? "" });
    }
    case "eject-disk":
      return client.disks.eject(operation.where);
    case "format-disk": {
      const { device, fstype, durableId } = operation.request;
      return client.disks.format({ device, fstype, ...(durableId === undefined ? {} : { confirmation: durableId }) });
    }
    case "fs-uuid":
      return client.disks.fsUuid(operation.durableId);
    case "opsign-command": {
      const { op, host_scope, durable_id, fstype } = operation.op;
      return client.disks.opsignCommand({ op, hostScope: host_scope, durableId: durable_id, fstype });
    }
  }
}

/** The value of an operation in the agent's own JSON: undefined stays what it is, because the operation has none. */
export function toValue(returned: unknown): unknown {
  return returned === undefined ? undefined : toJson(returned);
}
