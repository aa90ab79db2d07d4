/** An instance of the component, whichever way it is run. */
import type { ComponentError, CoreModules, Refusal } from "./component.js";
import type { ComponentRequest, ExchangeResult } from "./imports.js";
import type { Operation } from "./operations.js";

/** What an instance is connected with. The token is not in it. */
export interface ConnectArguments {
  endpoint: string;
  standIn: string;
  fingerprints: string[];
  /** What the host enforces, and the component has to state. */
  pin: Pin;
}

/** The authority and the fingerprints, in hexadecimal, that the host was configured with. */
export interface Pin {
  authority: string | undefined;
  fingerprints: string[];
}

/** The outcome of an operation: a value, or the error that the component returned. */
export type OperationResult = { value: unknown } | { error: ComponentError };

export interface Instance {
  /** Runs an operation. Rejects where the instance trapped or was lost: then it must not be used again. */
  run(operation: Operation, exchange: (request: ComponentRequest) => Promise<ExchangeResult>): Promise<OperationResult>;
  close(): Promise<void>;
}

/** How an instance is made and connected. */
export interface Engine {
  start(modules: CoreModules, connect: ConnectArguments): Promise<Started>;
}

/** The instance, or the error with which the component refused to be connected. */
export type Started = { instance: Instance } | { error: ComponentError };

/** Compares what the component states with what the host enforces: equal sets, whatever the order. */
export function comparePin(pin: Pin, authority: string, fingerprints: string[]): Refusal | undefined {
  if (authority !== pin.authority) return { tag: "authority", val: "this instance is for another authority" };
  const stated = new Set(fingerprints);
  const enforced = new Set(pin.fingerprints);
  const isEqual = stated.size === enforced.size && [...stated].every((fingerprint) => enforced.has(fingerprint));
  return isEqual ? undefined : { tag: "fingerprints", val: "the host enforces other fingerprints" };
}
