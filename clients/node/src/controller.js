import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { request as send } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

import { Client } from "./client.js";
import { AgentError, ApprovalNeeded, failure, interrupted, unreachable } from "./errors.js";
import { lines } from "./helpers.js";

/** The client of the controller (`agentapi serve`) that listens on a Unix socket. */
export class Controller extends Client {
  #path;

  constructor(path = "/run/agentapi/agentapi.sock") {
    super();
    this.#path = path;
  }

  /** The path of the socket. */
  get path() {
    return this.#path;
  }

  ask(op, args, options) {
    return this.#send(acting.has(op) ? "POST" : "GET", `/v1/agent/${op}`, args, options);
  }

  status(options) {
    return this.#send("GET", "/v1/status", undefined, options);
  }

  async runs({ limit = 100, ...options } = {}) {
    return (await this.#send("GET", `/v1/runs?limit=${limit}`, undefined, options)).runs;
  }

  run(run, options) {
    return this.#send("GET", `/v1/runs/${run}`, undefined, options);
  }

  async runSubject(name, options) {
    return (await this.#send("POST", `/v1/subjects/${encodeURIComponent(name)}/run`, undefined, options)).run;
  }

  async waitRun(run, options) {
    for (;;) {
      try {
        const found = await this.run(run, options);
        if (found.ended_at !== null) return found;
      } catch (error) {
        // The history is not read while something is frozen.
        if (error.kind !== "frozen" && error.kind !== "busy") throw error;
      }
      await sleep(pollMs, undefined, options);
    }
  }

  async approvals(options) {
    return (await this.#send("GET", "/v1/approvals", undefined, options)).approvals;
  }

  async *events({ after = 0, ...options } = {}) {
    const response = await this.#open("GET", `/v1/events?after=${after}`, undefined, options, "text/event-stream");
    let name = "";
    try {
      for await (const line of lines(response)) {
        if (line.startsWith("event:")) name = line.slice(6).trim();
        if (!line.startsWith("data:")) continue;
        const value = JSON.parse(line.slice(5));
        // Events up to this number are not kept any more.
        yield name === "gap" ? { kind: "gap", number: value.to } : value;
      }
    } catch (cause) {
      options.signal?.throwIfAborted();
      throw interrupted("the controller", cause);
    }
  }

  async #send(method, path, body, options = {}) {
    const response = await this.#open(method, path, body, options, "application/json");
    const value = decode(await read(response, options));
    if (response.statusCode === 202) throw new ApprovalNeeded(value);
    return value;
  }

  /** A successful answer, whose body is to be read. */
  async #open(method, path, body, { signal } = {}, accept) {
    signal?.throwIfAborted();
    const headers = { accept };
    if (method === "POST") {
      headers["content-type"] = "application/json";
      headers["idempotency-key"] = randomUUID();
    }
    // A connection for each call: an idle one may be closed by the controller just when a request is sent on it.
    const request = send({ socketPath: this.#path, method, path, headers, signal, agent: false });
    request.end(body && JSON.stringify(body));
    let response;
    try {
      [response] = await once(request, "response");
    } catch (cause) {
      signal?.throwIfAborted();
      throw cause.syscall === "connect" ? unreachable("the controller", cause) : interrupted("the controller", cause);
    }
    // What ends the answer is told to whoever reads it.
    request.on("error", () => {});
    if (response.statusCode < 300) return response;
    const { kind, detail, agent_status, value } = decode(await read(response, { signal }));
    throw failure(kind, detail, { status: agent_status, value });
  }
}

async function read(response, { signal }) {
  try {
    return await text(response);
  } catch (cause) {
    signal?.throwIfAborted();
    throw interrupted("the controller", cause);
  }
}

function decode(body) {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new AgentError("decode", `expected JSON, found ${JSON.stringify(body.slice(0, 100))}`, { cause });
  }
}

const acting = new Set(["start-backup", "assign-disk", "eject-disk", "format-disk"]);
const pollMs = 1000;
