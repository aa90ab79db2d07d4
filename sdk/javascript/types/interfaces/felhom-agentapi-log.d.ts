declare module 'felhom:agentapi/log@0.2.1' {
  /**
   * Writes a text. Each of its lines is a line of the log.
   *
   * Lines of all levels count towards the same limit, in bytes; the run is stopped where it writes more.
   */
  export function write(level: Level, text: string): void;
  /**
   * How much a line matters, from the least to the most.
   * # Variants
   *
   * ## `"trace"`
   *
   * Each step, for whoever looks for a fault in the extension itself.
   * ## `"debug"`
   *
   * What helps to understand a run afterwards.
   * ## `"info"`
   *
   * What the run has done.
   * ## `"warn"`
   *
   * What somebody should look at, although the run goes on.
   * ## `"error"`
   *
   * What the run could not do.
   */
  export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';
}
