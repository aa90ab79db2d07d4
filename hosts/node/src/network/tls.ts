/**
 * Opens a connection to a pinned peer: name, TCP, TLS, pin. The pin is checked on the socket, before anything that could
 * write a request has it. Node calls no hook for that: `checkServerIdentity` is not called where the chain is not
 * trusted, and the chain of a certificate that signs itself never is.
 *
 * Checked are the SHA-256 of the leaf certificate, and by the TLS library, whatever `rejectUnauthorized` says, that the
 * handshake is signed with its key. Chain, name and dates are not: the pin says more than they could.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";

import type { Authority } from "../target.js";
import type { Call } from "./call.js";
import { Failure, pinMismatch, reason, tlsFailure, unreachable } from "./failure.js";
import { Transport } from "./transport.js";

/**
 * TLS 1.2 and 1.3 by algorithms in which the handshake is signed, and nothing weak: at level 2 of OpenSSL, an RSA key has
 * at least 2048 bits. With a key exchange by RSA, which is not signed, the key would be proven only later.
 */
const CIPHERS = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_AES_128_GCM_SHA256",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "@SECLEVEL=2",
].join(":");
/** What the level does not reject where the chain is not verified. */
const MIN_RSA_BITS = 2048;

/**
 * What OpenSSL calls a handshake that is not signed with the certificate's key: the first before version 3.5, the second
 * from it on, the third where it is a key of another kind. Of an RSA signature it tells each fault by itself.
 */
const UNPROVEN_KEY = ["ERR_SSL_BAD_SIGNATURE", "ERR_SSL_PROVIDER_SIGNATURE_FAILURE", "ERR_SSL_WRONG_SIGNATURE_TYPE"];
const RSA_LIBRARY = "rsa routines";

/** A TLS connection, and the transport under it. */
export interface PinnedSocket {
  socket: tls.TLSSocket;
  transport: Transport;
}

/** What the connections of one client have in common. */
export function secureContext(): tls.SecureContext {
  return tls.createSecureContext({ minVersion: "TLSv1.2", ciphers: CIPHERS });
}

export async function openPinned(
  authority: Authority,
  fingerprints: ReadonlySet<string>,
  secureContext: tls.SecureContext,
  call: Call,
): Promise<PinnedSocket> {
  call.phase = "connecting";
  const transport = new Transport(await openTcp(authority, call));
  call.phase = "handshake";
  // Nothing is resumed: a resumed session does not present the certificate again.
  const socket = tls.connect({
    socket: transport,
    secureContext,
    servername: net.isIP(authority.host) ? "" : authority.host,
    rejectUnauthorized: false,
  });
  try {
    await handshake(authority, fingerprints, { socket, transport }, call.signal);
    return { socket, transport };
  } catch (error) {
    call.signal.throwIfAborted();
    throw handshakeFailure(authority, error as Error);
  }
}

/** Waits for a handshake that satisfies the pin. After any other the socket is closed. */
function handshake(
  authority: Authority,
  fingerprints: ReadonlySet<string>,
  { socket, transport }: PinnedSocket,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      socket.destroy();
      reject(error);
    };
    const abort = () => fail(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    // It stays: an error that nobody listens for would end the process.
    socket.on("error", fail);
    transport.once("cut", () => fail(new Error("the connection was closed during the handshake")));
    socket.once("secureConnect", () => {
      signal.removeEventListener("abort", abort);
      // In the event itself, before anything else can be done with the socket.
      try {
        socket.disableRenegotiation();
        checkPin(authority, fingerprints, socket);
        resolve();
      } catch (error) {
        fail(error);
      }
    });
  });
}

async function openTcp({ host, port, text }: Authority, call: Call): Promise<net.Socket> {
  const socket = net.connect({ host, port, noDelay: true, autoSelectFamily: true });
  // An error that nobody listens for would end the process.
  socket.on("error", () => {});
  try {
    await once(socket, "connect", { signal: call.signal });
    if (socket.destroyed) throw new Error("the connection was closed as soon as it was made");
    return socket;
  } catch (error) {
    socket.destroy();
    call.signal.throwIfAborted();
    throw unreachable(text, error as Error);
  }
}

function checkPin(authority: Authority, fingerprints: ReadonlySet<string>, socket: tls.TLSSocket): void {
  const leaf = socket.getPeerX509Certificate();
  if (!leaf) throw new Error("a handshake without a certificate");
  const presented = createHash("sha256").update(leaf.raw).digest("hex");
  if (!fingerprints.has(presented)) {
    const expected = [...fingerprints].map(colons).join(" or ");
    throw pinMismatch(authority.text, new Error(`expected fingerprint ${expected}, presented ${colons(presented)}`));
  }
  const { asymmetricKeyType, asymmetricKeyDetails } = leaf.publicKey;
  const bits = asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS;
  if (asymmetricKeyType === "rsa" && bits < MIN_RSA_BITS) {
    throw new Error(`expected an RSA key of at least ${MIN_RSA_BITS} bits, found ${bits}`);
  }
}

function handshakeFailure(authority: Authority, error: Error & { code?: unknown; library?: unknown }): Error {
  if (error instanceof Failure) return error;
  // RSA is not used for anything but signatures, by the choice of ciphers.
  if (UNPROVEN_KEY.includes(String(error.code)) || error.library === RSA_LIBRARY) {
    const why = new Error("the certificate was presented by a peer that does not hold its key", {
      cause: reason(error),
    });
    return pinMismatch(authority.text, why);
  }
  return tlsFailure(authority.text, error);
}

function colons(hex: string): string {
  return hex.toUpperCase().replace(/..(?=.)/g, "$&:");
}
