// Writes the types of the world `policy-extension` for JavaScript, as `jco guest-types` makes them. The command itself takes
// no single file.
//
//   node tools/extension-types.mjs WIT_FILE FOLDER

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const TOOLS = "../examples/extensions/javascript/node_modules/@bytecodealliance/jco-transpile";
const { $init, generateTypes } = await import(`${TOOLS}/vendor/js-component-bindgen-component.js`);
await $init;

const [wit, folder] = process.argv.slice(2);
const files = generateTypes("policy-extension", {
  wit: { tag: "source", val: readFileSync(wit, "utf8") },
  world: "policy-extension",
  features: { tag: "list", val: [] },
  guest: true,
  tlaCompat: false,
  strict: false,
  flagsAsBigint: false,
  variantsInlineCases: false,
  useNamespaceObjects: false,
  enumValuesScreamingSnakeCase: false,
});
for (const [name, bytes] of files) {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}
