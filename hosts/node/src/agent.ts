import { Caller } from "./caller.js";
import { checkText, type CallOptions, type ConnectOptions } from "./options.js";
import type * as records from "./records.js";

/** The client of one agent. Calls may run at the same time. */
export class Agent implements AsyncDisposable {
  readonly #caller: Caller;

  private constructor(caller: Caller) {
    this.#caller = caller;
  }

  /**
   * Makes a client. Nothing is sent: a wrong token, fingerprint or address shows in the first call. Rejects with an
   * `AgentError` of kind `invalid-argument` where an option cannot be right.
   */
  static async connect(options: ConnectOptions): Promise<Agent> {
    return new Agent(await Caller.connect(options));
  }

  /** What is mounted in the guest. */
  async storage(options?: CallOptions): Promise<records.StorageView> {
    return (await this.#caller.call({ name: "storage" }, options)) as records.StorageView;
  }

  /** Whether a backup of the guest is due. */
  async backupDue(options?: CallOptions): Promise<records.BackupDue> {
    return (await this.#caller.call({ name: "backup-due" }, options)) as records.BackupDue;
  }

  /** Starts a backup and returns at once; follow it with `backupStatus`. Sent once. */
  async startBackup(options?: CallOptions): Promise<records.BackupJob> {
    return (await this.#caller.call({ name: "start-backup" }, options)) as records.BackupJob;
  }

  /** The state of the latest backup. */
  async backupStatus(options?: CallOptions): Promise<records.BackupStatus> {
    return (await this.#caller.call({ name: "backup-status" }, options)) as records.BackupStatus;
  }

  /** Every disk that the host lets the guest see. */
  async disks(options?: CallOptions): Promise<records.DiskList> {
    return (await this.#caller.call({ name: "disks" }, options)) as records.DiskList;
  }

  /** Mounts a disk into the guest. Sent once. */
  async assignDisk(request: records.AssignRequest, options?: CallOptions): Promise<void> {
    const { uuid, where, fstype, options: mountOptions = "" } = request;
    checkTexts({ uuid, where, fstype, options: mountOptions });
    await this.#caller.call({ name: "assign-disk", request: { uuid, where, fstype, options: mountOptions } }, options);
  }

  /** Unmounts the disk that is mounted at a path, and releases it. Sent once. */
  async ejectDisk(where: string, options?: CallOptions): Promise<records.EjectResult> {
    checkTexts({ where });
    return (await this.#caller.call({ name: "eject-disk", where }, options)) as records.EjectResult;
  }

  /**
   * Formats a disk, if the agent finds that it may. Two kinds of error say that a person must decide: with
   * `needs-confirmation` the customer confirms the durable id in the error's `value`, with `format-refused` the operator
   * signs the pending operation in it. Sent once.
   */
  async formatDisk(request: records.FormatRequest, options?: CallOptions): Promise<records.FormatResult> {
    const { device, fstype, durableId } = request;
    checkTexts({ device, fstype, ...(durableId === undefined ? {} : { durableId }) });
    const operation = { name: "format-disk", request: { device, fstype, durableId } } as const;
    return (await this.#caller.call(operation, options)) as records.FormatResult;
  }

  /** The state of the host and its storage targets. */
  async hostMetrics(options?: CallOptions): Promise<records.MetricsView> {
    return (await this.#caller.call({ name: "host-metrics" }, options)) as records.MetricsView;
  }

  /** The file system UUID in a durable id: what follows `uuid:`. No request. */
  async fsUuid(durableId: string): Promise<string | undefined> {
    checkTexts({ durableId });
    return (await this.#caller.call({ name: "fs-uuid", durableId })) as string | undefined;
  }

  /** The command by which the operator signs a pending operation. No request. */
  async opsignCommand(pendingOp: records.PendingOp): Promise<string> {
    const { op, host_scope, durable_id, fstype } = pendingOp;
    checkTexts({ op, host_scope, durable_id, fstype });
    return (await this.#caller.call({ name: "opsign-command", op: { op, host_scope, durable_id, fstype } })) as string;
  }

  /** Ends the calls that are running, and closes instances and connections. */
  close(): Promise<void> {
    return this.#caller.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Checks arguments: an instance that is given what it cannot take would be lost. */
function checkTexts(texts: Record<string, unknown>): void {
  for (const [name, text] of Object.entries(texts)) checkText(name, text);
}
