declare module 'felhom:agentapi/quiesce@0.2.1' {
  /**
   * Freezes the controller's applications. Returns when all of them stand still.
   *
   * Needs the grant `quiesce.freeze`.
   */
  export function freeze(): void;
  /**
   * Thaws what this run froze, and says how the freeze ended. Returns when all applications run again. Where the host
   * has thawed before, because the lease ended or something did not stand still, this says so. A second thaw after one
   * freeze is `not-frozen`.
   *
   * Needs the grant `quiesce.thaw`.
   */
  export function thaw(): FreezeReport;
  /**
   * Why a freeze or thaw did not happen.
   */
  export type QuiesceError = QuiesceErrorDenied | QuiesceErrorBusy | QuiesceErrorAlreadyFrozen | QuiesceErrorNotFrozen | QuiesceErrorFailed;
  /**
   * The extension lacks the grant, or the controller has nothing to freeze. Carries which.
   */
  export interface QuiesceErrorDenied {
    tag: 'denied',
    val: string,
  }
  /**
   * Another run holds the freeze. Carries its name.
   */
  export interface QuiesceErrorBusy {
    tag: 'busy',
    val: string,
  }
  /**
   * This run has frozen already and not yet thawed.
   */
  export interface QuiesceErrorAlreadyFrozen {
    tag: 'already-frozen',
  }
  /**
   * This run has frozen nothing, or has been told already how its freeze ended.
   */
  export interface QuiesceErrorNotFrozen {
    tag: 'not-frozen',
  }
  /**
   * The controller's freeze or thaw failed. Carries the cause. After a failed freeze the host thaws by itself,
   * because some of the applications may stand still; after a failed thaw it keeps trying.
   */
  export interface QuiesceErrorFailed {
    tag: 'failed',
    val: string,
  }
  /**
   * What ended a freeze.
   */
  export type FreezeEnd = FreezeEndThaw | FreezeEndLeaseEnded | FreezeEndLetGo | FreezeEndOther;
  /**
   * This run, by `thaw`.
   */
  export interface FreezeEndThaw {
    tag: 'thaw',
  }
  /**
   * The lease ended before this run had thawed.
   */
  export interface FreezeEndLeaseEnded {
    tag: 'lease-ended',
  }
  /**
   * What was frozen did not stand still any more: a program that held it ended by itself.
   */
  export interface FreezeEndLetGo {
    tag: 'let-go',
  }
  /**
   * Anything else, such as a signal. Carries the host's words.
   */
  export interface FreezeEndOther {
    tag: 'other',
    val: string,
  }
  /**
   * What a backup is worth when it is restored.
   */
  export type Consistency = ConsistencyApplication | ConsistencyCrash;
  /**
   * Application-consistent: everything stood still from before the backup began until the agent had what it needed.
   */
  export interface ConsistencyApplication {
    tag: 'application',
  }
  /**
   * Crash-consistent: what a power cut would have left. Carries the reason.
   */
  export interface ConsistencyCrash {
    tag: 'crash',
    val: string,
  }
  /**
   * How a freeze ended: what the host saw, whatever anybody claims.
   */
  export interface FreezeReport {
    /**
     * What ended it.
     */
    endedBy: FreezeEnd,
    /**
     * How long it was, in milliseconds: from before the freeze until after the thaw that worked.
     */
    frozenMs: bigint,
    /**
     * What a backup is worth that was taken meanwhile.
     */
    consistency: Consistency,
  }
}
