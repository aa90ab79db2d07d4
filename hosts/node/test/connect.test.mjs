import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { Agent } from "../dist/index.js";
import { checkToken } from "../dist/target.js";
import { closedPort, connect, engine, scriptedAgent, TOKEN } from "./support/agent.mjs";

const PIN = "ab".repeat(32);
const right = { endpoint: "agent:8443", token: TOKEN, fingerprints: PIN, engine };

test("options that cannot be right are refused by the component's own words, or the host's", async () => {
  for (const [wrong, message] of [
    [{ endpoint: "https://agent" }, /^endpoint: expected host, host:port, .*drop https:\/\//],
    [{ endpoint: "" }, /^endpoint: /],
    [{ endpoint: 7 }, "endpoint: expected a text, found number"],
    [{ fingerprints: [] }, "fingerprints: expected 1 to 8, found 0"],
    [{ fingerprints: "ab" }, "fingerprint: expected 64 hex digits (a SHA-256), found 2"],
    [{ fingerprints: undefined }, "fingerprints: expected a text or a list of texts, found undefined"],
    [{ token: "" }, /^token: expected printable ASCII/],
    [{ token: undefined }, "token: expected a text, found undefined"],
    [{ deadlineMs: Number.NaN }, /^deadlineMs: /],
    [{ maxConcurrentCalls: 0 }, "maxConcurrentCalls: expected an integer from 1 on, found number"],
    [{ engine: "quantum" }, /^engine: /],
  ]) {
    await assert.rejects(Agent.connect({ ...right, ...wrong }), {
      name: "AgentError",
      kind: "invalid-argument",
      message,
    });
  }
});

test("a token that would break a header is refused, and is in no error", () => {
  for (const token of ["", " t", "t ", "a\nb", "a\r\nx: y", "a\tb", "a\u007fb", "tok\u00e9n"]) {
    assert.throws(
      () => checkToken(token),
      (error) => error.kind === "invalid-argument" && !error.message.includes("tok\u00e9"),
    );
  }
  for (const token of ["t", "a b", 'a=b,c;"d"\\e/+~{}']) checkToken(token);
});

test("all forms of an endpoint that the component takes are held to the same authority", async (t) => {
  for (const endpoint of [
    "Agent.Example",
    " 10.0.0.1:8443\n",
    "[::1]",
    "[0:0:0:0:0:0:0:1]:000443",
    "agent.example.:1",
    "a_b",
  ]) {
    await connect(t, { ...right, endpoint });
  }
});

test("connecting sends nothing, and an agent that is not there shows in the first call", async (t) => {
  const port = await closedPort();
  const agent = await connect(t, { ...right, endpoint: `127.0.0.1:${port}` });
  const error = await agent.startBackup().catch((why) => why);
  assert.deepEqual([error.kind, error.mayHaveActed], ["unreachable", false]);
  assert.equal(error.message, `127.0.0.1:${port} cannot be reached`);
  assert.equal(error.cause.code, "ECONNREFUSED");
});

test("the token is neither shown nor left in what an agent repeats", async (t) => {
  const secret = TOKEN.slice(0, 5) + "\\u002d" + TOKEN.slice(6);
  const scripted = await scriptedAgent(t, (request, socket) => {
    const bearer = /authorization: Bearer (.*)/.exec(request)[1];
    const text = `{"ok":true,"data":{"vmid":1,"due":true,"reason":"${bearer} ${secret}"}}`;
    const body = request.startsWith("GET") ? text : `{"ok":false,"error":"no ${bearer} ${secret}"}`;
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  });
  const agent = await connect(t, scripted.options);
  assert.equal((await agent.backupDue()).reason, "[masked] [masked]");
  const error = await agent.startBackup().catch((why) => why);
  assert.equal(error.message, "no [masked] [masked]");
  assert.match(scripted.requests[0], new RegExp(`authorization: Bearer ${TOKEN}\r\n`));
  for (const shown of [
    inspect(agent, { depth: 9, showHidden: true }),
    inspect(error, { depth: 9 }),
    JSON.stringify(agent),
  ]) {
    assert.ok(!shown.includes(TOKEN), shown);
  }
});
