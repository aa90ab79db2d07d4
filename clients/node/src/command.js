import { spawn } from "node:child_process";
import { once } from "node:events";

import { Client } from "./client.js";
import { AgentError, failure, interrupted, unreachable } from "./errors.js";
import { lines, onAbort } from "./helpers.js";

/** The client over `agentapi call`: a child process for each call that runs at the same time. */
export class Command extends Client {
  #command;
  #arguments;
  #environment;
  #permits;
  #waiting = [];
  #idle = [];
  #isClosed = false;

  constructor({ endpoint, token, fingerprints, command = "agentapi", deadlineMs, processes = 4 }) {
    super();
    this.#command = command;
    this.#arguments = ["call", ...(deadlineMs === undefined ? [] : [`--deadline-ms=${deadlineMs}`])];
    // In the environment of the child, which only its own user can read. Arguments can be read by all.
    this.#environment = {
      ...process.env,
      AGENTAPI_ENDPOINT: endpoint,
      AGENTAPI_TOKEN: token,
      AGENTAPI_TOKEN_FILE: undefined,
      AGENTAPI_FINGERPRINT: [fingerprints].flat().join(","),
    };
    this.#permits = processes;
  }

  async ask(op, args, { signal } = {}) {
    signal?.throwIfAborted();
    await this.#permit(signal);
    try {
      const child = await this.#take();
      // Whoever stops waiting ends the child: its answer may not be read by the next call. It also ends the request.
      const isHeard = onAbort(signal, () => child.end());
      let answer;
      try {
        answer = await child.ask(op, args);
      } catch (error) {
        child.end();
        signal?.throwIfAborted();
        throw error;
      } finally {
        isHeard();
      }
      if (this.#isClosed) child.end();
      else this.#idle.push(child.rest());
      if (answer.ok) return answer.value;
      throw failure(answer.error.kind, answer.error.message, answer.error);
    } finally {
      this.#permits += 1;
      this.#waiting.shift()?.();
    }
  }

  /** Ends the processes; one that answers a call, after it. */
  async close() {
    this.#isClosed = true;
    await Promise.all(this.#idle.splice(0).map((child) => child.end()));
  }

  async #permit(signal) {
    while (this.#permits === 0) {
      await new Promise((resolve, reject) => {
        const stop = onAbort(signal, () => {
          this.#waiting.splice(this.#waiting.indexOf(turn), 1);
          reject(signal.reason);
        });
        const turn = () => resolve(stop());
        this.#waiting.push(turn);
      });
    }
    this.#permits -= 1;
  }

  async #take() {
    if (this.#isClosed) throw new AgentError("invalid-argument", "the client is closed");
    for (let child; (child = this.#idle.pop()); ) {
      if (child.isAlive) return child.work();
    }
    // A session of its own: Ctrl-C is for this process, which decides what it ends.
    const stdio = ["pipe", "pipe", "inherit"];
    let started;
    try {
      started = spawn(this.#command, this.#arguments, { env: this.#environment, stdio, detached: true });
      await once(started, "spawn");
    } catch (cause) {
      throw unreachable(this.#command, cause);
    }
    return new Child(started);
  }
}

class Child {
  #process;
  #lines;
  #latest = 0;

  constructor(process) {
    this.#process = process;
    this.#lines = lines(process.stdout);
    // That it is gone shows by the end of its output.
    for (const part of [process, process.stdin]) part.on("error", () => {});
  }

  get isAlive() {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  async ask(op, args) {
    const id = ++this.#latest;
    this.#process.stdin.write(`${JSON.stringify({ id, op, args })}\n`);
    try {
      const { value } = await this.#lines.next();
      const answer = JSON.parse(value);
      if (answer.id === id) return answer;
    } catch {
      // It ended: there is no line, or a part of one.
    }
    throw interrupted("the command", new Error("it ended without an answer; it says why on its standard error"));
  }

  /** A process that rests does not keep this one from ending. It ends with the pipe then. */
  rest() {
    for (const part of [this.#process, this.#process.stdin, this.#process.stdout]) part.unref();
    return this;
  }

  work() {
    for (const part of [this.#process, this.#process.stdin, this.#process.stdout]) part.ref();
    return this;
  }

  async end() {
    if (this.isAlive) {
      this.work();
      this.#process.kill("SIGKILL");
      await once(this.#process, "exit");
    }
  }
}
