/**
 * The worker thread of one instance. The component's calls block: while an exchange is made on the main thread, this one
 * sleeps. It has no network, no environment, and not the token.
 */
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from "node:worker_threads";

import { instantiate } from "../../component/worker/agentapi.js";
import { componentError, type Client, type CoreModules } from "./component.js";
import { imports, type ComponentRequest, type ExchangeResult } from "./imports.js";
import { comparePin, type ConnectArguments, type OperationResult } from "./instance.js";
import { call, toValue, type Operation } from "./operations.js";

/** What the thread is started with. */
export interface ThreadData {
  modules: CoreModules;
  connect: ConnectArguments;
  /** Where answers arrive while the thread sleeps. */
  answers: MessagePort;
  /** 1 as soon as an answer is there. */
  signal: Int32Array;
}

/** What the thread sends. `trap` also stands for any other failure that the component has not returned. */
export type ThreadMessage =
  | { type: "connected"; result: OperationResult }
  | { type: "exchange"; request: ComponentRequest }
  | { type: "result"; result: OperationResult }
  | { type: "trap"; message: string };

const { modules, connect, answers, signal } = workerData as ThreadData;

function post(message: ThreadMessage): void {
  parentPort?.postMessage(message);
}

function exchange(request: ComponentRequest): ExchangeResult {
  post({ type: "exchange", request });
  Atomics.wait(signal, 0, 0);
  Atomics.store(signal, 0, 0);
  return (receiveMessageOnPort(answers) as { message: ExchangeResult }).message;
}

/** The outcome of a call of the component; undefined where it trapped, which is reported. */
function outcome(run: () => unknown): OperationResult | undefined {
  try {
    return { value: run() };
  } catch (thrown) {
    const error = componentError(thrown);
    if (error) return { error };
    post({ type: "trap", message: String(thrown) });
    return undefined;
  }
}

const client = instantiate(
  (name) => modules[name] as WebAssembly.Module,
  imports({ exchange, pin: (authority, fingerprints) => comparePin(connect.pin, authority, fingerprints) }) as never,
) as unknown as Client;

parentPort?.on("message", (operation: Operation) => {
  const result = outcome(() => toValue(call(client, operation)));
  if (result) post({ type: "result", result });
});

const connected = outcome(() => client.session.connect(connect.endpoint, connect.standIn, connect.fingerprints));
if (connected) post({ type: "connected", result: connected });
