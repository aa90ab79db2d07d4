// Mock agents and controllers, which end with the test.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { Command, Controller } from "../index.js";

export const program = process.env.AGENTAPI ?? fileURLToPath(new URL("../../../target/debug/agentapi", import.meta.url));

/** Starts the command, and resolves to the first line with this text. */
async function start(test, text, ...args) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  test.after(async () => {
    child.kill("SIGINT");
    if (child.exitCode === null) await once(child, "exit");
  });
  const before = [];
  const found = [child.stdout, child.stderr].map(async (input) => {
    for await (const line of createInterface({ input })) {
      if (line.includes(text)) {
        input.resume();
        return line;
      }
      before.push(line);
    }
    throw new Error(`agentapi ${args} ended before it was ready: ${before.join("\n")}`);
  });
  return Promise.any(found);
}

export async function startMock(test, ...faults) {
  const options = faults.flatMap((fault) => ["--fault", fault]);
  return JSON.parse(await start(test, "endpoint", "mock", "--json", ...options));
}

export async function startController(test, { endpoint, fingerprint, token }) {
  const folder = await mkdtemp(join(tmpdir(), "agentapi-"));
  test.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "token"), token);
  await chmod(join(folder, "token"), 0o600);
  const config = `
[agent]
endpoint = "${endpoint}"
fingerprints = ["${fingerprint}"]
token_file = "token"
[backup]
cron = "0 0 1 1 *"
even_if_not_due = true
accept_crash_consistent = true
[api]
socket = "${folder}/socket"
socket_ro = "${folder}/socket-ro"
[state]
folder = "state"
`;
  await writeFile(join(folder, "controller.toml"), config);
  await start(test, "is ready", "serve", "--config", join(folder, "controller.toml"));
  return new Controller(join(folder, "socket"));
}

export function command(test, { endpoint, token, fingerprint }, options = {}) {
  const client = new Command({ endpoint, token, fingerprints: fingerprint, command: program, ...options });
  test.after(() => client.close());
  return client;
}

/** Runs a test over a child process and over a socket, each with an agent of its own. */
export async function bothWays(test, faults, act) {
  await test.test("command", async (test) => act(command(test, await startMock(test, ...faults))));
  await test.test("socket", async (test) => act(await startController(test, await startMock(test, ...faults))));
}
