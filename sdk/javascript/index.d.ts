/// <reference path="./types/policy-extension.d.ts" />

import type {
  AssignRequest,
  BackupDue,
  BackupJob,
  BackupStatus,
  DiskList,
  EjectResult,
  FormatRequest,
  FormatResult,
  MetricsView,
  PendingOp,
  StorageView,
} from "felhom:agentapi/types@0.2.1";
import type { Level } from "felhom:agentapi/log@0.2.1";
import type { Notification, Severity } from "felhom:agentapi/notify@0.2.1";
import type { FreezeReport } from "felhom:agentapi/quiesce@0.2.1";

/** A value of the WIT package as it is here: an integer is a number, exact to 2⁵³. */
export type Plain<T> = T extends bigint
  ? number
  : T extends Uint8Array
    ? T
    : T extends BigInt64Array | BigUint64Array
      ? number[]
      : T extends (infer Item)[]
        ? Plain<Item>[]
        : T extends object
          ? { [Name in keyof T]: Plain<T[Name]> }
          : T;

/** What a module exports as `policy` to be an extension. */
export interface Policy {
  run(input: string): string;
}

/**
 * Makes an extension of a function: `export const policy = extension(run, { threshold: field.number({ default: 0.8 }) })`.
 *
 * The input is parsed and checked against the fields; a wrong one fails the run with the field, what was expected and what
 * was found. Without fields it is whatever JSON value was given. What `run` returns becomes the result as JSON, and what it
 * throws becomes the failure `{"error": {"call", "kind", "message"}}`.
 */
export function extension<Fields extends Record<string, Field<unknown>>>(
  run: (input: Values<Fields>) => unknown,
  fields: Fields,
): Policy;
export function extension(run: (input: any) => unknown): Policy;

/** A kind of value that the input may have; made by the functions in `field`. */
export interface Field<T> {
  read(value: unknown, path: string): T;
}

/** The values of a record's fields. */
export type Values<Fields extends Record<string, Field<unknown>>> = {
  [Name in keyof Fields]: Fields[Name] extends Field<infer T> ? T : never;
};

/** A field with a default, or one that is optional, may be absent or `null`. */
export interface Absent<T> {
  default?: T;
  optional?: boolean;
}

type Range = { min?: number; max?: number };
type Read<T, Options> = Options extends { optional: true } ? T | undefined : T;

/** What the fields of an input may be. */
export const field: {
  number<const O extends Absent<number> & Range>(options?: O): Field<Read<number, O>>;
  /** An integer, exact to 2⁵³. */
  integer<const O extends Absent<number> & Range>(options?: O): Field<Read<number, O>>;
  text<const O extends Absent<string>>(options?: O): Field<Read<string, O>>;
  flag<const O extends Absent<boolean>>(options?: O): Field<Read<boolean, O>>;
  oneOf<const T, const O extends Absent<T>>(values: readonly T[], options?: O): Field<Read<T, O>>;
  list<T, const O extends Absent<T[]>>(each: Field<T>, options?: O): Field<Read<T[], O>>;
  record<Fields extends Record<string, Field<unknown>>, const O extends Absent<Values<Fields>>>(
    fields: Fields,
    options?: O,
  ): Field<Read<Values<Fields>, O>>;
};

/** A call to the host that failed. Not caught, it fails the run. */
export class CallError extends Error {
  constructor(call: string, kind: string, detail?: string, more?: { status?: number; result?: Plain<FormatResult> });
  /** Which call, such as `backup.due`. */
  readonly call: string;
  /** The name of the case of the WIT variant, such as `unreachable`, `http-status`, `denied` or `too-large`. */
  readonly kind: string;
  /** What the case carries, in words; `undefined` where it carries nothing. */
  readonly detail: string | undefined;
  /** The HTTP status of `http-status`. */
  readonly status: number | undefined;
  /** What `disks.format` answers as `needs-confirmation` and `refused`. */
  readonly result: Plain<FormatResult> | undefined;
  /** Whether the agent may have done what it was asked, although the call failed. */
  readonly mayHaveActed: boolean;
  /** As in the failure of a run. */
  toJSON(): { call: string; kind: string; message?: string };
}

/** A failure that the author names: `throw new Failure("no-disk", "no backup disk is mounted")`. */
export class Failure extends Error {
  constructor(kind: string, message: string);
  readonly kind: string;
}

/** Backups of this guest. Each needs the grant of its name, such as `backup.due`. */
export const backup: {
  due(): Plain<BackupDue>;
  start(): Plain<BackupJob>;
  status(): Plain<BackupStatus>;
};

/** The disks that the host lets this guest see. */
export const disks: {
  list(): Plain<DiskList>;
  assign(request: AssignRequest): void;
  eject(mountPath: string): Plain<EjectResult>;
  /** Throws a `CallError` of kind `needs-confirmation` or `refused`, with the `result`, where a person must decide. */
  format(request: FormatRequest): Plain<FormatResult>;
  fsUuid(durableId: string): string | undefined;
  opsignCommand(op: PendingOp): string;
};

/** The state of the Proxmox host. */
export const hostMetrics: {
  collect(): Plain<MetricsView>;
};

/** What is mounted in this guest. */
export const storage: {
  mounts(): Plain<StorageView>;
};

/** Freezing the controller's applications. Needs the grants `quiesce.freeze` and `quiesce.thaw`. */
export const quiesce: {
  freeze(): void;
  thaw(): Plain<FreezeReport>;
  /** Freezes, works, and thaws whatever happened; says what the work returned and how the freeze ended. */
  frozen<T>(work: () => T): { value: T; report: Plain<FreezeReport> };
};

type Log = (...values: unknown[]) => void;

/** The log of this run; needs no grant. What is no text is written as JSON. `console` writes here too. */
export const log: {
  write(level: Level, ...values: unknown[]): void;
  trace: Log;
  debug: Log;
  info: Log;
  warn: Log;
  error: Log;
};

/** Time; needs no grant. `Date` shows the same. */
export const clock: {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds since some moment before this run, never going back. */
  monotonic(): number;
  /** Waits. It counts towards the run's wall clock limit. */
  sleep(milliseconds: number): void;
};

/** What this extension remembers from one run to the next. Each function needs a grant, such as `state.get`. */
export const state: {
  /** The JSON value of a key, or `otherwise` where there is no such key. */
  get<T = any>(key: string): T | undefined;
  get<T>(key: string, otherwise: T): T;
  set(key: string, value: unknown): void;
  getBytes(key: string): Uint8Array | undefined;
  setBytes(key: string, bytes: Uint8Array): void;
  /** Says whether there was such a key. */
  delete(key: string): boolean;
  list(prefix?: string): string[];
};

/** Messages to the operator. */
export const notify: {
  /** Tells once, until something of it changes. The severity is `warning` where none is given. Needs `notify.send`. */
  send(notification: Pick<Notification, "key" | "title"> & { severity?: Severity; text?: string }): void;
  /** Says that it is over, and whether it was told. Needs `notify.clear`. */
  clear(key: string): boolean;
};
