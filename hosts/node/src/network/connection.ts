/** One connection to the pinned agent, on which requests run one after the other. */
import type { Call } from "./call.js";
import { ResponseReader } from "./response.js";
import type { PinnedSocket } from "./tls.js";

/** Not a byte of the request was written. */
export class Unsent extends Error {}

/** The connection ended before the head of an answer was there. The agent may have the request. */
export class NoAnswer extends Error {}

/** An answer, read to its end. */
export interface Answer {
  status: number;
  body: Buffer;
}

/** The request that is under way. */
interface Exchange {
  reader: ResponseReader;
  call: Call;
  resolve: () => void;
  reject: (why: Error) => void;
}

export class Connection {
  readonly #pinned: PinnedSocket;
  #exchange: Exchange | undefined;
  /** Why nothing can be sent any more. */
  #fault: Error | undefined;

  constructor(pinned: PinnedSocket) {
    this.#pinned = pinned;
    const { socket, transport } = pinned;
    socket.on("data", (bytes: Buffer) => this.#onData(bytes));
    socket.on("end", () => this.#onEnd());
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the connection was closed")));
    // The end of TLS arrives before that of TCP, or not at all.
    transport.removeAllListeners("cut");
    transport.on("cut", () => this.#fail(new Error("the connection was cut off")));
    if (socket.destroyed) this.close();
  }

  get isUsable(): boolean {
    return this.#fault === undefined;
  }

  /** While it is idle, the process does not stay alive for it. */
  setIdle(isIdle: boolean): void {
    this.#pinned.transport.setRef(!isIdle);
  }

  close(): void {
    this.#fail(new Error("the connection was closed"));
  }

  /** Sends a request and reads the whole answer. */
  async send(request: Buffer, call: Call): Promise<Answer> {
    await nextPoll();
    call.signal.throwIfAborted();
    if (this.#fault === undefined && !this.#pinned.transport.isBetweenRecords) {
      this.#fail(new Error("the agent has begun to send what it was not asked for"));
    }
    if (this.#fault !== undefined) throw new Unsent("nothing was sent", { cause: this.#fault });
    const reader = new ResponseReader();
    const abort = () => this.#fail(call.signal.reason as Error);
    call.phase = "waiting";
    call.signal.addEventListener("abort", abort, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        this.#exchange = { reader, call, resolve, reject };
        this.#pinned.socket.write(request);
      });
    } finally {
      this.#exchange = undefined;
      call.signal.removeEventListener("abort", abort);
    }
    if (!reader.canBeReused) this.close();
    return { status: reader.status, body: reader.body };
  }

  #onData(bytes: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === undefined || exchange.reader.isDone) {
      this.#fail(new Error("the agent sent something that it was not asked for"));
      return;
    }
    try {
      exchange.reader.read(bytes);
    } catch (error) {
      // What arrived is no answer: not the end of a connection that was idle for too long.
      exchange.reject(error as Error);
      this.#fail(error as Error);
      return;
    }
    if (exchange.reader.hasHead) exchange.call.phase = "receiving";
    if (exchange.reader.isDone) exchange.resolve();
  }

  #onEnd(): void {
    this.#exchange?.reader.end();
    if (this.#exchange?.reader.isDone) this.#exchange.resolve();
    this.#fail(new Error("the agent closed the connection"));
  }

  #fail(why: Error): void {
    if (this.#fault !== undefined) return;
    this.#fault = why;
    this.#pinned.socket.destroy();
    this.#pinned.transport.destroy();
    // Without effect where the answer is there, or another error.
    this.#exchange?.reject(this.#exchange.reader.hasHead ? why : new NoAnswer("no answer", { cause: why }));
  }
}

/**
 * Waits until what has arrived by now was read: a connection that the agent has closed must not be chosen for a request,
 * and bytes that nobody asked for must not be taken for its answer. The first turn may begin after the poll, the second
 * has one before it.
 */
async function nextPoll(): Promise<void> {
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  await turn();
  await turn();
}
