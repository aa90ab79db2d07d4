// What the declarations promise, for the compiler alone.
import { AgentError, type Client, Command, Controller, FormatRefused, type FormatResult, opsignCommand } from "@felhom/agentapi-client";

const clients: Client[] = [new Controller(), new Command({ endpoint: "", token: "", fingerprints: [""], deadlineMs: 1 })];
for (const client of clients) {
  const options = { signal: AbortSignal.timeout(1) };
  const bytes: number[] = (await client.disks(options)).disks.map((disk) => disk.total_bytes);
  console.log(bytes);
  try {
    const result: FormatResult = await client.formatDisk({ device: "/dev/sdc1", fstype: "ext4" });
    console.log(result.formatted);
  } catch (error) {
    if (error instanceof FormatRefused && error.value.pending_op) console.log(opsignCommand(error.value.pending_op));
    else if (error instanceof AgentError) console.log(error.kind, error.status ?? 0, error.mayHaveActed);
  }
}
for await (const event of new Controller().events({ after: 1 })) console.log(event.number, event.text ?? "");
// @ts-expect-error: a path, and not a port
new Controller(8443);
