/**
 * The component as jco transpiled it, with the types that its code has. Those that jco writes are wrong in three ways: the
 * keys of the imports have versions that the code does not ask for, a function that suspends has no promise, and the
 * error of a result, which is thrown, is not mentioned.
 */
import type { Refusal } from "../../component/worker/interfaces/felhom-agentapi-pinning.js";
import type * as Types from "../../component/worker/interfaces/felhom-agentapi-types.js";

export type { Refusal, Types };
export type { ErrorCode, Method, Result, Scheme } from "../../component/worker/interfaces/wasi-http-types.js";

/** A value now, from a component whose calls block, or later, from one whose calls are suspended. */
export type MaybePromise<T> = T | Promise<T>;

/** The exports that are called. `connect` and the two helpers make no request, and never wait. */
export interface Client {
  session: { connect(endpoint: string, token: string, fingerprints: string[]): void };
  storage: { mounts(): MaybePromise<Types.StorageView> };
  backup: {
    due(): MaybePromise<Types.BackupDue>;
    start(): MaybePromise<Types.BackupJob>;
    status(): MaybePromise<Types.BackupStatus>;
  };
  disks: {
    list(): MaybePromise<Types.DiskList>;
    assign(request: Types.AssignRequest): MaybePromise<void>;
    eject(mountPath: string): MaybePromise<Types.EjectResult>;
    format(request: Types.FormatRequest): MaybePromise<Types.FormatResult>;
    fsUuid(durableId: string): string | undefined;
    opsignCommand(op: Types.PendingOp): string;
  };
  hostMetrics: { collect(): MaybePromise<Types.MetricsView> };
}

/** The case of `error`, or of `format-error`, with which an operation failed. */
export type ComponentError = Types.Error | Types.FormatError;

/** The error that a call threw, if the component returned one; undefined for a trap or a fault of this host. */
export function componentError(thrown: unknown): ComponentError | undefined {
  return thrown instanceof Error && "payload" in thrown ? (thrown.payload as ComponentError) : undefined;
}

/** The core modules by the names under which the transpiled code asks for them. */
export type CoreModules = Record<string, WebAssembly.Module>;
