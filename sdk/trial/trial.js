// Does by name what could go wrong between this package and a real host; trial.py does the same in Python.

import { backup, clock, disks, extension, Failure, field, log, quiesce, storage } from "@felhom/agentapi-extension";

/** @type {Record<string, () => unknown>} */
const acts = {
  answer: () => storage.mounts().vmid,
  missing_grant: () => backup.due(),
  // @ts-expect-error: what the types refuse is refused at run time too.
  wrong_argument: () => disks.eject(5),
  ejected: () => disks.eject("/mnt/felhom/media").dependentGuests,
  refused_format: () => disks.format({ device: "/dev/sdb1", fstype: "ext4" }),
  own_failure: () => {
    throw new Failure("no-disk", "Zoë 🦊");
  },
  frozen: () => quiesce.frozen(() => 1).report.consistency,
  slept: () => {
    const before = clock.monotonic();
    clock.sleep(20.5);
    return clock.monotonic() - before >= 20 && Math.abs(clock.now() - Date.now()) < 60_000;
  },
  logged: () => {
    log.debug("step");
    console.log("printed");
    log.error("\ud800 lone");
    console.error("traceback", new Error("none"));
    return null;
  },
};

export const policy = extension(({ act }) => acts[act](), { act: field.oneOf(Object.keys(acts)) });
