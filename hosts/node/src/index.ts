export { Agent } from "./agent.js";
export { AgentError, type ErrorKind } from "./error.js";
export type { CallOptions, ConnectOptions } from "./options.js";
export type {
  AssignRequest,
  BackupDue,
  BackupJob,
  BackupPhase,
  BackupStatus,
  Disk,
  DiskList,
  DiskRole,
  EjectResult,
  FormatRequest,
  FormatResult,
  HostStatus,
  Integer,
  MetricsView,
  PendingOp,
  Smart,
  StorageClass,
  StorageMount,
  StorageTarget,
  StorageView,
  ThinPool,
} from "./records.js";
