/** The UUID of the file system that a durable id names; empty if it names something else. */
export function fsUuid(durableId) {
  return durableId.startsWith("uuid:") ? durableId.slice("uuid:".length) : "";
}

/** The command by which the operator of the host signs the operation, quoted for a POSIX shell. */
export function opsignCommand({ op, host_scope, durable_id }) {
  return `felhom-opsign -op ${quote(op)} -host ${quote(host_scope)} -durable-id ${quote(durable_id)}`;
}

function quote(word) {
  return /^[A-Za-z0-9@%+=:,./_-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Calls `act` if the signal ends meanwhile. Returns what takes that back. */
export function onAbort(signal, act) {
  signal?.addEventListener("abort", act, { once: true });
  return () => signal?.removeEventListener("abort", act);
}

/** The lines of a stream of bytes, without their ends. Not those of `readline`, which also end at U+2028. */
export async function* lines(stream) {
  let rest = "";
  for await (const chunk of stream.setEncoding("utf8")) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop();
    yield* parts;
  }
  if (rest !== "") yield rest;
}
