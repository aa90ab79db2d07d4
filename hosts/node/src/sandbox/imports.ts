/**
 * The host's side of `wasi:http`, `wasi:io` and `felhom:agentapi/pinning`, for one instance. A request is collected, and
 * the exchange made in the first `get` of its future response. By then the component has written the body.
 */
import type { ErrorCode, MaybePromise, Method, Refusal, Result, Scheme } from "./component.js";

/** A request as the component made it. Nothing of it is sent as it is. */
export interface ComponentRequest {
  method: string;
  scheme: string;
  authority: string;
  path: string;
  /** The values of its `authorization` headers. */
  authorization: string[];
  body: Uint8Array;
}

/** An answer, read to its end, or the code for why there is none. */
export type ExchangeResult = { status: number; body: Uint8Array } | { code: ErrorCode };

/** What the imports need of the host. */
export interface Host {
  /** Compares a pin with the one that is enforced. */
  pin(authority: string, fingerprints: string[]): Refusal | undefined;
  exchange(request: ComponentRequest): MaybePromise<ExchangeResult>;
}

/** The imports, under the names that the transpiled code asks for. */
export function imports(host: Host): Record<string, Record<string, unknown>> {
  return {
    "felhom:agentapi/pinning": { pin: pinFunction(host) },
    "felhom:agentapi/types": {},
    "wasi:http/outgoing-handler": {
      handle: (request: OutgoingRequest) => new FutureIncomingResponse(host, request),
    },
    "wasi:http/types": {
      Fields,
      FutureIncomingResponse,
      IncomingBody,
      IncomingResponse,
      OutgoingBody,
      OutgoingRequest,
      RequestOptions,
    },
    "wasi:io/error": { Error: IoError },
    "wasi:io/poll": { Pollable },
    "wasi:io/streams": { InputStream, OutputStream },
  };
}

function pinFunction(host: Host): (authority: string, leafSha256: Uint8Array[]) => void {
  return (authority, leafSha256) => {
    const refusal = host.pin(
      authority,
      leafSha256.map((leaf) => Buffer.from(leaf).toString("hex")),
    );
    // What is thrown becomes the error of the result.
    if (refusal) throw refusal;
  };
}

class Fields {
  readonly entries: [string, string][] = [];

  append(name: string, value: Uint8Array): void {
    this.entries.push([name.toLowerCase(), Buffer.from(value).toString("latin1")]);
  }

  clone(): Fields {
    const copy = new Fields();
    copy.entries.push(...this.entries);
    return copy;
  }
}

class OutgoingRequest {
  readonly #headers: Fields;
  #body: OutgoingBody | undefined;
  #method: Method = { tag: "get" };
  #scheme: Scheme | undefined;
  #authority = "";
  #path = "";

  constructor(headers: Fields) {
    this.#headers = headers;
  }

  body(): OutgoingBody {
    return (this.#body ??= new OutgoingBody());
  }

  setMethod(method: Method): void {
    this.#method = method;
  }

  setPathWithQuery(path: string | undefined): void {
    this.#path = path ?? "";
  }

  setScheme(scheme: Scheme | undefined): void {
    this.#scheme = scheme;
  }

  setAuthority(authority: string | undefined): void {
    this.#authority = authority ?? "";
  }

  collected(): ComponentRequest {
    const authorization = this.#headers.entries.filter(([name]) => name === "authorization");
    return {
      method: this.#method.tag.toUpperCase(),
      scheme: this.#scheme?.tag ?? "",
      authority: this.#authority,
      path: this.#path,
      authorization: authorization.map(([, value]) => value),
      body: this.#body?.collected() ?? new Uint8Array(),
    };
  }
}

class OutgoingBody {
  readonly #chunks: Uint8Array[] = [];

  write(): OutputStream {
    return new OutputStream(this.#chunks);
  }

  static finish(_body: OutgoingBody): void {}

  collected(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }
}

class OutputStream {
  readonly #chunks: Uint8Array[];

  constructor(chunks: Uint8Array[]) {
    this.#chunks = chunks;
  }

  blockingWriteAndFlush(contents: Uint8Array): void {
    // A copy: the bytes may be a view of the component's memory.
    this.#chunks.push(contents.slice());
  }
}

type GetResult = Result<Result<IncomingResponse, ErrorCode>, void>;

class FutureIncomingResponse {
  readonly #host: Host;
  #request: OutgoingRequest | undefined;

  constructor(host: Host, request: OutgoingRequest) {
    this.#host = host;
    this.#request = request;
  }

  /** Waits for the answer, so that there is never nothing. */
  get(): MaybePromise<GetResult> {
    const request = this.#request;
    this.#request = undefined;
    if (!request) return { tag: "err", val: undefined };
    const result = this.#host.exchange(request.collected());
    return result instanceof Promise ? result.then(toGetResult) : toGetResult(result);
  }

  subscribe(): Pollable {
    return new Pollable();
  }
}

function toGetResult(result: ExchangeResult): GetResult {
  const response: Result<IncomingResponse, ErrorCode> =
    "code" in result ? { tag: "err", val: result.code } : { tag: "ok", val: new IncomingResponse(result) };
  return { tag: "ok", val: response };
}

class IncomingResponse {
  readonly #status: number;
  readonly #body: IncomingBody;

  constructor({ status, body }: { status: number; body: Uint8Array }) {
    this.#status = status;
    this.#body = new IncomingBody(body);
  }

  status(): number {
    return this.#status;
  }

  consume(): IncomingBody {
    return this.#body;
  }
}

class IncomingBody {
  readonly #stream: InputStream;

  constructor(body: Uint8Array) {
    this.#stream = new InputStream(body);
  }

  stream(): InputStream {
    return this.#stream;
  }
}

class InputStream {
  #rest: Uint8Array;

  constructor(body: Uint8Array) {
    this.#rest = body;
  }

  read(length: bigint): Uint8Array {
    if (this.#rest.length === 0) throw { tag: "closed" };
    const chunk = this.#rest.subarray(0, Number(length));
    this.#rest = this.#rest.subarray(chunk.length);
    return chunk;
  }

  blockingRead(length: bigint): Uint8Array {
    return this.read(length);
  }
}

/** Never waited for: everything is there when the component asks. */
class Pollable {
  block(): void {}
}

/** Never made. The transpiled code wants the class. */
class IoError {}

/** Never made. The transpiled code wants the class. */
class RequestOptions {}
