/// <reference path="./felhom-agentapi-types.d.ts" />
declare module 'felhom:agentapi/backup@0.2.1' {
  /**
   * Whether a backup of this guest is due, and why. One request.
   *
   * Source: GET /backup/due.
   * Needs the grant `backup.due` in an extension. Any case of `error` is possible but `invalid-argument`.
   */
  export function due(): BackupDue;
  /**
   * Starts a backup of this guest and returns at once; follow it with `status`. One request, never sent twice.
   *
   * After `interrupted` or `deadline` the backup may or may not have been started. Ask for the `status` before
   * starting again, because a second start may be a second backup.
   *
   * Source: POST /backup.
   * Needs the grant `backup.start` in an extension. Any case of `error` is possible but `invalid-argument`.
   */
  export function start(): BackupJob;
  /**
   * The state of the latest backup; phase `idle` when there was none. One request.
   *
   * Source: GET /backup/status.
   * Needs the grant `backup.status` in an extension. Any case of `error` is possible but `invalid-argument`.
   */
  export function status(): BackupStatus;
  export type Error = import('felhom:agentapi/types@0.2.1').Error;
  export type BackupDue = import('felhom:agentapi/types@0.2.1').BackupDue;
  export type BackupJob = import('felhom:agentapi/types@0.2.1').BackupJob;
  export type BackupStatus = import('felhom:agentapi/types@0.2.1').BackupStatus;
}
