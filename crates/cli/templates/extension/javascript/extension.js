// Which disks are fuller than a threshold.

import { disks, extension, field, log } from "@felhom/agentapi-extension";

// What the input may hold. A wrong one fails the run with the field, what was expected and what was found.
const fields = { threshold: field.number({ default: 0.9, min: 0, max: 1 }) };

export const policy = extension(run, fields);

/** @param {import("@felhom/agentapi-extension").Values<typeof fields>} input */
export function run({ threshold }) {
  const full = fullerThan(threshold, disks.list().disks);
  for (const { name, usedFraction } of full) {
    log.warn(`${name} is ${Math.round(usedFraction * 100)} % full`);
  }
  return { threshold, full: full.map((disk) => disk.name) };
}

/**
 * A disk whose size is 0 has one that the agent does not know, and a fraction that says nothing.
 *
 * @param {number} threshold
 * @param {ReturnType<typeof disks.list>["disks"]} all
 */
export function fullerThan(threshold, all) {
  return all.filter((disk) => disk.totalBytes > 0 && disk.usedFraction > threshold);
}
