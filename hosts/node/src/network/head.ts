/** Reads the head of an answer: its status line and headers (RFC 9112, sections 4 and 5). */

/** The largest head in bytes, with its empty line: far more than the few hundred that an agent sends. */
export const MAX_HEAD_BYTES = 64 * 1024;
/** The most headers. */
const MAX_HEADERS = 100;

export interface Head {
  status: number;
  keepsAlive: boolean;
  isChunked: boolean;
  contentLength: number | undefined;
}

/** The answer is not HTTP as it should be. */
export class ProtocolError extends Error {}

/** The head at the beginning of these bytes, and what is behind it; undefined where more must arrive first. */
export function readHead(bytes: Buffer): { head: Head; rest: Buffer } | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end + 4 > MAX_HEAD_BYTES || (end < 0 && bytes.length >= MAX_HEAD_BYTES)) {
    throw new ProtocolError(`expected a head of at most ${MAX_HEAD_BYTES} bytes, found more`);
  }
  if (end < 0) return undefined;
  const [statusLine = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  return { head: parseHead(statusLine, lines), rest: bytes.subarray(end + 4) };
}

function parseHead(statusLine: string, lines: string[]): Head {
  const match = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/.exec(statusLine);
  if (!match) throw new ProtocolError("expected the status line of an HTTP/1.1 answer, found something else");
  if (lines.length > MAX_HEADERS) {
    throw new ProtocolError(`expected at most ${MAX_HEADERS} headers, found ${lines.length}`);
  }
  const headers = lines.map(parseHeader);
  const values = (name: string) => headers.filter((header) => header.name === name).map(({ value }) => value);
  const connection = values("connection").flatMap((value) =>
    value
      .toLowerCase()
      .split(",")
      .map((token) => token.trim()),
  );
  const isChunked = parseTransferEncoding(values("transfer-encoding"));
  const contentLength = parseContentLength(values("content-length"));
  if (isChunked && contentLength !== undefined) {
    throw new ProtocolError("expected one framing, found a content-length and a transfer-encoding");
  }
  return {
    status: Number(match[2]),
    keepsAlive: match[1] === "1" && !connection.includes("close"),
    isChunked,
    contentLength,
  };
}

function parseHeader(line: string): { name: string; value: string } {
  // No blank before the colon and no folded line: both are read differently by different readers.
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/.exec(line);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new ProtocolError("expected a header, found something else");
  }
  return { name: match[1].toLowerCase(), value: match[2].replace(/^[ \t]+|[ \t]+$/g, "") };
}

function parseTransferEncoding(values: string[]): boolean {
  if (values.length === 0) return false;
  if (values.length > 1 || values[0]?.toLowerCase() !== "chunked") {
    throw new ProtocolError("expected the transfer-encoding chunked, or none, found another");
  }
  return true;
}

function parseContentLength(values: string[]): number | undefined {
  const [first] = values;
  if (first === undefined) return undefined;
  if (!/^[0-9]+$/.test(first) || values.some((value) => value !== first)) {
    throw new ProtocolError("expected one content-length, found something else");
  }
  return Number(first);
}
