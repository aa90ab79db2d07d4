// The agent's operations.

import * as hostBackup from "felhom:agentapi/backup@0.2.1";
import * as hostDisks from "felhom:agentapi/disks@0.2.1";
import * as hostHostMetrics from "felhom:agentapi/host-metrics@0.2.1";
import * as hostStorage from "felhom:agentapi/storage@0.2.1";

import { text, texts } from "./arguments.js";
import { call } from "./failure.js";

export const backup = {
  due: () => call("backup.due", hostBackup.due),
  start: () => call("backup.start", hostBackup.start),
  status: () => call("backup.status", hostBackup.status),
};

export const disks = {
  list: () => call("disks.list", hostDisks.list),
  assign(request) {
    const checked = texts("disks.assign", request, ["uuid", "mountPath", "fstype", "options"]);
    call("disks.assign", hostDisks.assign, checked);
  },
  eject: (mountPath) => call("disks.eject", hostDisks.eject, text("disks.eject", "mountPath", mountPath)),
  format(request) {
    const checked = texts("disks.format", request, ["device", "fstype"], ["confirmation"]);
    return call("disks.format", hostDisks.format, checked);
  },
  fsUuid: (durableId) => call("disks.fs-uuid", hostDisks.fsUuid, text("disks.fs-uuid", "durableId", durableId)),
  opsignCommand(op) {
    const checked = texts("disks.opsign-command", op, ["op", "hostScope", "durableId", "fstype"]);
    return call("disks.opsign-command", hostDisks.opsignCommand, checked);
  },
};

export const hostMetrics = {
  collect: () => call("host-metrics.collect", hostHostMetrics.collect),
};

export const storage = {
  mounts: () => call("storage.mounts", hostStorage.mounts),
};
