// Storage report: which mounts of this guest are fuller than a threshold.
//
// A mount has no fill level of its own. Three others may know one: the disk mounted there (`disks.list`), the host's
// storage behind it and that storage's thin pool (`host-metrics.collect`). The fullest of them counts, because the
// first to run full stops the guest. A source that cannot be asked is named in the report, with the kind of its
// error; without `storage.mounts` there is nothing to report on, and the run fails.

import { CallError, disks, extension, field, hostMetrics, storage } from "@felhom/agentapi-extension";

export const policy = extension(run, { threshold: field.number({ default: 0.8, min: 0, max: 1 }) });

/** @param {{ threshold: number }} input */
export function run({ threshold }) {
  const errors = [];
  const view = storage.mounts();
  const known = attempt(disks.list, errors)?.disks ?? [];
  const targets = attempt(hostMetrics.collect, errors)?.storageTargets ?? [];

  const over = [];
  const unknown = [];
  for (const mount of view.mounts) {
    const fullest = fillLevels(mount, known, targets).sort((a, b) => b.used_fraction - a.used_fraction)[0];
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
      if (target.thinPool.metadataUsedFraction !== undefined) {
        add("thin-pool-metadata", target.thinPool.metadataUsedFraction);
      }
    }
  }
  return levels;
}

// A call that fails is noted, and the report goes on with less.
function attempt(call, errors) {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    errors.push(error);
    return undefined;
  }
}
