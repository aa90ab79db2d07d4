/** Runs operations: an instance for each call, its exchanges, its deadline, and what becomes of its outcome. */
import { AgentError } from "./error.js";
import { Call } from "./network/call.js";
import { Client } from "./network/client.js";
import { deadlinePassed } from "./network/failure.js";
import { Mask } from "./network/mask.js";
import { checkDeadline, completeOptions, type CallOptions, type ConnectOptions } from "./options.js";
import { internalError, maskError, toAgentError } from "./outcome.js";
import { Egress, type CallExchange } from "./sandbox/egress.js";
import { coreModules, engineNamed } from "./sandbox/engines.js";
import type { ConnectArguments, Instance } from "./sandbox/instance.js";
import type { Operation } from "./sandbox/operations.js";
import { Pool } from "./sandbox/pool.js";
import { checkToken, parseEndpoint, parseFingerprint, standIn as newStandIn, type Authority } from "./target.js";

/** How long an instance may take to return after the end of its call. Then it is thrown away. */
const RETURN_MS = 1000;

/** What a client consists of. */
interface Parts {
  authority: Authority;
  deadlineMs: number;
  client: Client;
  egress: Egress;
  mask: Mask;
  pool: Pool;
}

export class Caller {
  readonly #parts: Parts;
  readonly #running = new Set<Call>();
  #isClosed = false;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  static async connect(options: ConnectOptions): Promise<Caller> {
    const { endpoint, token, fingerprints, deadlineMs, maxConcurrentCalls, engine } = completeOptions(options);
    checkToken(token);
    const { start } = engineNamed(engine);
    const modules = await coreModules();
    const authority = parseEndpoint(endpoint);
    const pins = fingerprints.map(parseFingerprint).filter((pin) => pin !== undefined);
    const standIn = newStandIn();
    const connect: ConnectArguments = {
      endpoint,
      standIn,
      fingerprints,
      pin: { authority: authority?.text, fingerprints: pins },
    };
    const startInstance = async (): Promise<Instance> => {
      const started = await start(modules, connect);
      if ("error" in started) throw toAgentError(started.error);
      return started.instance;
    };
    const first = await startInstance();
    if (authority === undefined) {
      throw new AgentError("internal", "the component accepted an endpoint without an authority");
    }
    const mask = new Mask([token, standIn]);
    const client = new Client(authority, new Set(pins), token);
    const egress = new Egress(client, authority, standIn, mask);
    const pool = new Pool(first, startInstance, maxConcurrentCalls);
    return new Caller({ authority, deadlineMs, client, egress, mask, pool });
  }

  /** The value of an operation. Rejects with an `AgentError`, or with the reason of the caller's signal. */
  async call(operation: Operation, options: CallOptions = {}): Promise<unknown> {
    if (this.#isClosed) throw notConnected();
    const call = new Call(checkDeadline(options.deadlineMs ?? this.#parts.deadlineMs), options.signal);
    const report = this.#parts.egress.start(call);
    this.#running.add(call);
    try {
      const instance = await this.#instance(call);
      return await this.#run(instance, operation, call, report);
    } catch (error) {
      throw error instanceof ClientClosed ? closedError(call, report) : error;
    } finally {
      this.#running.delete(call);
      call.end();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const call of this.#running) call.cancel(new ClientClosed());
    this.#parts.client.close();
    await this.#parts.pool.close();
  }

  async #instance(call: Call): Promise<Instance> {
    try {
      return await this.#parts.pool.acquire(call.signal);
    } catch (error) {
      if (call.hasMissedDeadline) {
        throw deadlinePassed(this.#parts.authority.text, undefined, "queued", call.limitMs).error;
      }
      throw call.signal.aborted || error instanceof AgentError ? error : internalError(error, false);
    }
  }

  async #run(instance: Instance, operation: Operation, call: Call, report: CallExchange): Promise<unknown> {
    const { mask } = this.#parts;
    const running = instance.run(operation, report.exchange);
    this.#giveBack(instance, running, call);
    // A caller who cancels does not wait for the instance. At the deadline the exchange fails, and the instance says so.
    const result = await Promise.race([running.catch((why: unknown) => ({ why })), call.cancelled]);
    if ("why" in result) throw maskError(internalError(result.why, isOrder(report)), mask);
    if ("error" in result) throw maskError(toAgentError(result.error, report), mask);
    return mask.value(result.value);
  }

  /** Gives the instance back when it has returned. One that trapped, or does not return, is thrown away. */
  #giveBack(instance: Instance, running: Promise<unknown>, call: Call): void {
    const { pool } = this.#parts;
    let overdue: NodeJS.Timeout | undefined;
    const watch = () => {
      overdue = setTimeout(() => void pool.discard(instance), RETURN_MS);
    };
    call.signal.addEventListener("abort", watch, { once: true });
    const stop = () => {
      call.signal.removeEventListener("abort", watch);
      clearTimeout(overdue);
    };
    running.then(
      () => (stop(), pool.release(instance)),
      () => (stop(), pool.discard(instance)),
    );
  }
}

/** Why a call is cancelled where its client is closed. */
class ClientClosed extends Error {}

function closedError(call: Call, report: CallExchange): AgentError {
  if (call.phase !== "waiting" && call.phase !== "receiving") return notConnected();
  const message = "the client was closed before the whole answer was there";
  return new AgentError("interrupted", message, { mayHaveActed: isOrder(report) });
}

function notConnected(): AgentError {
  return new AgentError("not-connected", "the client was closed");
}

/** Whether the request, if there was one, asks the agent to act. */
function isOrder(report: CallExchange): boolean {
  return report.route?.method === "POST";
}
