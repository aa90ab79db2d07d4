/** The mock agent of the command `agentapi`, which is named by AGENTAPI or lies in the target folder. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const command = process.env.AGENTAPI ?? fileURLToPath(new URL("../../../../target/debug/agentapi", import.meta.url));

/** Starts one, with faults such as `storage:latency=2000`. Ends with the test. */
export async function mockAgent(t, ...faults) {
  const options = faults.flatMap((fault) => ["--fault", fault]);
  const mock = spawn(command, ["mock", "--json", ...options], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(async () => {
    mock.kill();
    if (mock.exitCode === null && mock.signalCode === null) await once(mock, "exit");
  });
  const [line] = await once(mock.stdout, "data");
  const { endpoint, token, fingerprint } = JSON.parse(line);
  return { endpoint, token, fingerprints: fingerprint };
}
