declare module 'felhom:agentapi/notify@0.2.1' {
  /**
   * Raises a key with this message. Returns when the host has taken it, which does not wait until somebody is told.
   *
   * Needs the grant `notify.send`.
   */
  export function send(notification: Notification): void;
  /**
   * Says that what a key was raised for is over. Says whether it was raised.
   *
   * Needs the grant `notify.clear`.
   */
  export function clear(key: string): boolean;
  /**
   * How much a message matters, from the least to the most.
   * # Variants
   *
   * ## `"info"`
   *
   * For information.
   * ## `"warning"`
   *
   * Somebody should look at it.
   * ## `"critical"`
   *
   * Somebody should look at it now.
   */
  export type Severity = 'info' | 'warning' | 'critical';
  /**
   * A message.
   */
  export interface Notification {
    /**
     * What the message is about, chosen by the extension, such as `backup-stale`. At most 128 bytes, without control
     * characters. No other extension's keys are meant.
     */
    key: string,
    /**
     * How much it matters.
     */
    severity: Severity,
    /**
     * One line of at most 256 bytes.
     */
    title: string,
    /**
     * The rest, at most 4 KiB.
     */
    text: string,
  }
  /**
   * Why a message was not taken.
   */
  export type NotifyError = NotifyErrorDenied | NotifyErrorInvalidArgument | NotifyErrorFailed;
  /**
   * The extension lacks the grant. Carries which.
   */
  export interface NotifyErrorDenied {
    tag: 'denied',
    val: string,
  }
  /**
   * Key, title or text are empty, too long, or hold control characters. Carries what was expected and found.
   */
  export interface NotifyErrorInvalidArgument {
    tag: 'invalid-argument',
    val: string,
  }
  /**
   * The host cannot take it now, for example because too many keys of this extension are raised. Carries why.
   */
  export interface NotifyErrorFailed {
    tag: 'failed',
    val: string,
  }
}
