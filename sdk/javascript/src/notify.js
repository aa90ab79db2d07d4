// Messages to the operator.

import * as host from "felhom:agentapi/notify@0.2.1";

import { text, texts } from "./arguments.js";
import { call } from "./failure.js";

const SEVERITIES = ["info", "warning", "critical"];

export const notify = {
  send(notification) {
    const checked = texts("notify.send", { text: "", ...notification }, ["key", "title", "text"]);
    const { severity = "warning" } = notification;
    if (!SEVERITIES.includes(severity)) {
      throw new TypeError(`notify.send: expected a severity, one of ${SEVERITIES.join(", ")}, found ${severity}`);
    }
    call("notify.send", host.send, { ...checked, severity });
  },
  clear: (key) => call("notify.clear", host.clear, text("notify.clear", "key", key)),
};
