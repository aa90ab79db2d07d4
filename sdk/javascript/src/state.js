// What an extension remembers: JSON values, or bytes.

import * as host from "felhom:agentapi/state@0.2.1";

import { call, Failure } from "./failure.js";
import { decode, encode } from "./utf8.js";

export const state = {
  get(key, otherwise) {
    const bytes = state.getBytes(key);
    if (bytes === undefined) return otherwise;
    try {
      return JSON.parse(decode(bytes));
    } catch {
      throw new Failure("extension", `state.get: ${key}: expected JSON, found ${bytes.length} bytes that are none`);
    }
  },
  set(key, value) {
    const json = JSON.stringify(value);
    if (json === undefined) {
      throw new TypeError(`state.set: ${key}: expected a value that JSON can hold, found ${typeof value}`);
    }
    state.setBytes(key, encode(json));
  },
  getBytes: (key) => call("state.get", host.get, key),
  setBytes: (key, bytes) => call("state.set", host.set, key, bytes),
  delete: (key) => call("state.delete", host.delete, key),
  list: (prefix = "") => call("state.list", host.list, prefix),
};
