/**
 * What the agent answers, with the names of its own JSON. A text, number or list that the agent leaves out is empty, 0,
 * false or an empty list.
 */

/**
 * A signed 64-bit integer: a number where a number holds it exactly, which is up to 2^53 - 1 either way, else a bigint.
 * `Number(size)` is good enough for any size of a disk.
 */
export type Integer = number | bigint;

/** How fast a storage is: `fast` is flash, `slow` spinning disks, empty where the agent does not say. */
export type StorageClass = "" | "fast" | "slow" | (string & {});

/** What is mounted in the guest. Source: GET /storage. */
export interface StorageView {
  /** The guest's number in Proxmox. */
  vmid: Integer;
  /** In the agent's order. */
  mounts: StorageMount[];
}

/** One mounted storage. */
export interface StorageMount {
  /** The name under which the guest's configuration knows it, such as `media`. */
  key: string;
  /** The storage's name in Proxmox, such as `local-hdd`. */
  storage: string;
  /** Where it is mounted in the guest: an absolute path. */
  mount_point: string;
  class: StorageClass;
  /** Whether the guest's backup includes it. */
  backup: boolean;
}

/** Whether a backup is due. Source: GET /backup/due. */
export interface BackupDue {
  vmid: Integer;
  due: boolean;
  /** Why, in the agent's words. */
  reason: string;
}

/** The phase of a backup; `idle` when none was started. */
export type BackupPhase = "idle" | "running" | "done" | "failed" | (string & {});

/** A backup that was started. Source: POST /backup. */
export interface BackupJob {
  vmid: Integer;
  /** The job's name, the same in the status. */
  job_id: string;
  phase: BackupPhase;
}

/** The state of the latest backup. Source: GET /backup/status. */
export interface BackupStatus {
  vmid: Integer;
  phase: BackupPhase;
  /** Empty when there was none. */
  job_id: string;
  /** Why it failed, in the agent's words; empty unless it did. */
  error: string;
}

/** What a disk is used for. The agent decides this, and by it who may have it formatted. */
export type DiskRole = "system" | "backup" | "user-data" | (string & {});

/** The disks of the guest. Source: GET /disks. */
export interface DiskList {
  vmid: Integer;
  /** In the agent's order. */
  disks: Disk[];
}

/** One disk. */
export interface Disk {
  /** Its name, such as `sdb1`. */
  name: string;
  /** What kind of storage it is, in the agent's words. */
  type: string;
  /** Its state, in the agent's words, such as `mounted`. */
  state: string;
  /** The device behind it, such as `/dev/sdb1`. */
  backing_device: string;
  /** Where it is mounted; empty when it is not. */
  mount_path: string;
  class: StorageClass;
  role: DiskRole;
  /** Whether data was found on it. */
  data_bearing: boolean;
  /** What was found, in the agent's words. */
  data_reason: string;
  total_bytes: Integer;
  used_bytes: Integer;
  /** 0.0 to 1.0. */
  used_fraction: number;
  /** A name that stays the same over restarts, such as `uuid:0f3c…` or `byid:ata-…`. */
  durable_id: string;
}

/** What is to be mounted, and how. Source: body of POST /disks/assign. */
export interface AssignRequest {
  /** The file system's UUID; see `fsUuid`. */
  uuid: string;
  /** Where to mount it: an absolute path. */
  where: string;
  /** The file system, such as `ext4`. */
  fstype: string;
  /** Mount options, separated by commas, such as `noatime,nofail`. */
  options?: string;
}

/** What was released. Source: POST /disks/eject. */
export interface EjectResult {
  vmid: Integer;
  /** In the agent's words. */
  ejected: string;
  /** The numbers of other guests that used the disk; usually empty. */
  dependent_guests: Integer[];
}

/** What is to be formatted. Source: body of POST /disks/format. */
export interface FormatRequest {
  /** The device, such as `/dev/sdb1`. */
  device: string;
  /** The file system to make, such as `ext4`. */
  fstype: string;
  /** The durable id that the customer has confirmed to be wiped; left out in the first call. */
  durableId?: string | undefined;
}

/** The agent's answer to a request to format. Source: POST /disks/format. */
export interface FormatResult {
  vmid: Integer;
  device: string;
  formatted: boolean;
  /** Whether there is data on it. */
  data_bearing: boolean;
  /** Why it was not formatted, in the agent's words. */
  reason: string;
  role: DiskRole;
  /** Whether the customer must confirm. */
  needs_confirmation: boolean;
  /** What a confirmation must name. */
  durable_id: string;
  /** What the operator must sign. */
  pending_op: PendingOp | null;
}

/** An operation that waits for the operator's signature. */
export interface PendingOp {
  /** What is to be done, such as `storage_wipe`. */
  op: string;
  /** The host for which the signature holds. */
  host_scope: string;
  /** The disk for which it holds. */
  durable_id: string;
  fstype: string;
}

/** The host and its storage. Source: GET /host/metrics. */
export interface MetricsView {
  vmid: Integer;
  host: HostStatus;
  /** In the agent's order. */
  storage_targets: StorageTarget[];
}

/** The host itself. Percentages run from 0.0 to 100.0. */
export interface HostStatus {
  node: string;
  cpu_percent: number;
  memory_total_bytes: Integer;
  memory_used_bytes: Integer;
  memory_percent: number;
  disk_total_bytes: Integer;
  disk_used_bytes: Integer;
  disk_percent: number;
  /** Load over 1, 5 and 15 minutes, as the kernel prints it. */
  loadavg: string[];
  uptime_seconds: Integer;
  /** Degrees Celsius; null where the host has no sensor. */
  cpu_temp_c: Integer | null;
}

/** One storage target of the host. Fractions run from 0.0 to 1.0. */
export interface StorageTarget {
  name: string;
  /** Its kind in Proxmox, such as `zfspool` or `lvmthin`. */
  type: string;
  /** In the agent's words. */
  state: string;
  /** Whether it answers. */
  reachable: boolean;
  total_bytes: Integer;
  used_bytes: Integer;
  avail_bytes: Integer;
  used_fraction: number;
  /** What it may hold, in Proxmox's words, such as `images,rootdir`. */
  content: string;
  /** Where it is mounted on the host; empty when it is not. */
  mount_path: string;
  class_hint: StorageClass;
  /** Null when it is not a thin pool. */
  thin_pool: ThinPool | null;
  smart: Smart;
}

/** How full a thin pool is. A pool that runs full stops every guest on it. */
export interface ThinPool {
  data_used_fraction: number;
  metadata_used_fraction: number | null;
}

/** What a disk says about itself (SMART). */
export interface Smart {
  /** Empty when it says nothing. */
  health: "" | "PASSED" | "FAILING" | "UNKNOWN" | (string & {});
  /** Degrees Celsius. */
  temperature_c: Integer | null;
  /** How much of its rated life is used, in percent, which may exceed 100. */
  percentage_used: Integer | null;
}
