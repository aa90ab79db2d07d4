// What an extension remembers: JSON values, or bytes.

import * as host from "felhom:agentapi/state@0.2.1";

import { bytes, text } from "./arguments.js";
import { call, Failure } from "./failure.js";
import { decode, encode } from "./utf8.js";

export const state = {
  get(key, otherwise) {
    const value = state.getBytes(key);
    if (value === undefined) return otherwise;
    try {
      return JSON.parse(decode(value));
    } catch {
      throw new Failure("extension", `state.get: ${key}: expected JSON, found ${value.length} bytes that are none`);
    }
  },
  set(key, value) {
    const json = JSON.stringify(value);
    if (json === undefined) {
      throw new TypeError(`state.set: ${key}: expected a value that JSON can hold, found ${typeof value}`);
    }
    state.setBytes(key, encode(json));
  },
  getBytes: (key) => call("state.get", host.get, text("state.get", "key", key)),
  setBytes: (key, value) =>
    call("state.set", host.set, text("state.set", "key", key), bytes("state.set", "value", value)),
  delete: (key) => call("state.delete", host.delete, text("state.delete", "key", key)),
  list: (prefix = "") => call("state.list", host.list, text("state.list", "prefix", prefix)),
};
