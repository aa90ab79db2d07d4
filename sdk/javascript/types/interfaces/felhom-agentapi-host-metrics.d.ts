/// <reference path="./felhom-agentapi-types.d.ts" />
declare module 'felhom:agentapi/host-metrics@0.2.1' {
  /**
   * Load, memory, disks and temperature of the host, and the state of its storage targets. One request.
   *
   * Source: GET /host/metrics.
   * Needs the grant `host-metrics.collect` in an extension. Any case of `error` is possible but `invalid-argument`.
   */
  export function collect(): MetricsView;
  export type Error = import('felhom:agentapi/types@0.2.1').Error;
  export type MetricsView = import('felhom:agentapi/types@0.2.1').MetricsView;
}
