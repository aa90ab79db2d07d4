// The export of an extension: from the JSON that comes in to the JSON that goes out, whatever happens in between.

import { describe, Failure } from "./failure.js";
import { readInput } from "./input.js";

export function extension(run, fields) {
  return {
    // What is thrown here becomes the error of the WIT function: a JSON text, like the result.
    run(text) {
      try {
        return resultText(run(readInput(text, fields)));
      } catch (thrown) {
        throw JSON.stringify({ error: describe(thrown) });
      }
    },
  };
}

function resultText(result) {
  // Nobody would ever settle it: the component has no event loop.
  if (typeof result?.then === "function") {
    throw new Failure("extension", "run: expected a result, found a promise: calls to the host do not need `await`");
  }
  return JSON.stringify(result ?? null);
}
