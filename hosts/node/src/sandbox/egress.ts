/**
 * What leaves an instance. The component's request is not forwarded: the host reads which of the nine routes it asks for,
 * checks that it goes to the pinned authority and carries the stand-in for the token, and sends a request of its own.
 */
import type { Call } from "../network/call.js";
import type { Client } from "../network/client.js";
import { denied, Failure } from "../network/failure.js";
import type { Mask } from "../network/mask.js";
import { MAX_BODY_BYTES } from "../network/response.js";
import { routeOf, type Route } from "../routes.js";
import type { Authority } from "../target.js";
import type { ComponentRequest, ExchangeResult } from "./imports.js";

export class Egress {
  readonly #client: Client;
  readonly #authority: Authority;
  readonly #standIn: string;
  readonly #mask: Mask;

  constructor(client: Client, authority: Authority, standIn: string, mask: Mask) {
    this.#client = client;
    this.#authority = authority;
    this.#standIn = standIn;
    this.#mask = mask;
  }

  /** The exchanges of one call. */
  start(call: Call): CallExchange {
    const report: CallExchange = {
      exchange: async (request) => {
        try {
          const route = this.#admit(request);
          report.route = route;
          const answer = await this.#client.exchange(route, request.body, call);
          return { status: answer.status, body: this.#mask.body(answer.body) };
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          report.failure = error;
          return { code: error.code };
        }
      },
    };
    return report;
  }

  #admit(request: ComponentRequest): Route {
    if (request.scheme !== "HTTPS") throw denied("a request without https");
    if (request.authority !== this.#authority.text) throw denied("a request to another authority than the pinned one");
    const [authorization, ...more] = request.authorization;
    if (authorization !== `Bearer ${this.#standIn}` || more.length > 0) {
      throw denied("a request that does not carry the token that it was given");
    }
    const route = routeOf(request.method, request.path);
    if (route === undefined) throw denied("a request to a route that the agent does not have");
    if (request.body.length > MAX_BODY_BYTES) throw denied(`a request body of more than ${MAX_BODY_BYTES} bytes`);
    return route;
  }
}

/** What a call sends, and what became of it. */
export interface CallExchange {
  exchange(request: ComponentRequest): Promise<ExchangeResult>;
  /** Of the last request that was admitted. */
  route?: Route;
  /** How the last exchange failed. */
  failure?: Failure;
}
