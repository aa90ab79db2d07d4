/** The instances of one agent. Each runs one call at a time; more calls than instances wait, the oldest first. */
import { unlessAborted } from "../network/call.js";
import type { Instance } from "./instance.js";

interface Waiter {
  resolve: (instance: Instance) => void;
  reject: (why: unknown) => void;
}

export class Pool {
  readonly #start: () => Promise<Instance>;
  readonly #limit: number;
  readonly #idle: Instance[];
  readonly #all: Set<Instance>;
  readonly #waiting: Waiter[] = [];
  #starting = 0;
  #isClosed = false;

  /** Begins with one instance, and starts more, up to a limit, when calls run at the same time. */
  constructor(first: Instance, start: () => Promise<Instance>, limit: number) {
    this.#idle = [first];
    this.#all = new Set([first]);
    this.#start = start;
    this.#limit = limit;
  }

  /** An instance for one call, to be given back by `release` or `discard`. */
  async acquire(signal: AbortSignal): Promise<Instance> {
    signal.throwIfAborted();
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    let waiter: Waiter | undefined;
    const instance = new Promise<Instance>((resolve, reject) => {
      waiter = { resolve, reject };
      this.#waiting.push(waiter);
    });
    // Whichever is free first, one that is running now or the new one, takes the oldest call.
    if (this.#all.size + this.#starting < this.#limit) void this.#add();
    try {
      return await unlessAborted(signal, instance);
    } catch (error) {
      const place = this.#waiting.findIndex((other) => other === waiter);
      if (place >= 0) this.#waiting.splice(place, 1);
      // It was given in the same moment.
      else
        void instance.then(
          (given) => this.release(given),
          () => {},
        );
      throw error;
    }
  }

  release(instance: Instance): void {
    if (!this.#all.has(instance)) return;
    const waiter = this.#waiting.shift();
    if (waiter) waiter.resolve(instance);
    else this.#idle.push(instance);
  }

  /** Throws away an instance that trapped or was lost, and replaces it where calls are waiting. */
  async discard(instance: Instance): Promise<void> {
    this.#all.delete(instance);
    if (this.#waiting.length > 0) void this.#add();
    await instance.close();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const all = [...this.#all];
    this.#all.clear();
    this.#idle.length = 0;
    await Promise.all(all.map((instance) => instance.close()));
  }

  async #add(): Promise<void> {
    this.#starting += 1;
    try {
      const instance = await this.#start();
      if (this.#isClosed) return await instance.close();
      this.#all.add(instance);
      this.release(instance);
    } catch (error) {
      this.#waiting.shift()?.reject(error);
    } finally {
      this.#starting -= 1;
    }
    // None is left that would take what still waits.
    if (this.#waiting.length > 0 && this.#all.size + this.#starting === 0) await this.#add();
  }
}
