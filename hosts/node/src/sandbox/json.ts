/** From the component's types to the agent's own JSON: `mountPath` is `mount_path` again, and a variant its text. */

/** Fields that WIT names otherwise, because the agent's name is a keyword in many languages. */
const RENAMED: Record<string, string> = { kind: "type" };

export function toJson(value: unknown, field = ""): unknown {
  switch (typeof value) {
    case "undefined":
      return null;
    case "bigint":
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    case "object":
      break;
    default:
      return value;
  }
  if (value instanceof BigInt64Array || Array.isArray(value)) {
    return Array.from(value as ArrayLike<unknown>, (item) => toJson(item));
  }
  const record = value as Record<string, unknown>;
  if (typeof record.tag === "string") return variantText(record.tag, record.val, field);
  return Object.fromEntries(
    Object.entries(record).map(([name, item]) => [RENAMED[name] ?? toSnakeCase(name), toJson(item, name)]),
  );
}

/** The text that the agent gave for a case. */
function variantText(tag: string, val: unknown, field: string): unknown {
  if (tag === "other") return val;
  // SMART's verdicts are in capitals, and `UNKNOWN` is one of them.
  if (field === "health") return tag.toUpperCase();
  return tag === "unknown" ? "" : tag;
}

function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
