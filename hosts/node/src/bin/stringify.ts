import { randomUUID } from "node:crypto";

/** Stands around the digits of a bigint until the JSON is written. No agent can guess it. */
const MARK = randomUUID();
const MARKED = new RegExp(`"${MARK}(-?[0-9]+)"`, "g");

/** JSON in one line, with bigints as numbers, which `JSON.stringify` refuses. */
export function stringify(value: unknown): string {
  const text = JSON.stringify(value, (_, item: unknown) => (typeof item === "bigint" ? `${MARK}${item}` : item));
  return text.replace(MARKED, "$1");
}
