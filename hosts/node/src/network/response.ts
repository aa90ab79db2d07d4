/**
 * Reads one answer of HTTP/1.1 (RFC 9112). Strict: what two readers could understand differently is refused. It says when
 * the answer is whole, and whether the connection can be used again.
 */
import { ProtocolError, readHead, type Head } from "./head.js";

/** The largest body in bytes, whatever the framing says. */
export const MAX_BODY_BYTES = 1024 * 1024;
/** The longest line of a chunk's size, with its extensions. */
const MAX_CHUNK_LINE_BYTES = 1024;
/** The largest trailer section, which the API does not use. */
const MAX_TRAILER_BYTES = 16 * 1024;

/** The body is larger than the limit. */
export class BodyTooLarge extends Error {}

type State = "head" | "length" | "until-close" | "chunk-size" | "chunk-data" | "chunk-end" | "trailers" | "done";

export class ResponseReader {
  status = 0;
  #state: State = "head";
  #keepsAlive = false;
  /** What was read and not yet understood. */
  #rest: Buffer = Buffer.alloc(0);
  /** The body so far, at the beginning of a buffer that grows. */
  #body: Buffer = Buffer.alloc(0);
  #size = 0;
  /** How much is left of the body, or of the chunk. */
  #left = 0;
  #trailerBytes = 0;

  get hasHead(): boolean {
    return this.#state !== "head";
  }

  get isDone(): boolean {
    return this.#state === "done";
  }

  /** Whether another request may follow on this connection: not where more has come than the answer. */
  get canBeReused(): boolean {
    return this.isDone && this.#keepsAlive && this.#rest.length === 0;
  }

  get body(): Buffer {
    return this.#body.subarray(0, this.#size);
  }

  /** Takes what has arrived. Throws a `ProtocolError` or `BodyTooLarge`. */
  read(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (this.#step());
  }

  /** The peer has ended the connection properly: that is how a body without a length ends. */
  end(): void {
    if (this.#state === "until-close") this.#state = "done";
  }

  /** One step. False where more must arrive first. */
  #step(): boolean {
    switch (this.#state) {
      case "head":
        return this.#readHead();
      case "length":
        return this.#takeData("done");
      case "until-close":
        return this.#takeAll();
      case "chunk-size":
        return this.#readChunkSize();
      case "chunk-data":
        return this.#takeData("chunk-end");
      case "chunk-end":
        return this.#readChunkEnd();
      case "trailers":
        return this.#readTrailer();
      case "done":
        return false;
    }
  }

  #readHead(): boolean {
    const read = readHead(this.#rest);
    if (read === undefined) return false;
    const { head } = read;
    this.#rest = read.rest;
    if (head.status === 101) throw new ProtocolError("expected an answer, found a switch of protocols");
    // An interim answer, such as `100 Continue`: the one that counts comes after it.
    if (head.status < 200) return true;
    this.status = head.status;
    this.#begin(head);
    return true;
  }

  #begin(head: Head): void {
    this.#keepsAlive = head.keepsAlive;
    if (head.status === 204 || head.status === 304) {
      this.#state = "done";
    } else if (head.isChunked) {
      this.#state = "chunk-size";
    } else if (head.contentLength !== undefined) {
      // Refused before anything is read of it.
      if (head.contentLength > MAX_BODY_BYTES) throw new BodyTooLarge();
      this.#left = head.contentLength;
      this.#state = this.#left === 0 ? "done" : "length";
    } else {
      this.#keepsAlive = false;
      this.#state = "until-close";
    }
  }

  #takeAll(): boolean {
    if (this.#rest.length > 0) this.#keep(this.#rest);
    this.#rest = Buffer.alloc(0);
    return false;
  }

  #takeData(next: State): boolean {
    const data = this.#rest.subarray(0, this.#left);
    if (data.length === 0) return false;
    this.#keep(data);
    this.#rest = this.#rest.subarray(data.length);
    this.#left -= data.length;
    if (this.#left === 0) this.#state = next;
    return true;
  }

  #keep(data: Buffer): void {
    const size = this.#size + data.length;
    if (size > MAX_BODY_BYTES) throw new BodyTooLarge();
    if (size > this.#body.length) {
      // By doubling: an answer may come in chunks of a byte.
      const grown = Buffer.allocUnsafe(Math.max(size, Math.min(2 * this.#body.length, MAX_BODY_BYTES)));
      this.#body.copy(grown, 0, 0, this.#size);
      this.#body = grown;
    }
    data.copy(this.#body, this.#size);
    this.#size = size;
  }

  #readChunkSize(): boolean {
    const line = this.#takeLine(MAX_CHUNK_LINE_BYTES);
    if (line === undefined) return false;
    const match = /^([0-9a-fA-F]{1,8})(?:[ \t]*;.*)?$/s.exec(line);
    if (match?.[1] === undefined) throw new ProtocolError("expected the size of a chunk, found something else");
    this.#left = parseInt(match[1], 16);
    if (this.#size + this.#left > MAX_BODY_BYTES) throw new BodyTooLarge();
    this.#state = this.#left === 0 ? "trailers" : "chunk-data";
    return true;
  }

  #readChunkEnd(): boolean {
    const line = this.#takeLine(0);
    if (line === undefined) return false;
    this.#state = "chunk-size";
    return true;
  }

  #readTrailer(): boolean {
    const line = this.#takeLine(MAX_TRAILER_BYTES - this.#trailerBytes);
    if (line === undefined) return false;
    this.#trailerBytes += line.length + 2;
    if (line === "") this.#state = "done";
    return true;
  }

  /** The next line without its end, if it is there. */
  #takeLine(limit: number): string | undefined {
    const end = this.#rest.indexOf("\r\n");
    if (end > limit || (end < 0 && this.#rest.length > limit + 1)) {
      throw new ProtocolError(`expected the end of a line within ${limit} bytes`);
    }
    if (end < 0) return undefined;
    const line = this.#rest.toString("latin1", 0, end);
    this.#rest = this.#rest.subarray(end + 2);
    return line;
  }
}
