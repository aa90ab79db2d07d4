/// <reference path="./interfaces/felhom-agentapi-backup.d.ts" />
/// <reference path="./interfaces/felhom-agentapi-clock.d.ts" />
/// <reference path="./interfaces/felhom-agentapi-disks.d.ts" />
/// <reference path="./interfaces/felhom-agentapi-host-metrics.d.ts" />
/// <reference path="./interfaces/felhom-agentapi-log.d.ts" />
/// <reference path="./interfaces/felhom-agentapi-notify.d.ts" />
/// <reference path="./interfaces/felhom-agentapi-policy.d.ts" />
/// <reference path="./interfaces/felhom-agentapi-quiesce.d.ts" />
/// <reference path="./interfaces/felhom-agentapi-state.d.ts" />
/// <reference path="./interfaces/felhom-agentapi-storage.d.ts" />
/// <reference path="./interfaces/felhom-agentapi-types.d.ts" />
declare module 'felhom:agentapi/policy-extension@0.2.1' {
  export type * as FelhomAgentapiBackup021 from 'felhom:agentapi/backup@0.2.1'; // import felhom:agentapi/backup@0.2.1
  export type * as FelhomAgentapiClock021 from 'felhom:agentapi/clock@0.2.1'; // import felhom:agentapi/clock@0.2.1
  export type * as FelhomAgentapiDisks021 from 'felhom:agentapi/disks@0.2.1'; // import felhom:agentapi/disks@0.2.1
  export type * as FelhomAgentapiHostMetrics021 from 'felhom:agentapi/host-metrics@0.2.1'; // import felhom:agentapi/host-metrics@0.2.1
  export type * as FelhomAgentapiLog021 from 'felhom:agentapi/log@0.2.1'; // import felhom:agentapi/log@0.2.1
  export type * as FelhomAgentapiNotify021 from 'felhom:agentapi/notify@0.2.1'; // import felhom:agentapi/notify@0.2.1
  export type * as FelhomAgentapiQuiesce021 from 'felhom:agentapi/quiesce@0.2.1'; // import felhom:agentapi/quiesce@0.2.1
  export type * as FelhomAgentapiState021 from 'felhom:agentapi/state@0.2.1'; // import felhom:agentapi/state@0.2.1
  export type * as FelhomAgentapiStorage021 from 'felhom:agentapi/storage@0.2.1'; // import felhom:agentapi/storage@0.2.1
  export type * as FelhomAgentapiTypes021 from 'felhom:agentapi/types@0.2.1'; // import felhom:agentapi/types@0.2.1
  export * as policy from 'felhom:agentapi/policy@0.2.1'; // export felhom:agentapi/policy@0.2.1
}
