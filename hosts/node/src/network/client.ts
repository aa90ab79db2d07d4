/**
 * One agent's HTTPS client: its connections and its token, for one authority and one set of pins.
 *
 * A request is sent a second time only where that cannot make the agent act twice:
 *
 *     idle connection -> not a byte was sent ---------> sent on a new connection
 *                     -> broke before an answer, GET -> sent on a new connection (the agent had closed it)
 *                     -> broke before an answer, POST > interrupted (the agent may have acted)
 *     new connection  -> not a byte was sent ---------> unreachable
 *                     -> any other failure -----------> the call's error
 */
import type { SecureContext } from "node:tls";

import type { Route } from "../routes.js";
import type { Authority } from "../target.js";
import type { Call } from "./call.js";
import { Connection, NoAnswer, Unsent, type Answer } from "./connection.js";
import { deadlinePassed, Failure, interrupted, tlsFailure, tooLarge, unreachable } from "./failure.js";
import { IdleConnections } from "./idle.js";
import { BodyTooLarge, MAX_BODY_BYTES } from "./response.js";
import { openPinned, secureContext } from "./tls.js";

export class Client {
  readonly #authority: Authority;
  readonly #fingerprints: ReadonlySet<string>;
  readonly #token: string;
  readonly #secureContext: SecureContext = secureContext();
  readonly #idle = new IdleConnections();

  constructor(authority: Authority, fingerprints: ReadonlySet<string>, token: string) {
    this.#authority = authority;
    this.#fingerprints = fingerprints;
    this.#token = token;
  }

  /** Sends a request and reads the whole answer. Fails with a `Failure`. */
  async exchange(route: Route, body: Uint8Array, call: Call): Promise<Answer> {
    const request = this.#request(route, body);
    try {
      return (await this.#tryIdle(route, request, call)) ?? (await this.#tryNew(request, call));
    } catch (error) {
      throw this.#failure(route, error as Error, call);
    }
  }

  close(): void {
    this.#idle.close();
  }

  /** The answer on an idle connection; undefined where the request is to be sent on a new one. */
  async #tryIdle(route: Route, request: Buffer, call: Call): Promise<Answer | undefined> {
    // One is tried, however many there are: after a restart of the agent all of them are stale.
    const connection = this.#idle.take();
    if (connection === undefined) return undefined;
    try {
      return await this.#send(connection, request, call);
    } catch (error) {
      if (error instanceof Unsent) return undefined;
      if (error instanceof NoAnswer && route.method === "GET" && !call.signal.aborted) return undefined;
      throw error;
    }
  }

  async #tryNew(request: Buffer, call: Call): Promise<Answer> {
    const pinned = await openPinned(this.#authority, this.#fingerprints, this.#secureContext, call);
    return this.#send(new Connection(pinned), request, call);
  }

  async #send(connection: Connection, request: Buffer, call: Call): Promise<Answer> {
    try {
      const answer = await connection.send(request, call);
      if (connection.isUsable) this.#idle.keep(connection);
      return answer;
    } catch (error) {
      // Also where the call was ended before its turn: nobody else has this connection.
      connection.close();
      throw error;
    }
  }

  #request(route: Route, body: Uint8Array): Buffer {
    const head = [
      `${route.method} ${route.path} HTTP/1.1`,
      `host: ${this.#authority.text}`,
      `authorization: Bearer ${this.#token}`,
      ...(route.method === "POST" ? ["content-type: application/json", `content-length: ${body.length}`] : []),
    ];
    // No accept-encoding: secrets are searched for in the bytes as they come.
    return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`, "latin1"), body]);
  }

  #failure(route: Route, error: Error, call: Call): Failure {
    const authority = this.#authority.text;
    if (error instanceof Failure) return error;
    if (call.hasMissedDeadline) return deadlinePassed(authority, route, call.phase, call.limitMs);
    if (error instanceof BodyTooLarge) return tooLarge(route, MAX_BODY_BYTES);
    const cause = error instanceof Unsent || error instanceof NoAnswer ? (error.cause as Error) : error;
    // The server has ended the handshake after the client's part of it, and reads no request.
    if (isClientCertificateAlert(cause)) return tlsFailure(authority, cause);
    if (error instanceof Unsent) return unreachable(authority, cause);
    return interrupted(route, authority, cause);
  }
}

/** The alerts by which a server refuses a client that has no certificate. */
function isClientCertificateAlert(error: Error): boolean {
  const code = "code" in error ? String(error.code) : "";
  return /ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|NO_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)$/.test(code);
}
