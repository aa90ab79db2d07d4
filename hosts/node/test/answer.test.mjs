import assert from "node:assert/strict";
import { test } from "node:test";

import { answer, connect, DUE, scriptedAgent } from "./support/agent.mjs";

const MIB = 1024 * 1024;

/** The outcome of a call whose answer is these bytes, after which the connection ends as it is told. */
async function outcome(t, bytes, end = (socket) => socket.end()) {
  const scripted = await scriptedAgent(t, (_, socket) => {
    socket.write(bytes);
    end(socket);
  });
  const agent = await connect(t, scripted.options);
  const result = await agent.backupDue().then(
    () => "ok",
    (error) => error.kind,
  );
  await agent.close();
  return result;
}

test("a body counts only where it is whole", async (t) => {
  const length = DUE.length;
  for (const [bytes, expected] of [
    [`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n${DUE}`, "ok"],
    [`HTTP/1.1 200 OK\r\ncontent-length: ${length + 1}\r\n\r\n${DUE}`, "interrupted"],
    [`HTTP/1.1 200 OK\r\n\r\n${DUE}`, "ok"],
    [`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${length.toString(16)}\r\n${DUE}\r\n0\r\n\r\n`, "ok"],
    [`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${length.toString(16)}\r\n${DUE}\r\n0\r\n`, "interrupted"],
    [`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${length.toString(16)}\r\n${DUE}\r\n`, "interrupted"],
    ["HTTP/1.1 200 OK\r\ncontent-le", "interrupted"],
    ["", "interrupted"],
  ]) {
    assert.equal(await outcome(t, bytes), expected, bytes);
  }
});

test("without the end of TLS, a body without a length is cut off", async (t) => {
  assert.equal(await outcome(t, `HTTP/1.1 200 OK\r\n\r\n${DUE}`, (socket) => socket.destroy()), "interrupted");
});

test("a mebibyte is taken and not a byte more, in each framing", async (t) => {
  const filled = (size) => DUE.replace("last", `last${" ".repeat(size - DUE.length)}`);
  const framings = {
    length: (body) => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    chunked: (body) =>
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    close: (body) => `HTTP/1.1 200 OK\r\n\r\n${body}`,
  };
  for (const [name, framed] of Object.entries(framings)) {
    assert.equal(await outcome(t, framed(filled(MIB))), "ok", name);
    assert.equal(await outcome(t, framed(filled(MIB + 1))), "response-too-large", name);
  }
});

test("heads are bounded, in bytes and in headers", async (t) => {
  const withHeaders = (headers) => answer(DUE, { headers });
  assert.equal(await outcome(t, withHeaders(Array(99).fill("x-many: v"))), "ok");
  assert.equal(await outcome(t, withHeaders(Array(100).fill("x-many: v"))), "interrupted");
  assert.equal(await outcome(t, withHeaders([`x-long: ${"v".repeat(60_000)}`])), "ok");
  assert.equal(await outcome(t, withHeaders([`x-long: ${"v".repeat(70_000)}`])), "interrupted");
});

test("what readers understand differently is refused", async (t) => {
  const length = `content-length: ${DUE.length}`;
  for (const head of [
    "HTTP/2.0 200 OK",
    "HTTP/1.1 20 OK",
    "ICY 200 OK",
    `HTTP/1.1 200 OK\r\n${length}\r\ntransfer-encoding: chunked`,
    `HTTP/1.1 200 OK\r\n${length}\r\ncontent-length: 1`,
    `HTTP/1.1 200 OK\r\n${length} `.replace(": ", " : "),
    `HTTP/1.1 200 OK\r\nx: y\r\n folded\r\n${length}`,
    "HTTP/1.1 200 OK\r\ncontent-length: +5",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip",
    "HTTP/1.1 101 Switching Protocols",
  ]) {
    assert.equal(await outcome(t, `${head}\r\n\r\n${DUE}`), "interrupted", head);
  }
  const interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n";
  assert.equal(await outcome(t, interim + answer(DUE)), "ok");
});
