/** Masks secrets in what comes back: an agent, or something on the way, may repeat what it was sent. */
const REPLACEMENT = "[masked]";
/** A shorter secret is part of too many words, such as the keys of an answer, and guards nothing. */
const MIN_SECRET_LENGTH = 8;

export class Mask {
  readonly #secrets: string[];

  constructor(secrets: string[]) {
    this.#secrets = secrets.filter((secret) => secret.length >= MIN_SECRET_LENGTH);
  }

  text(text: string): string {
    return this.#secrets.reduce((masked, secret) => masked.replaceAll(secret, REPLACEMENT), text);
  }

  body(body: Buffer): Buffer {
    if (!this.#secrets.some((secret) => body.includes(secret))) return body;
    // Byte for byte: the body need not be UTF-8.
    return Buffer.from(this.text(body.toString("latin1")), "latin1");
  }

  /** A value with the secrets in all its texts masked. The body was masked as it came, but JSON has escapes. */
  value<T>(value: T): T {
    if (typeof value === "string") return this.text(value) as T;
    if (Array.isArray(value)) return value.map((item) => this.value(item)) as T;
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.value(item)])) as T;
  }
}
