// Messages to the operator.

import * as host from "felhom:agentapi/notify@0.2.1";

import { call } from "./failure.js";

const SEVERITIES = ["info", "warning", "critical"];

export const notify = {
  send({ key, severity = "warning", title, text }) {
    if (!SEVERITIES.includes(severity)) {
      throw new TypeError(`notify.send: expected a severity, one of ${SEVERITIES.join(", ")}, found ${severity}`);
    }
    call("notify.send", host.send, { key, severity, title, text });
  },
  clear: (key) => call("notify.clear", host.clear, key),
};
