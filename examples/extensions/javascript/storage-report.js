// Storage report: which mounts of this guest are fuller than a threshold.
//
// A mount has no fill level of its own. Three others may know one: the disk mounted there (`disks.list`), the host's
// storage behind it and that storage's thin pool (`host-metrics.collect`). The fullest of them counts, because the
// first to run full stops the guest. A source that cannot be asked is named in the report, with the kind of its
// error; without `storage.mounts` there is nothing to report on, and the run fails.

import { mounts } from "felhom:agentapi/storage@0.2.1";
import { list } from "felhom:agentapi/disks@0.2.1";
import { collect } from "felhom:agentapi/host-metrics@0.2.1";

const DEFAULT_THRESHOLD = 0.8;

export const policy = {
  // What is thrown here becomes the error of the WIT function `run`: a JSON text, like the result.
  run(input) {
    try {
      return JSON.stringify(report(thresholdIn(input)));
    } catch (error) {
      throw JSON.stringify({ error: error.kind ? error : { kind: "extension", message: error.message } });
    }
  },
};

function report(threshold) {
  const errors = [];
  const view = ask("storage.mounts", mounts);
  const disks = attempt("disks.list", list, errors)?.disks ?? [];
  const targets = attempt("host-metrics.collect", collect, errors)?.storageTargets ?? [];

  const over = [];
  const unknown = [];
  for (const mount of view.mounts) {
    const fullest = fillLevels(mount, disks, targets).sort((a, b) => b.used_fraction - a.used_fraction)[0];
    const { key, storage, mountPoint: mount_point } = mount;
    if (fullest === undefined) {
      unknown.push({ key, storage, mount_point });
    } else if (fullest.used_fraction > threshold) {
      over.push({ key, storage, mount_point, ...fullest });
    }
  }
  return { vmid: view.vmid, threshold, mounts: view.mounts.length, over, unknown, errors };
}

// Everything that is known about how full a mount is; empty when nobody says.
function fillLevels(mount, disks, targets) {
  const levels = [];
  const add = (measured, used_fraction) => levels.push({ used_fraction, measured });

  const disk = disks.find((each) => each.mountPath === mount.mountPoint);
  // A size of 0 means that the agent does not know it: the fraction is then 0 too, and says nothing.
  if (disk && disk.totalBytes > 0) add("disk", disk.usedFraction);

  const target = targets.find((each) => each.name === mount.storage);
  // The last known figures of a storage that does not answer are not today's.
  if (target?.reachable) {
    if (target.totalBytes > 0) add("storage", target.usedFraction);
    if (target.thinPool) {
      add("thin-pool-data", target.thinPool.dataUsedFraction);
      if (target.thinPool.metadataUsedFraction !== null) {
        add("thin-pool-metadata", target.thinPool.metadataUsedFraction);
      }
    }
  }
  return levels;
}

// As `ask`, but a call that fails is noted, and the report goes on with less.
function attempt(call, operation, errors) {
  try {
    return ask(call, operation);
  } catch (error) {
    errors.push(error);
    return undefined;
  }
}

// Makes one call. A case of the WIT variant `error` arrives as the payload of what is thrown: its name in `tag`, what
// it carries in `val`. That is a record where the agent answered with another status than the call accepts.
function ask(call, operation) {
  try {
    return operation();
  } catch ({ payload: { tag, val } }) {
    if (val === undefined) {
      throw { call, kind: tag };
    }
    throw { call, kind: tag, message: tag === "http-status" ? `${val.status} ${val.text}`.trimEnd() : String(val) };
  }
}

function thresholdIn(input) {
  const { threshold = DEFAULT_THRESHOLD } = JSON.parse(input);
  if (typeof threshold !== "number" || threshold < 0 || threshold > 1) {
    throw new Error(`threshold: expected a number from 0 to 1, found ${JSON.stringify(threshold)}`);
  }
  return threshold;
}
