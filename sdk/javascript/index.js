// What a policy extension is written with. `index.d.ts` documents all of it.

import "./src/globals.js";

export { backup, disks, hostMetrics, storage } from "./src/agent.js";
export { clock } from "./src/clock.js";
export { extension } from "./src/extension.js";
export { CallError, Failure } from "./src/failure.js";
export { field } from "./src/input.js";
export { log } from "./src/log.js";
export { notify } from "./src/notify.js";
export { quiesce } from "./src/quiesce.js";
export { state } from "./src/state.js";
