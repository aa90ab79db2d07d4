// A controller that coordinates a fleet of which it is the one guest, on a real nats-server.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { binary, Controller, end, root } from "../controller.mjs";

export class Coordinator extends Controller {
  bus = join(this.folder, "bus");

  async startAgent(scenario) {
    this.port = await freePort();
    this.prepareBus();
    await this.startBus();
    this.command("fleet", "init");
    await super.startAgent(scenario);
  }

  prepareBus() {
    mkdirSync(this.bus);
    const options = { cwd: this.bus, stdio: ["ignore", "pipe", "ignore"], encoding: "utf8" };
    const run = (program, args) => execFileSync(program, args, options);
    const key = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    run("openssl", ["req", "-x509", "-newkey", ...key, "-nodes", "-subj", "/CN=fleet", "-keyout", "key", "-out", "crt"]);
    this.fingerprint = run("openssl", ["x509", "-in", "crt", "-noout", "-fingerprint", "-sha256"]).trim().split("=")[1];
    writeFileSync(join(this.bus, "users.conf"), run(binary, ["fleet", "users", "--keys", "keys", "web1@pve1"]));
    writeFileSync(
      join(this.bus, "server.conf"),
      `listen: "127.0.0.1:${this.port}"
tls { cert_file: "crt", key_file: "key" }
jetstream { store_dir: "store", sync_interval: always }
include users.conf
`,
    );
  }

  // Runs a command as the coordinator.
  command(...args) {
    const env = {
      ...process.env,
      AGENTAPI_FLEET_SERVER: `127.0.0.1:${this.port}`,
      AGENTAPI_FLEET_FINGERPRINT: this.fingerprint,
      AGENTAPI_FLEET_KEY_FILE: join(this.bus, "keys/coordinator.seed"),
    };
    return execFileSync(binary, args, { env, encoding: "utf8" });
  }

  async startBus() {
    const program = execFileSync(join(root, "tools/nats-server"), { encoding: "utf8" }).trim();
    this.server = spawn(program, ["--config", "server.conf"], { cwd: this.bus, stdio: "ignore" });
    while (!(await answers(this.port))) await new Promise((resolve) => setTimeout(resolve, 100));
  }

  async stopBus() {
    await end(this.server);
  }

  configuration() {
    return `guest = "web1"
${super.configuration()}
[fleet]
server = "127.0.0.1:${this.port}"
fingerprints = ["${this.fingerprint}"]
key_file = "bus/keys/web1.seed"
host = "pve1"
coordinator = true
coordinator_key_file = "bus/keys/coordinator.seed"
`;
  }

  async stop() {
    await this.stopBus();
    await super.stop();
  }
}

async function freePort() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => resolve(true));
    socket.on("connect", () => socket.destroy()).on("error", () => resolve(false));
  });
}
