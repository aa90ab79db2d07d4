/** Options of a call. A call that is aborted rejects with the signal's reason, and leaves no answer to the next one. */
export interface CallOptions {
  signal?: AbortSignal;
}

/** The operations of the agent. Each rejects with an `AgentError` where it fails. Integers are exact to 2⁵³. */
export interface Client {
  /** Rejects where nothing could be asked: a controller asks its agent, a command reads what it was given. */
  check(options?: CallOptions): Promise<void>;
  /** What is mounted in the guest. */
  storage(options?: CallOptions): Promise<StorageView>;
  /** Whether a backup is due, and why. */
  backupDue(options?: CallOptions): Promise<BackupDue>;
  /** Starts a backup. After an error that `mayHaveActed`, look at `backupStatus` and start no second one. */
  startBackup(options?: CallOptions): Promise<BackupJob>;
  /** How far the latest backup is. */
  backupStatus(options?: CallOptions): Promise<BackupStatus>;
  /** The disks of the guest. */
  disks(options?: CallOptions): Promise<DiskList>;
  /** Mounts the disk whose file system has this UUID in the guest. */
  assignDisk(
    request: { uuid: string; where: string; fstype: string; options?: string },
    options?: CallOptions,
  ): Promise<void>;
  /** Lets the disk go that is mounted there. */
  ejectDisk(request: { where: string }, options?: CallOptions): Promise<EjectResult>;
  /** Formats a disk. Rejects with `NeedsConfirmation`, `FormatRefused` or, of a controller, `ApprovalNeeded`. */
  formatDisk(
    request: { device: string; fstype: string; confirmed?: boolean; durable_id?: string },
    options?: CallOptions,
  ): Promise<FormatResult>;
  /** How the host and its storage are doing. */
  hostMetrics(options?: CallOptions): Promise<MetricsView>;
}

/** The client of the controller (`agentapi serve`) that listens on a Unix socket. */
export class Controller implements Client {
  /** With `/run/agentapi/agentapi.sock` by default. */
  constructor(path?: string);
  /** The path of the socket. */
  readonly path: string;
  /** What runs, what is due and what is wrong; answered while something is frozen, too. */
  status(options?: CallOptions): Promise<Status>;
  /** The latest runs: 100, or up to 1000. */
  runs(options?: CallOptions & { limit?: number }): Promise<Run[]>;
  /** The run of this number. */
  run(run: number, options?: CallOptions): Promise<Run>;
  /** Has a subject run now, such as "backup", and gives the number of the run. */
  runSubject(name: string, options?: CallOptions): Promise<number>;
  /** Waits until the run has ended. */
  waitRun(run: number, options?: CallOptions): Promise<Run>;
  /** The wipes that wait for a person, and what became of the others. */
  approvals(options?: CallOptions): Promise<Approval[]>;
  /** The events after the one of this number, as they happen, until the controller ends. */
  events(options?: CallOptions & { after?: number }): AsyncGenerator<Event, void, void>;
}
export interface Controller extends Client {}

/** What `Command` is made of. */
export interface CommandOptions {
  /** Where the agent listens, such as 10.0.0.1:8443. */
  endpoint: string;
  /** The guest's token: in the environment of the child, and never in its arguments. */
  token: string;
  /** The SHA-256 of the agent's leaf certificate, and that of the next one. */
  fingerprints: string | string[];
  /** The command; `agentapi`, found in PATH, by default. */
  command?: string;
  /** Milliseconds for each call in all; 15000 by default. */
  deadlineMs?: number;
  /** How many calls run at once, each on a process of its own; 4 by default. */
  processes?: number;
}

/** The client over `agentapi call`: a child process for each call that runs at the same time. */
export class Command implements Client {
  constructor(options: CommandOptions);
  /** Ends the processes; one that answers a call, after it. */
  close(): Promise<void>;
}
export interface Command extends Client {}

/** A call that failed. */
export class AgentError extends Error {
  /** In the words of `agentapi call`, such as "pin-mismatch", or of the controller's API, such as "frozen". */
  readonly kind: string;
  /** The HTTP status with which the agent answered, where the kind is "http-status". */
  readonly status?: number;
  readonly value?: unknown;
  /** Whether the agent may have done it all the same; without a meaning for an operation that only reads. */
  readonly mayHaveActed: boolean;
}

/** The customer must confirm that the disk is wiped, by the durable id in `value`. */
export class NeedsConfirmation extends AgentError {
  readonly value: FormatResult;
}

/** The operator of the host must sign that the disk is wiped: the pending operation in `value`. */
export class FormatRefused extends AgentError {
  readonly value: FormatResult;
}

/** A person has to approve the wipe, and the run wipes the disk then. Only over a controller's socket. */
export class ApprovalNeeded extends AgentError {
  readonly run: number;
  readonly approval: number;
}

/** The UUID of the file system that a durable id names; empty if it names something else. */
export function fsUuid(durableId: string): string;
/** The command by which the operator of the host signs the operation, quoted for a POSIX shell. */
export function opsignCommand(pending: PendingOp): string;

export interface StorageView {
  vmid: number;
  mounts: { key: string; storage: string; mount_point: string; class: string; backup: boolean }[];
}

export interface BackupDue {
  vmid: number;
  due: boolean;
  reason: string;
}

export interface BackupJob {
  vmid: number;
  job_id: string;
  phase: string;
}

/** `phase` is idle, running, done or failed. */
export interface BackupStatus {
  vmid: number;
  phase: string;
  job_id: string;
  error: string;
}

export interface Disk {
  name: string;
  type: string;
  state: string;
  backing_device: string;
  mount_path: string;
  class: string;
  role: string;
  data_bearing: boolean;
  data_reason: string;
  total_bytes: number;
  used_bytes: number;
  used_fraction: number;
  durable_id: string;
}

export interface DiskList {
  vmid: number;
  disks: Disk[];
}

export interface EjectResult {
  vmid: number;
  ejected: string;
  dependent_guests: number[];
}

/** The operation that the operator of the host has to sign. */
export interface PendingOp {
  op: string;
  host_scope: string;
  durable_id: string;
  fstype: string;
}

export interface FormatResult {
  vmid: number;
  device: string;
  formatted: boolean;
  data_bearing: boolean;
  reason: string;
  role: string;
  needs_confirmation: boolean;
  durable_id: string;
  pending_op: PendingOp | null;
}

export interface HostStatus {
  node: string;
  cpu_percent: number;
  memory_total_bytes: number;
  memory_used_bytes: number;
  memory_percent: number;
  disk_total_bytes: number;
  disk_used_bytes: number;
  disk_percent: number;
  loadavg: string[];
  uptime_seconds: number;
  cpu_temp_c: number | null;
}

export interface StorageTarget {
  name: string;
  type: string;
  state: string;
  reachable: boolean;
  total_bytes: number;
  used_bytes: number;
  avail_bytes: number;
  used_fraction: number;
  content: string;
  mount_path: string;
  class_hint: string;
  thin_pool: { data_used_fraction: number; metadata_used_fraction: number | null } | null;
  smart: { health: string; temperature_c: number | null; percentage_used: number | null };
}

export interface MetricsView {
  vmid: number;
  host: HostStatus;
  storage_targets: StorageTarget[];
}

/** Times are texts (RFC 3339). */
export interface Run {
  id: number;
  subject: string;
  state: string;
  reason: string;
  queued_at: string;
  started_at: string | null;
  ended_at: string | null;
  end_reason: string;
  job_id: string | null;
  consistency: string | null;
  frozen_ms: number | null;
  /** A JSON text: what an extension returned, or the agent's answer to a wipe. */
  result: string | null;
}

/** A wipe that a person decides on. */
export interface Approval {
  id: number;
  run: number;
  subject: string;
  state: string;
  device: string;
  durable_id: string;
  contents: string;
  size_bytes: number;
  expires_at: string;
}

/** Of the kind "gap" it says that events up to its number are not kept any more, and has nothing else. */
export interface Event {
  number: number;
  kind: string;
  at?: string;
  severity?: string;
  subject?: string;
  run?: number | null;
  text?: string;
}

export interface Status {
  version: string;
  now: string;
  subjects: {
    name: string;
    activity: { state: string; run?: number | null; since?: string };
    is_paused: boolean;
    next_due: string | null;
    last_start: string | null;
    last_success: string | null;
  }[];
  findings: { kind: string; subject: string; severity: string; since: string; text: string }[];
  approvals: Approval[];
  /** Null while nothing is frozen. */
  freeze: { stage: string; holder: string; for_s: number } | null;
}
