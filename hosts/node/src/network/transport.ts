/**
 * The TCP connection under TLS. TLS runs over this stream instead of the socket itself, because Node does not tell the
 * end of TLS (`close_notify`) from the end of TCP, which anybody on the way can send, and because only what arrives here
 * shows whether a part of a TLS record is waiting.
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";

import { RecordCounter } from "./records.js";

export class Transport extends Duplex {
  readonly #socket: Socket;
  readonly #records = new RecordCounter();

  constructor(socket: Socket) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#records.read(chunk);
      if (!this.push(chunk)) socket.pause();
    });
    // Passed on in a later turn, when TLS has read what came before it. If TLS has not ended by then, the connection was
    // cut off.
    socket.on("end", () => setImmediate(() => this.emit("cut")));
    socket.on("close", () => setImmediate(() => this.destroy()));
    socket.on("error", (error) => this.destroy(error));
    // TLS has it as well.
    this.on("error", () => {});
  }

  get isBetweenRecords(): boolean {
    return this.#records.isBetweenRecords;
  }

  /** Whether the process stays alive for this connection. */
  setRef(isRef: boolean): void {
    if (isRef) this.#socket.ref();
    else this.#socket.unref();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
