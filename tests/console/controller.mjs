// A whole controller against a mock agent, and the way to its console.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const binary = process.env.AGENTAPI_BINARY ?? join(root, "target/debug/agentapi");

// Starts a program, and waits for a line of what it prints.
function start(args, pattern) {
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const found = new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${args[0]} did not say ${pattern}: ${said}`)), 60_000);
    const read = (bytes) => {
      said += bytes;
      const match = said.match(pattern);
      if (!match) return;
      clearTimeout(timer);
      resolve(match);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("exit", (status) => reject(new Error(`${args[0]} ended with ${status}: ${said}`)));
  });
  return { child, found };
}

export function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return undefined;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  return ended;
}

export class Controller {
  folder = mkdtempSync(join(tmpdir(), "agentapi-console-"));
  socket = join(this.folder, "main.sock");
  readOnlySocket = join(this.folder, "ro.sock");
  children = [];

  // `scenario` is what the mock agent has; none is its own example.
  static async start(scenario) {
    const controller = new this();
    await controller.startAgent(scenario);
    await controller.startDaemon();
    return controller;
  }

  async startAgent(scenario) {
    const args = ["mock", "--json"];
    if (scenario) {
      const file = join(this.folder, "scenario.json");
      writeFileSync(file, JSON.stringify(scenario));
      args.push("--scenario", file);
    }
    const { child, found } = start(args, /\{[^]*\}/);
    this.children.push(child);
    this.agent = JSON.parse((await found)[0]);
    writeFileSync(join(this.folder, "token"), this.agent.token, { mode: 0o600 });
    writeFileSync(join(this.folder, "controller.toml"), this.configuration());
  }

  configuration() {
    return `
[agent]
endpoint = "${this.agent.endpoint}"
fingerprints = ["${this.agent.fingerprint}"]
token_file = "token"
[backup]
every = "1h"
even_if_not_due = true
accept_crash_consistent = true
[[extension]]
name = "disk-watch"
file = "${join(root, "crates/cli/component/disk_watch.wasm")}"
functions = ["host-metrics.collect", "disks.list"]
every = "1h"
[state]
folder = "state"
[api]
socket = "main.sock"
socket_ro = "ro.sock"
group = "root"
`;
  }

  async startDaemon() {
    const { child, found } = start(["serve", "--config", join(this.folder, "controller.toml")], /is ready/);
    this.daemon = child;
    await found;
  }

  async stopDaemon() {
    await end(this.daemon);
  }

  // Opens a way to the console, and returns its link.
  async open(socket = this.socket) {
    const { child, found } = start(["console", "--json", "--no-browser", "--socket", socket], /"link":\s*"([^"]+)"/);
    this.children.push(child);
    return (await found)[1];
  }

  // Asks the API as `curl --unix-socket` does.
  ask(method, path, body) {
    return new Promise((resolve, reject) => {
      const headers = body ? { "content-type": "application/json" } : {};
      const request = http.request({ socketPath: this.socket, method, path, headers }, (answer) => {
        let text = "";
        answer.on("data", (bytes) => (text += bytes));
        answer.on("end", () => resolve({ status: answer.statusCode, body: text ? JSON.parse(text) : null }));
      });
      request.on("error", reject);
      request.end(body ? JSON.stringify(body) : undefined);
    });
  }

  // Runs a subject, and waits until that is done.
  async runToItsEnd(subject) {
    const { body } = await this.ask("POST", `/v1/subjects/${subject}/run`);
    for (;;) {
      const run = (await this.ask("GET", `/v1/runs/${body.run}`)).body;
      if (run.ended_at) return run;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async stop() {
    await this.stopDaemon();
    for (const child of this.children) await end(child);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
