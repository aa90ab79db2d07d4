import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";

import { answer, certificate, connect, DUE, scriptedAgent } from "./support/agent.mjs";

const play = (_, socket) => socket.write(answer(DUE));

test("another leaf certificate is refused before a byte of the request is sent", async (t) => {
  for (const version of ["TLSv1.2", "TLSv1.3"]) {
    const scripted = await scriptedAgent(t, play, { name: "other", minVersion: version, maxVersion: version });
    const agent = await connect(t, { ...scripted.options, fingerprints: certificate("p256").fingerprint });
    const error = await agent.startBackup().catch((why) => why);
    assert.deepEqual([error.kind, error.mayHaveActed], ["pin-mismatch", false]);
    assert.match(error.cause.message, /^expected fingerprint ..:.*, presented ..:/);
    assert.equal(scripted.applicationBytes, 0, version);
  }
});

test("any of several pins is enough, and the leaf has to match, not what is behind it in the chain", async (t) => {
  const scripted = await scriptedAgent(t, play);
  const zeroes = "0".repeat(64);
  const rotating = await connect(t, { ...scripted.options, fingerprints: [zeroes, scripted.fingerprints] });
  assert.equal((await rotating.backupDue()).due, true);
  const chained = await scriptedAgent(t, play, { name: "chain" });
  assert.equal((await (await connect(t, chained.options)).backupDue()).due, true);
  const [, ca] = certificate("chain")
    .cert.toString()
    .match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs);
  const pinOfCa = new X509Certificate(ca).fingerprint256;
  const agent = await connect(t, { ...chained.options, fingerprints: pinOfCa });
  await assert.rejects(agent.backupDue(), { kind: "pin-mismatch" });
});

test("a peer that holds a copy of the certificate and another key is refused", async (t) => {
  for (const name of ["p256", "rsa2048", "ed25519"]) {
    // In TLS 1.2 the signature is readable on the way, so a proxy can break it.
    const scripted = await scriptedAgent(t, play, { name, maxVersion: "TLSv1.2" });
    const proxy = await tamperingProxy(t, scripted.server.address().port);
    const agent = await connect(t, { ...scripted.options, endpoint: `127.0.0.1:${proxy}` });
    const error = await agent.backupDue().catch((why) => why);
    assert.equal(error.kind, "pin-mismatch", name);
    assert.match(error.cause.message, /does not hold its key/);
    assert.equal(scripted.applicationBytes, 0);
  }
});

test("TLS before 1.2, weak RSA keys, and what is no TLS, are failures of TLS", async (t) => {
  const old = await scriptedAgent(t, play, {
    minVersion: "TLSv1",
    maxVersion: "TLSv1.1",
    ciphers: "DEFAULT:@SECLEVEL=0",
  });
  const weak = await scriptedAgent(t, play, { name: "rsa1024", ciphers: "DEFAULT:@SECLEVEL=0" });
  const plain = net.createServer((socket) => socket.end("HTTP/1.1 400 No\r\n\r\n")).listen(0, "127.0.0.1");
  await once(plain, "listening");
  t.after(() => plain.close());
  const noTls = { ...weak.options, endpoint: `127.0.0.1:${plain.address().port}` };
  for (const options of [old.options, weak.options, noTls]) {
    const agent = await connect(t, options);
    await assert.rejects(agent.startBackup(), { kind: "tls", mayHaveActed: false });
  }
  assert.equal(old.applicationBytes + weak.applicationBytes, 0);
});

test("every kind of key, and a certificate that nobody would trust otherwise, is accepted by its pin", async (t) => {
  for (const name of ["p384", "rsa2048", "ed25519", "expired", "not-yet-valid", "other-name", "is-ca"]) {
    const scripted = await scriptedAgent(t, play, { name });
    assert.equal((await (await connect(t, scripted.options)).backupDue()).due, true, name);
  }
});

test("no session is resumed, and no connection made under one pin is used under another", async (t) => {
  const resumed = [];
  const scripted = await scriptedAgent(t, (_, socket) => {
    resumed.push(socket.isSessionReused());
    socket.end(answer(DUE, { headers: ["connection: close"] }));
  });
  const agent = await connect(t, scripted.options);
  for (let call = 0; call < 3; call += 1) await agent.backupDue();
  assert.deepEqual(resumed, [false, false, false]);
  const other = await connect(t, { ...scripted.options, fingerprints: certificate("other").fingerprint });
  await assert.rejects(other.backupDue(), { kind: "pin-mismatch" });
  assert.equal(scripted.requests.length, 3);
});

/** Forwards, and changes the last byte of the agent's ServerKeyExchange, which is one of its signature. */
async function tamperingProxy(t, port) {
  const server = net.createServer((client) => {
    const agent = net.connect(port, "127.0.0.1");
    client.on("error", () => {}).pipe(agent);
    agent.on("error", () => {}).on("end", () => client.end());
    let bytes = Buffer.alloc(0);
    agent.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      for (let length = recordLength(bytes); length <= bytes.length; length = recordLength(bytes)) {
        client.write(breakSignature(Buffer.from(bytes.subarray(0, length))));
        bytes = bytes.subarray(length);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return server.address().port;
}

function recordLength(bytes) {
  return bytes.length < 5 ? Infinity : 5 + bytes.readUInt16BE(3);
}

function breakSignature(record) {
  const [HANDSHAKE, SERVER_KEY_EXCHANGE] = [22, 12];
  for (let at = 5; record[0] === HANDSHAKE && at + 4 <= record.length;) {
    const end = at + 4 + record.readUIntBE(at + 1, 3);
    if (record[at] === SERVER_KEY_EXCHANGE) record[end - 1] ^= 1;
    at = end;
  }
  return record;
}
