/// <reference path="./felhom-agentapi-types.d.ts" />
declare module 'felhom:agentapi/storage@0.2.1' {
  /**
   * What is mounted in this guest, in the agent's order; empty when nothing is. One request.
   *
   * Source: GET /storage.
   * Needs the grant `storage.mounts` in an extension. Any case of `error` is possible but `invalid-argument`.
   */
  export function mounts(): StorageView;
  export type Error = import('felhom:agentapi/types@0.2.1').Error;
  export type StorageView = import('felhom:agentapi/types@0.2.1').StorageView;
}
