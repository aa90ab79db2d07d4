import type { Connection } from "./connection.js";

/** A connection that was idle for longer is closed: many servers close theirs after 60 or 75 seconds. */
const MAX_IDLE_MS = 60_000;
/** How many are kept. */
const MAX_IDLE = 8;

/** The connections of one client on which no request is running. */
export class IdleConnections {
  readonly #entries: { connection: Connection; timer: NodeJS.Timeout }[] = [];
  #isClosed = false;

  /** The one that was used last. */
  take(): Connection | undefined {
    for (let entry = this.#entries.pop(); entry !== undefined; entry = this.#entries.pop()) {
      clearTimeout(entry.timer);
      if (!entry.connection.isUsable) continue;
      entry.connection.setIdle(false);
      return entry.connection;
    }
    return undefined;
  }

  keep(connection: Connection): void {
    if (this.#isClosed || this.#entries.length >= MAX_IDLE) {
      connection.close();
      return;
    }
    connection.setIdle(true);
    const timer = setTimeout(() => this.#expire(connection), MAX_IDLE_MS);
    timer.unref();
    this.#entries.push({ connection, timer });
  }

  close(): void {
    this.#isClosed = true;
    for (const { connection, timer } of this.#entries.splice(0)) {
      clearTimeout(timer);
      connection.close();
    }
  }

  #expire(connection: Connection): void {
    connection.close();
    const place = this.#entries.findIndex((entry) => entry.connection === connection);
    if (place >= 0) this.#entries.splice(place, 1);
  }
}
