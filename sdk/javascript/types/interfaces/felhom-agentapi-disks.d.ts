/// <reference path="./felhom-agentapi-types.d.ts" />
declare module 'felhom:agentapi/disks@0.2.1' {
  /**
   * Every disk, in the agent's order; empty when there is none. One request.
   *
   * Source: GET /disks.
   * Needs the grant `disks.list` in an extension. Any case of `error` is possible but `invalid-argument`.
   */
  export function list(): DiskList;
  /**
   * Mounts a disk into this guest. One request, never sent twice. The arguments are checked by the agent alone.
   *
   * Source: POST /disks/assign.
   * Needs the grant `disks.assign` in an extension. Any case of `error` is possible.
   */
  export function assign(request: AssignRequest): void;
  /**
   * Unmounts the disk that is mounted at `mount-path`, an absolute path, and releases it from this guest. One request,
   * never sent twice.
   *
   * Source: POST /disks/eject.
   * Needs the grant `disks.eject` in an extension. Any case of `error` is possible.
   */
  export function eject(mountPath: string): EjectResult;
  /**
   * Formats a disk, if the agent finds that it may. The agent classifies the device itself, so nothing that the caller
   * says about it counts. One request, never sent twice.
   *
   * Two of the errors do not mean that the call failed, but that a person must decide:
   * - `needs-confirmation`: a user-data disk. Show the customer what is on it, then call again with `confirmation` set
   *   to the durable id from this answer.
   * - `refused`: a system or backup disk. The operator must sign the pending operation; `opsign-command` gives the
   *   command that does.
   *
   * The host puts an extension's call with a confirmation before a person, and it is `denied` unless they agree.
   *
   * Source: POST /disks/format.
   * Needs the grant `disks.format` in an extension. `failed` holds any case of `error`; it is `invalid-argument` when
   * the confirmation is an empty text.
   */
  export function format(request: FormatRequest): FormatResult;
  /**
   * The file system UUID in a durable id: what follows `uuid:`, or none if the id does not begin so. Pure: no request.
   *
   * Needs the grant `disks.fs-uuid` in an extension.
   */
  export function fsUuid(durableId: string): string | undefined;
  /**
   * The command that the operator runs to sign a pending operation:
   * `felhom-opsign -op OP -host HOST_SCOPE -durable-id DURABLE_ID`. Pure: no request.
   *
   * Each value is quoted for a POSIX shell if it is empty or holds anything but letters, digits and `@%+=:,./-_`,
   * because the operator pastes the command and the values come from the network.
   *
   * Needs the grant `disks.opsign-command` in an extension. Fails with `invalid-argument` when a value holds what
   * a person cannot see, such as a control character other than a line feed, a mark of direction, or a blank other than
   * a space: the operator signs what the command says, and must be able to read it. The error has the value with these
   * characters escaped.
   */
  export function opsignCommand(op: PendingOp): string;
  export type Error = import('felhom:agentapi/types@0.2.1').Error;
  export type DiskList = import('felhom:agentapi/types@0.2.1').DiskList;
  export type AssignRequest = import('felhom:agentapi/types@0.2.1').AssignRequest;
  export type EjectResult = import('felhom:agentapi/types@0.2.1').EjectResult;
  export type FormatRequest = import('felhom:agentapi/types@0.2.1').FormatRequest;
  export type FormatError = import('felhom:agentapi/types@0.2.1').FormatError;
  export type FormatResult = import('felhom:agentapi/types@0.2.1').FormatResult;
  export type PendingOp = import('felhom:agentapi/types@0.2.1').PendingOp;
}
