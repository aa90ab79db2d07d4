// Prints the world `policy-extension` with the interfaces that it needs as one WIT file, which depends on no other package.
//
//   node tools/extension-world.mjs WIT_FOLDER

import { readFileSync } from "node:fs";
import { join } from "node:path";

const [folder] = process.argv.slice(2);
const read = (name) => readFileSync(join(folder, `${name}.wit`), "utf8").trim();

const package_line = /^package .*;$/m.exec(read("world"))[0];
const world = /^(\/\/\/.*\n)+world policy-extension \{\n(.*\n)*?\}/m.exec(read("world"))[0];
const names = [...world.matchAll(/^ +(?:import|export) ([a-z-]+);$/gm)].map(([, name]) => name);

process.stdout.write([package_line, world, ...["types", ...names].map(read)].join("\n\n") + "\n");
