declare module 'felhom:agentapi/policy@0.2.1' {
  /**
   * Does the extension's work once.
   *
   * `input` is a JSON text from whoever runs the extension; `{}` when they gave none. The result is a JSON text for
   * them: a report, or as an error what went wrong. The shape of all three is up to the extension.
   */
  export function run(input: string): string;
}
