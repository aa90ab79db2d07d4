/**
 * Instances on the main thread, for engines with JSPI (JavaScript Promise Integration): a call is suspended while its
 * exchange is made. No thread, and less memory; but a component that does not come back holds the whole process.
 */
import { componentError, type Client, type CoreModules } from "./component.js";
import { imports, type ComponentRequest, type ExchangeResult } from "./imports.js";
import {
  comparePin,
  type ConnectArguments,
  type Engine,
  type Instance,
  type OperationResult,
  type Started,
} from "./instance.js";
import { call, toValue, type Operation } from "./operations.js";

/** Whether this engine has JSPI. */
export function hasJspi(): boolean {
  return "Suspending" in WebAssembly;
}

export const jspiEngine: Engine = {
  async start(modules: CoreModules, connect: ConnectArguments): Promise<Started> {
    const { instantiate } = await import("../../component/jspi/agentapi.js");
    const instance = new JspiInstance();
    const pin = (authority: string, fingerprints: string[]) => comparePin(connect.pin, authority, fingerprints);
    const host = imports({ exchange: (request) => instance.exchange(request), pin }) as never;
    instance.client = (await instantiate((name) => modules[name] as WebAssembly.Module, host)) as unknown as Client;
    const connected = await outcome(() =>
      instance.client?.session.connect(connect.endpoint, connect.standIn, connect.fingerprints),
    );
    return "error" in connected ? connected : { instance };
  },
};

class JspiInstance implements Instance {
  client: Client | undefined;
  exchange: (request: ComponentRequest) => Promise<ExchangeResult> = () => {
    throw new Error("a request before the pin");
  };

  async run(operation: Operation, exchange: JspiInstance["exchange"]): Promise<OperationResult> {
    this.exchange = exchange;
    const { client } = this;
    if (client === undefined) throw new Error("the instance is closed");
    return outcome(async () => toValue(await call(client, operation)));
  }

  async close(): Promise<void> {
    this.client = undefined;
  }
}

async function outcome(run: () => unknown): Promise<OperationResult> {
  try {
    return { value: await run() };
  } catch (thrown) {
    const error = componentError(thrown);
    if (error) return { error };
    throw thrown;
  }
}
