/**
 * Instances in worker threads, for every Node from 20 on. The network stays on the main thread, where the caller's signals
 * are, and where the token is: the thread that runs the component has nothing but the stand-in.
 */
import { MessageChannel, Worker, type MessagePort } from "node:worker_threads";

import type { CoreModules } from "./component.js";
import type { ComponentRequest, ExchangeResult } from "./imports.js";
import type { ConnectArguments, Engine, Instance, OperationResult, Started } from "./instance.js";
import type { Operation } from "./operations.js";
import type { ThreadData, ThreadMessage } from "./thread.js";

/** The most JavaScript heap of a thread in MiB. The component's own memory is bounded in its module. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 };

export const workerEngine: Engine = {
  async start(modules: CoreModules, connect: ConnectArguments): Promise<Started> {
    const instance = new WorkerInstance(modules, connect);
    try {
      const connected = await instance.connected;
      if ("error" in connected) {
        await instance.close();
        return connected;
      }
      return { instance };
    } catch (error) {
      await instance.close();
      throw error;
    }
  },
};

/** The call that is under way. */
interface Running {
  exchange: (request: ComponentRequest) => Promise<ExchangeResult>;
  resolve: (result: OperationResult) => void;
  reject: (why: Error) => void;
}

class WorkerInstance implements Instance {
  readonly connected: Promise<OperationResult>;
  readonly #worker: Worker;
  readonly #answers: MessagePort;
  readonly #signal = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #running: Running | undefined;
  #isClosing = false;
  /** Why the thread is gone. */
  #fault: Error | undefined;

  constructor(modules: CoreModules, connect: ConnectArguments) {
    const { port1, port2 } = new MessageChannel();
    this.#answers = port1;
    // The channel alone keeps no process alive.
    port1.unref();
    const workerData: ThreadData = { modules, connect, answers: port2, signal: this.#signal };
    this.#worker = new Worker(new URL("./thread.js", import.meta.url), {
      workerData,
      transferList: [port2],
      // The environment may hold the token.
      env: {},
      argv: [],
      execArgv: [],
      resourceLimits: RESOURCE_LIMITS,
    });
    this.connected = this.#run(() => Promise.reject(new Error("a request before the pin")));
    this.#worker.on("message", (message: ThreadMessage) => this.#onMessage(message));
    this.#worker.on("error", (error) => this.#fail(error as Error));
    this.#worker.on("exit", () => this.#fail(new Error("the thread of the instance has ended")));
  }

  run(operation: Operation, exchange: Running["exchange"]): Promise<OperationResult> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault);
    const result = this.#run(exchange);
    this.#worker.postMessage(operation);
    return result;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#worker.terminate();
    this.#answers.close();
  }

  async #run(exchange: Running["exchange"]): Promise<OperationResult> {
    this.#worker.ref();
    try {
      return await new Promise((resolve, reject) => {
        this.#running = { exchange, resolve, reject };
      });
    } finally {
      this.#running = undefined;
      // While it is closed, the process stays alive for its end: whoever waits for that would never be told.
      if (!this.#isClosing) this.#worker.unref();
    }
  }

  #fail(why: Error): void {
    this.#fault ??= why;
    this.#running?.reject(this.#fault);
  }

  #onMessage(message: ThreadMessage): void {
    switch (message.type) {
      case "connected":
      case "result":
        this.#running?.resolve(message.result);
        break;
      case "trap":
        this.#fail(new Error(message.message));
        break;
      case "exchange":
        void this.#exchange(message.request);
    }
  }

  async #exchange(request: ComponentRequest): Promise<void> {
    const running = this.#running;
    try {
      const result = await running?.exchange(request);
      // First the answer, then the signal: the thread takes the one as soon as it sees the other.
      this.#answers.postMessage(result);
      Atomics.store(this.#signal, 0, 1);
      Atomics.notify(this.#signal, 0);
    } catch (error) {
      // The thread sleeps, and there is no answer for it.
      this.#fail(error as Error);
    }
  }
}
