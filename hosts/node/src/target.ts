/** What an agent is connected to with: where it listens, what it must present, and the token. */
import { randomBytes } from "node:crypto";

import { AgentError } from "./error.js";

/** Where the agent listens. */
export interface Authority {
  host: string;
  port: number;
  /** `host:port` or `[v6]:port`, as it stands in a request. */
  text: string;
}

const DEFAULT_PORT = 443;

/**
 * The authority of an endpoint. Undefined where it has none: the component says what is wrong with an endpoint, and what
 * is read here is what it is held to.
 */
export function parseEndpoint(endpoint: string): Authority | undefined {
  const trimmed = endpoint.replace(/^[ \t\r\n\f]+|[ \t\r\n\f]+$/g, "").toLowerCase();
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::([0-9]+))?$/.exec(trimmed);
  const [v6, name] = [match?.[1], match?.[2]];
  const host = v6 ?? name;
  if (host === undefined) return undefined;
  const port = match?.[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  return { host, port, text: `${v6 === undefined ? host : `[${host}]`}:${port}` };
}

/** The SHA-256 in a fingerprint as 64 hex digits in lower case; undefined where it is none. */
export function parseFingerprint(text: string): string | undefined {
  const digits = text.replace(/[: \t]/g, "").toLowerCase();
  return /^[0-9a-f]{64}$/.test(digits) ? digits : undefined;
}

/** Checks a token: the component is given another text in its place, and cannot. No error holds a part of it. */
export function checkToken(token: string): void {
  if (!/^[!-~](?:[ -~]*[!-~])?$/.test(token)) {
    const found = token === "" ? "nothing" : "something else";
    const message = `token: expected printable ASCII, no blank at either end, found ${found}`;
    throw new AgentError("invalid-argument", message);
  }
}

/** A token that nobody can guess, in place of the agent's. */
export function standIn(): string {
  return randomBytes(16).toString("hex");
}
