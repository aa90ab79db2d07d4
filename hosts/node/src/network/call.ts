import type { Phase } from "./failure.js";

/** The time of a call is over. */
export class DeadlinePassed extends Error {}

/** Timers of more than this many milliseconds, 24 days, fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** One call: its only deadline, from its first moment, how it is cancelled, and how far it is. */
export class Call {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #release: () => void;
  readonly limitMs: number;
  /** Rejects as soon as the call is cancelled; never because of the deadline. */
  readonly cancelled: Promise<never>;
  #reject: (reason: unknown) => void = () => {};
  phase: Phase = "queued";

  constructor(limitMs: number, signal?: AbortSignal) {
    this.limitMs = limitMs;
    this.cancelled = new Promise((_, reject) => (this.#reject = reject));
    // Not everybody waits for it.
    this.cancelled.catch(() => {});
    const timeOver = () => this.#controller.abort(new DeadlinePassed());
    this.#timer = setTimeout(timeOver, Math.min(limitMs, MAX_TIMER_MS));
    const forward = () => this.cancel(signal?.reason);
    if (signal?.aborted) forward();
    signal?.addEventListener("abort", forward, { once: true });
    this.#release = () => signal?.removeEventListener("abort", forward);
  }

  /** Aborted with a `DeadlinePassed`, with the reason of the caller's signal, or because the agent is closed. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get hasMissedDeadline(): boolean {
    return this.signal.reason instanceof DeadlinePassed;
  }

  cancel(reason: unknown): void {
    this.#controller.abort(reason);
    this.#reject(reason);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#release();
  }
}

/** The outcome of a promise, or the reason of a signal as soon as it is aborted. */
export async function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let abort: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
