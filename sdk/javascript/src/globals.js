// The globals that QuickJS lacks or has not connected: `console`, and the time of `Date`. Node has both already.

import { clock } from "./clock.js";
import { log } from "./log.js";

if (globalThis.console === undefined) {
  const { trace, debug, info, warn, error } = log;
  globalThis.console = { log: info, trace, debug, info, warn, error };

  const EngineDate = Date;
  globalThis.Date = class Date extends EngineDate {
    constructor(...args) {
      // The engine's own clock is a stub that ends the run.
      super(...(args.length === 0 ? [clock.now()] : args));
    }

    static now() {
      return clock.now();
    }
  };
}
