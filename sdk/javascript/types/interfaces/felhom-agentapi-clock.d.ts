declare module 'felhom:agentapi/clock@0.2.1' {
  /**
   * The time of day: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted. It may go back, when somebody
   * sets the clock.
   */
  export function nowUnixMs(): bigint;
  /**
   * Milliseconds since some moment before this run. It never goes back: for durations.
   */
  export function monotonicMs(): bigint;
  /**
   * Waits this many milliseconds. The pause counts towards the run's wall clock limit: a run that would wait longer
   * than it has left is stopped.
   */
  export function sleepMs(milliseconds: bigint): void;
}
