/** Counts TLS records by their headers: a type, a version of two bytes, a length of two bytes (RFC 8446, section 5.1). */
const HEADER_BYTES = 5;

export class RecordCounter {
  #header: number[] = [];
  #left = 0;

  /** Whether what was read so far ends with a record. The TLS library shows nothing of one before its end. */
  get isBetweenRecords(): boolean {
    return this.#header.length === 0 && this.#left === 0;
  }

  read(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0) {
        const read = Math.min(this.#left, bytes.length - at);
        this.#left -= read;
        at += read;
        continue;
      }
      this.#header.push(bytes.readUInt8(at));
      at += 1;
      const [, , , high, low] = this.#header;
      if (this.#header.length === HEADER_BYTES && high !== undefined && low !== undefined) {
        this.#left = high * 256 + low;
        this.#header = [];
      }
    }
  }
}
