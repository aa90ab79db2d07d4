// The agent's operations.

import * as hostBackup from "felhom:agentapi/backup@0.2.1";
import * as hostDisks from "felhom:agentapi/disks@0.2.1";
import * as hostHostMetrics from "felhom:agentapi/host-metrics@0.2.1";
import * as hostStorage from "felhom:agentapi/storage@0.2.1";

import { call } from "./failure.js";

export const backup = {
  due: () => call("backup.due", hostBackup.due),
  start: () => call("backup.start", hostBackup.start),
  status: () => call("backup.status", hostBackup.status),
};

export const disks = {
  list: () => call("disks.list", hostDisks.list),
  assign: (request) => call("disks.assign", hostDisks.assign, request),
  eject: (mountPath) => call("disks.eject", hostDisks.eject, mountPath),
  format: (request) => call("disks.format", hostDisks.format, request),
  fsUuid: (durableId) => call("disks.fs-uuid", hostDisks.fsUuid, durableId),
  opsignCommand: (op) => call("disks.opsign-command", hostDisks.opsignCommand, op),
};

export const hostMetrics = {
  collect: () => call("host-metrics.collect", hostHostMetrics.collect),
};

export const storage = {
  mounts: () => call("storage.mounts", hostStorage.mounts),
};
