// Time. It is the only one: the engine's own clocks are not connected to anything.

import * as host from "felhom:agentapi/clock@0.2.1";

export const clock = {
  now: () => Number(host.nowUnixMs()),
  monotonic: () => Number(host.monotonicMs()),
  sleep(milliseconds) {
    // A number that is no u64 would trap while it is lowered.
    if (!(milliseconds >= 0 && milliseconds <= Number.MAX_SAFE_INTEGER)) {
      throw new RangeError(`clock.sleep: expected a number of milliseconds from 0, found ${milliseconds}`);
    }
    host.sleepMs(Math.ceil(Number(milliseconds)));
  },
};
