// What the types have to say, and what they must not let through. Compiled, and not run.
import { Agent, AgentError, type ErrorKind, type FormatResult, type Integer } from "@felhom/agentapi-host";

export async function use(): Promise<void> {
  await using agent = await Agent.connect({ endpoint: "agent", token: "token", fingerprints: ["ab".repeat(32)] });
  const { vmid, mounts } = await agent.storage({ signal: AbortSignal.timeout(1), deadlineMs: 5 });
  const id: Integer = vmid;
  const path: string | undefined = mounts[0]?.mount_point;
  const options: string | undefined = undefined;
  const nothing: void = await agent.assignDisk({ uuid: "u", where: path ?? "", fstype: "ext4", options });
  const { phase } = await agent.backupStatus();
  if (phase === "running" || phase === "a phase of tomorrow") console.log(id, nothing);
  const uuid: string | undefined = await agent.fsUuid("uuid:x");
  const temperature: Integer | null = (await agent.hostMetrics()).host.cpu_temp_c;
  console.log(uuid, temperature);

  // @ts-expect-error an agent is made by `connect`
  new Agent();
  // @ts-expect-error there is no client without a pin
  await Agent.connect({ endpoint: "agent", token: "token" });
  // @ts-expect-error an integer may be a bigint
  const sum: number = vmid;
  // @ts-expect-error a request names its file system
  await agent.formatDisk({ device: "/dev/sdb1" });
  // @ts-expect-error a path is a text
  await agent.ejectDisk(7);
  // @ts-expect-error it is `mount_point`, as in the agent's JSON
  console.log(sum, mounts[0].mountPoint);
}

export function handle(error: unknown): FormatResult | undefined {
  if (!(error instanceof AgentError)) throw error;
  const kind: ErrorKind = error.kind;
  // @ts-expect-error there is no such kind
  if (kind === "out-of-luck") return undefined;
  const status: number | undefined = error.status;
  console.log(status, error.mayHaveActed);
  return error.value;
}
