/** The lines of an input, without their line feeds. Only line feeds end one: a text in JSON may hold other separators. */
export async function* readLines(input: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  for await (let chunk of input) {
    for (let end = chunk.indexOf("\n"); end >= 0; end = chunk.indexOf("\n")) {
      yield Buffer.concat([...parts, chunk.subarray(0, end)]).toString();
      parts = [];
      chunk = chunk.subarray(end + 1);
    }
    if (chunk.length > 0) parts.push(chunk);
  }
  if (parts.length > 0) yield Buffer.concat(parts).toString();
}
