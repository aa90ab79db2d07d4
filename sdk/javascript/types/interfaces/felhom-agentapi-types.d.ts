declare module 'felhom:agentapi/types@0.2.1' {
  /**
   * An answer with a status that the operation does not accept.
   */
  export interface HttpAnswer {
    /**
     * The HTTP status.
     */
    status: number,
    /**
     * The agent's own words, such as `VM 101 is locked (backup)`: the `error` of its envelope, cut off after 1 KiB;
     * empty where the body is no envelope or says nothing.
     */
    text: string,
  }
  /**
   * How far a call had come when its deadline passed.
   * # Variants
   *
   * ## `"sending"`
   *
   * The request was not yet sent as a whole: the agent cannot have acted on it.
   * ## `"waiting"`
   *
   * The request was sent, and no answer had come. The agent may have acted.
   * ## `"receiving"`
   *
   * Part of the answer had come. The agent has acted, or refused to.
   */
  export type Progress = 'sending' | 'waiting' | 'receiving';
  /**
   * Why an operation failed: one case for each thing that a caller would do differently, and for each the answer to
   * the question whether the agent may have acted.
   *
   * Texts are for people. They hold no secret and, in an extension, no address.
   */
  export type Error = ErrorNotConnected | ErrorInvalidArgument | ErrorDenied | ErrorPinMismatch | ErrorUnreachable | ErrorTls | ErrorInterrupted | ErrorDeadline | ErrorHttpStatus | ErrorResponseTooLarge | ErrorBadEnvelope | ErrorAgent | ErrorDecode;
  /**
   * `session.connect` has not succeeded yet. Nothing was sent.
   */
  export interface ErrorNotConnected {
    tag: 'not-connected',
  }
  /**
   * An argument cannot be right. Carries which, what was expected and what was found. Nothing was sent.
   */
  export interface ErrorInvalidArgument {
    tag: 'invalid-argument',
    val: string,
  }
  /**
   * The host forbids it. Carries the rule: a grant, a route, a limit. Nothing was sent.
   */
  export interface ErrorDenied {
    tag: 'denied',
    val: string,
  }
  /**
   * The agent's leaf certificate is not one of the pinned ones, or the peer did not prove that it holds the key.
   * Nothing was sent: the connection was refused in the handshake.
   */
  export interface ErrorPinMismatch {
    tag: 'pin-mismatch',
  }
  /**
   * No connection: the name was not found, the connection was refused, or nothing answered in time. Carries the
   * cause. Nothing was sent.
   */
  export interface ErrorUnreachable {
    tag: 'unreachable',
    val: string,
  }
  /**
   * TLS failed for another reason than the pin. Carries the cause. Nothing was sent, unless the agent refused after
   * the handshake.
   */
  export interface ErrorTls {
    tag: 'tls',
    val: string,
  }
  /**
   * The connection broke before the whole answer had come. Carries the cause. The agent may have acted.
   */
  export interface ErrorInterrupted {
    tag: 'interrupted',
    val: string,
  }
  /**
   * The deadline of the whole call passed. Carries how far the call had come, and so whether the agent may have
   * acted.
   */
  export interface ErrorDeadline {
    tag: 'deadline',
    val: Progress,
  }
  /**
   * The agent answered with an HTTP status that this operation does not accept. Carries the status, and what the
   * agent said about it. From 500 on the agent may have acted.
   */
  export interface ErrorHttpStatus {
    tag: 'http-status',
    val: HttpAnswer,
  }
  /**
   * The answer's body is larger than the limit. Carries the limit in bytes. The agent has acted, or refused to.
   */
  export interface ErrorResponseTooLarge {
    tag: 'response-too-large',
    val: bigint,
  }
  /**
   * The answer is not the envelope `{"ok": .., "data": .., "error": ..}`. Carries what is wrong. The agent has
   * acted, or refused to.
   */
  export interface ErrorBadEnvelope {
    tag: 'bad-envelope',
    val: string,
  }
  /**
   * The agent refused the operation (`"ok": false`). Carries its own text, which may be empty.
   */
  export interface ErrorAgent {
    tag: 'agent',
    val: string,
  }
  /**
   * The envelope's data is not what this operation documents. Carries what is wrong. The agent has acted, or
   * refused to.
   */
  export interface ErrorDecode {
    tag: 'decode',
    val: string,
  }
  /**
   * How fast a storage or disk is.
   */
  export type StorageClass = StorageClassUnknown | StorageClassFast | StorageClassSlow | StorageClassOther;
  /**
   * The agent does not say (an empty text).
   */
  export interface StorageClassUnknown {
    tag: 'unknown',
  }
  /**
   * Text `fast`: flash.
   */
  export interface StorageClassFast {
    tag: 'fast',
  }
  /**
   * Text `slow`: spinning disks.
   */
  export interface StorageClassSlow {
    tag: 'slow',
  }
  /**
   * Any other text, as the agent gave it.
   */
  export interface StorageClassOther {
    tag: 'other',
    val: string,
  }
  /**
   * One mounted storage.
   */
  export interface StorageMount {
    /**
     * The name under which the guest's configuration knows it, such as `media`.
     */
    key: string,
    /**
     * The storage's name in Proxmox, such as `local-hdd`.
     */
    storage: string,
    /**
     * Where it is mounted in the guest: an absolute path.
     */
    mountPoint: string,
    /**
     * How fast it is.
     */
    'class': StorageClass,
    /**
     * Whether the guest's backup includes it.
     */
    backup: boolean,
  }
  /**
   * What is mounted in a guest. Source: GET /storage.
   */
  export interface StorageView {
    /**
     * The guest's number in Proxmox.
     */
    vmid: bigint,
    /**
     * In the agent's order.
     */
    mounts: Array<StorageMount>,
  }
  /**
   * Whether a backup is due. Source: GET /backup/due.
   */
  export interface BackupDue {
    /**
     * The guest's number in Proxmox.
     */
    vmid: bigint,
    /**
     * Whether it is due now.
     */
    due: boolean,
    /**
     * Why, in the agent's words.
     */
    reason: string,
  }
  /**
   * The phase of a backup.
   */
  export type BackupPhase = BackupPhaseIdle | BackupPhaseRunning | BackupPhaseDone | BackupPhaseFailed | BackupPhaseOther;
  /**
   * Text `idle`: none was started.
   */
  export interface BackupPhaseIdle {
    tag: 'idle',
  }
  /**
   * Text `running`.
   */
  export interface BackupPhaseRunning {
    tag: 'running',
  }
  /**
   * Text `done`: it worked.
   */
  export interface BackupPhaseDone {
    tag: 'done',
  }
  /**
   * Text `failed`.
   */
  export interface BackupPhaseFailed {
    tag: 'failed',
  }
  /**
   * Any other text, the empty one too, as the agent gave it.
   */
  export interface BackupPhaseOther {
    tag: 'other',
    val: string,
  }
  /**
   * A backup that was started. Source: POST /backup.
   */
  export interface BackupJob {
    /**
     * The guest's number in Proxmox.
     */
    vmid: bigint,
    /**
     * The job's name, the same in `backup-status`.
     */
    jobId: string,
    /**
     * Its phase when the agent answered.
     */
    phase: BackupPhase,
  }
  /**
   * The state of the latest backup. Source: GET /backup/status.
   */
  export interface BackupStatus {
    /**
     * The guest's number in Proxmox.
     */
    vmid: bigint,
    /**
     * Its phase now.
     */
    phase: BackupPhase,
    /**
     * The job's name; empty when there was none.
     */
    jobId: string,
    /**
     * Why it failed, in the agent's words; empty unless it did.
     */
    error: string,
  }
  /**
   * What a disk is used for.
   */
  export type DiskRole = DiskRoleSystem | DiskRoleBackup | DiskRoleUserData | DiskRoleOther;
  /**
   * Text `system`: the host's own. Formatted only when the operator signs.
   */
  export interface DiskRoleSystem {
    tag: 'system',
  }
  /**
   * Text `backup`: holds backups. Formatted only when the operator signs.
   */
  export interface DiskRoleBackup {
    tag: 'backup',
  }
  /**
   * Text `user-data`: the customer's. Formatted only when the customer confirms.
   */
  export interface DiskRoleUserData {
    tag: 'user-data',
  }
  /**
   * Any other text, the empty one too, as the agent gave it.
   */
  export interface DiskRoleOther {
    tag: 'other',
    val: string,
  }
  /**
   * One disk.
   */
  export interface Disk {
    /**
     * Its name, such as `sdb1`.
     */
    name: string,
    /**
     * What kind of storage it is, in the agent's words.
     */
    kind: string,
    /**
     * Its state, in the agent's words, such as `mounted`.
     */
    state: string,
    /**
     * The device behind it, such as `/dev/sdb1`.
     */
    backingDevice: string,
    /**
     * Where it is mounted; empty when it is not.
     */
    mountPath: string,
    /**
     * How fast it is.
     */
    'class': StorageClass,
    /**
     * What it is used for. The agent decides this, and by it who may have it formatted.
     */
    role: DiskRole,
    /**
     * Whether data was found on it.
     */
    dataBearing: boolean,
    /**
     * What was found, in the agent's words.
     */
    dataReason: string,
    /**
     * Its size in bytes.
     */
    totalBytes: bigint,
    /**
     * How much of it is used, in bytes.
     */
    usedBytes: bigint,
    /**
     * How much of it is used: 0.0 to 1.0.
     */
    usedFraction: number,
    /**
     * A name that stays the same over restarts, such as `uuid:0f3c…` or `byid:ata-…`; see `disks.fs-uuid`.
     */
    durableId: string,
  }
  /**
   * The disks of a guest. Source: GET /disks.
   */
  export interface DiskList {
    /**
     * The guest's number in Proxmox.
     */
    vmid: bigint,
    /**
     * In the agent's order.
     */
    disks: Array<Disk>,
  }
  /**
   * What `disks.assign` is to mount, and how. Source: body of POST /disks/assign.
   */
  export interface AssignRequest {
    /**
     * The file system's UUID; see `disks.fs-uuid`.
     */
    uuid: string,
    /**
     * Where to mount it: an absolute path.
     */
    mountPath: string,
    /**
     * The file system, such as `ext4`.
     */
    fstype: string,
    /**
     * Mount options, separated by commas, such as `noatime,nofail`.
     */
    options: string,
  }
  /**
   * What `disks.eject` did. Source: POST /disks/eject.
   */
  export interface EjectResult {
    /**
     * The guest's number in Proxmox.
     */
    vmid: bigint,
    /**
     * What was released, in the agent's words.
     */
    ejected: string,
    /**
     * The numbers of other guests that used the disk; usually empty.
     */
    dependentGuests: BigInt64Array,
  }
  /**
   * What `disks.format` is to format. Source: body of POST /disks/format.
   */
  export interface FormatRequest {
    /**
     * The device, such as `/dev/sdb1`.
     */
    device: string,
    /**
     * The file system to make, such as `ext4`.
     */
    fstype: string,
    /**
     * The durable id that the customer has confirmed to be wiped; none on the first call.
     */
    confirmation?: string,
  }
  /**
   * An operation that waits for the operator's signature.
   */
  export interface PendingOp {
    /**
     * What is to be done, such as `storage_wipe`.
     */
    op: string,
    /**
     * The host for which the signature holds.
     */
    hostScope: string,
    /**
     * The durable id of the disk for which it holds.
     */
    durableId: string,
    /**
     * The file system to be made.
     */
    fstype: string,
  }
  /**
   * The agent's answer to a request to format. Source: POST /disks/format.
   */
  export interface FormatResult {
    /**
     * The guest's number in Proxmox.
     */
    vmid: bigint,
    /**
     * The device that was asked for.
     */
    device: string,
    /**
     * Whether it was formatted.
     */
    formatted: boolean,
    /**
     * Whether there is data on it. Also true if the agent leaves it open but demands that a person decides.
     */
    dataBearing: boolean,
    /**
     * Why not, in the agent's words.
     */
    reason: string,
    /**
     * What the disk is used for, as the agent found.
     */
    role: DiskRole,
    /**
     * Whether the customer must confirm.
     */
    needsConfirmation: boolean,
    /**
     * The disk's durable id: what a confirmation must name.
     */
    durableId: string,
    /**
     * The operation that the operator must sign; none when there is nothing to sign.
     */
    pendingOp?: PendingOp,
  }
  /**
   * Why a disk was not formatted.
   */
  export type FormatError = FormatErrorNeedsConfirmation | FormatErrorRefused | FormatErrorFailed;
  /**
   * A user-data disk: the customer must confirm the durable id in this answer.
   */
  export interface FormatErrorNeedsConfirmation {
    tag: 'needs-confirmation',
    val: FormatResult,
  }
  /**
   * A system or backup disk: the operator must sign the pending operation in this answer.
   */
  export interface FormatErrorRefused {
    tag: 'refused',
    val: FormatResult,
  }
  /**
   * The call failed.
   */
  export interface FormatErrorFailed {
    tag: 'failed',
    val: Error,
  }
  /**
   * The host itself. Percentages run from 0.0 to 100.0.
   */
  export interface HostStatus {
    /**
     * The node's name in Proxmox.
     */
    node: string,
    /**
     * Processor time in use, over all cores, in percent.
     */
    cpuPercent: number,
    /**
     * Memory in bytes.
     */
    memoryTotalBytes: bigint,
    /**
     * Memory in use, in bytes.
     */
    memoryUsedBytes: bigint,
    /**
     * Memory in use, in percent.
     */
    memoryPercent: number,
    /**
     * The root file system's size in bytes.
     */
    diskTotalBytes: bigint,
    /**
     * How much of it is used, in bytes.
     */
    diskUsedBytes: bigint,
    /**
     * How much of it is used, in percent.
     */
    diskPercent: number,
    /**
     * Load over 1, 5 and 15 minutes, as the kernel prints it.
     */
    loadavg: Array<string>,
    /**
     * Seconds since the host started.
     */
    uptimeSeconds: bigint,
    /**
     * The processor's temperature in degrees Celsius; none where the host has no sensor.
     */
    cpuTempC?: bigint,
  }
  /**
   * How full a thin pool is. A pool that runs full stops every guest on it.
   */
  export interface ThinPool {
    /**
     * Data in use: 0.0 to 1.0.
     */
    dataUsedFraction: number,
    /**
     * Metadata in use: 0.0 to 1.0; none when not known.
     */
    metadataUsedFraction?: number,
  }
  /**
   * A disk's verdict on itself.
   */
  export type SmartHealth = SmartHealthPassed | SmartHealthFailing | SmartHealthUnknown | SmartHealthOther;
  /**
   * Text `PASSED`.
   */
  export interface SmartHealthPassed {
    tag: 'passed',
  }
  /**
   * Text `FAILING`.
   */
  export interface SmartHealthFailing {
    tag: 'failing',
  }
  /**
   * Text `UNKNOWN`.
   */
  export interface SmartHealthUnknown {
    tag: 'unknown',
  }
  /**
   * Any other text, the empty one too, as the agent gave it.
   */
  export interface SmartHealthOther {
    tag: 'other',
    val: string,
  }
  /**
   * What a disk says about itself (SMART).
   */
  export interface Smart {
    /**
     * Its own verdict.
     */
    health: SmartHealth,
    /**
     * Its temperature in degrees Celsius; none when not known.
     */
    temperatureC?: bigint,
    /**
     * How much of its rated life is used, in percent, which may exceed 100; none when not known.
     */
    percentageUsed?: bigint,
  }
  /**
   * One storage target of the host. Fractions run from 0.0 to 1.0.
   */
  export interface StorageTarget {
    /**
     * Its name in Proxmox.
     */
    name: string,
    /**
     * Its kind in Proxmox, such as `zfspool` or `lvmthin`.
     */
    kind: string,
    /**
     * Its state, in the agent's words.
     */
    state: string,
    /**
     * Whether it answers.
     */
    reachable: boolean,
    /**
     * Its size in bytes.
     */
    totalBytes: bigint,
    /**
     * How much of it is used, in bytes.
     */
    usedBytes: bigint,
    /**
     * How much of it is free, in bytes.
     */
    availBytes: bigint,
    /**
     * How much of it is used: 0.0 to 1.0.
     */
    usedFraction: number,
    /**
     * What it may hold, in Proxmox's words, such as `images,rootdir`.
     */
    content: string,
    /**
     * Where it is mounted on the host; empty when it is not.
     */
    mountPath: string,
    /**
     * How fast it seems to be.
     */
    classHint: StorageClass,
    /**
     * How full its thin pool is; none when the target is not a thin pool.
     */
    thinPool?: ThinPool,
    /**
     * What the disk says about itself. If it says nothing, its health is `other` with an empty text.
     */
    smart: Smart,
  }
  /**
   * The host and its storage. Source: GET /host/metrics.
   */
  export interface MetricsView {
    /**
     * The guest's number in Proxmox.
     */
    vmid: bigint,
    /**
     * The host itself.
     */
    host: HostStatus,
    /**
     * Its storage targets, in the agent's order.
     */
    storageTargets: Array<StorageTarget>,
  }
}
