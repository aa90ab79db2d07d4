// The input of an extension: JSON, checked against the fields that the extension declares.

import { Failure } from "./failure.js";

// Reads the input. Without fields it is whatever JSON value was given.
export function readInput(text, fields) {
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Failure("extension", `input: expected JSON, found ${shown(text)}: ${error.message}`);
  }
  return fields === undefined ? value : field.record(fields).read(value, "");
}

// A kind of value: what it is in words, and how it is read. `read` throws where the value is something else.
function kind(words, read, { default: otherwise, optional = false } = {}) {
  return {
    read(value, path) {
      // In JSON an absent field and `null` mean the same to most who write it.
      if ((value === undefined || value === null) && (optional || otherwise !== undefined)) return otherwise;
      const expected = (what = words) => mismatch(path, what, value);
      return read(value, path, expected);
    },
  };
}

function mismatch(path, expected, value) {
  return new Failure("extension", `${path || "input"}: expected ${expected}, found ${shown(value)}`);
}

function shown(value) {
  if (value === undefined) return "nothing";
  const text = typeof value === "string" && value.length > 60 ? `${value.slice(0, 60)}…` : value;
  const json = JSON.stringify(text);
  return json.length > 80 ? `${json.slice(0, 80)}…` : json;
}

function numeric(name, isOne, options = {}) {
  const { min = -Infinity, max = Infinity } = options;
  const words = `${name}${range(min, max)}`;
  return kind(
    words,
    (value, _path, expected) => {
      if (!isOne(value) || value < min || value > max) throw expected();
      return value;
    },
    options,
  );
}

function range(min, max) {
  if (min === -Infinity) return max === Infinity ? "" : ` of at most ${max}`;
  return max === Infinity ? ` of at least ${min}` : ` from ${min} to ${max}`;
}

function of(type, words, options) {
  return kind(
    words,
    (value, _path, expected) => {
      if (typeof value !== type) throw expected();
      return value;
    },
    options,
  );
}

export const field = {
  number: (options) => numeric("a number", Number.isFinite, options),
  integer: (options) => numeric("an integer", Number.isSafeInteger, options),
  text: (options) => of("string", "a text", options),
  flag: (options) => of("boolean", "true or false", options),

  oneOf(values, options) {
    const read = (value, _path, expected) => {
      if (!values.includes(value)) throw expected();
      return value;
    };
    return kind(`one of ${values.map((each) => JSON.stringify(each)).join(", ")}`, read, options);
  },

  list(each, options) {
    const read = (value, path, expected) => {
      if (!Array.isArray(value)) throw expected();
      return value.map((item, index) => each.read(item, `${path || "input"}[${index}]`));
    };
    return kind("a list", read, options);
  },

  record(fields, options) {
    const names = Object.keys(fields);
    const read = (value, path, expected) => {
      if (typeof value !== "object" || value === null || Array.isArray(value)) throw expected();
      const unknown = Object.keys(value).find((name) => !names.includes(name));
      if (unknown !== undefined) {
        throw mismatch(path, names.length === 0 ? "no fields" : `no field but ${names.join(", ")}`, unknown);
      }
      return Object.fromEntries(
        names.map((name) => [name, fields[name].read(value[name], path ? `${path}.${name}` : name)]),
      );
    };
    return kind("a JSON object", read, options);
  },
};
