// Freezing the controller's applications.

import * as host from "felhom:agentapi/quiesce@0.2.1";

import { call } from "./failure.js";
import { log } from "./log.js";

export const quiesce = {
  freeze: () => call("quiesce.freeze", host.freeze),
  thaw: () => call("quiesce.thaw", host.thaw),
  frozen(work) {
    quiesce.freeze();
    let value;
    try {
      value = work();
    } catch (error) {
      thawAfter(error);
      throw error;
    }
    return { value, report: quiesce.thaw() };
  },
};

// The error of the work is what the caller must see; the host goes on thawing by itself.
function thawAfter(error) {
  try {
    quiesce.thaw();
  } catch (thawError) {
    log.warn(`${thawError.message}, after ${error?.message ?? error}`);
  }
}
