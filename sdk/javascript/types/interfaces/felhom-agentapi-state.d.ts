declare module 'felhom:agentapi/state@0.2.1' {
  /**
   * The value of a key; none where there is no such key.
   *
   * Needs the grant `state.get`.
   */
  export function get(key: string): Uint8Array | undefined;
  /**
   * Sets the value of a key: at most 64 KiB, and 1 MiB for all keys and values of this extension.
   *
   * Needs the grant `state.set`.
   */
  export function set(key: string, value: Uint8Array): void;
  /**
   * Deletes a key. Says whether there was one.
   *
   * Needs the grant `state.delete`.
   */
  export { _delete as delete };
  function _delete(key: string): boolean;
  /**
   * The keys that begin with this text, in the order of their bytes; all of them where it is empty.
   *
   * Needs the grant `state.list`.
   */
  export function list(prefix: string): Array<string>;
  /**
   * Why nothing was read or changed.
   */
  export type StateError = StateErrorDenied | StateErrorInvalidKey | StateErrorTooLarge | StateErrorFailed;
  /**
   * The extension lacks the grant, or the host gives it no state. Carries which.
   */
  export interface StateErrorDenied {
    tag: 'denied',
    val: string,
  }
  /**
   * A key is empty, longer than 256 bytes, or holds a control character. Carries what was expected and found.
   */
  export interface StateErrorInvalidKey {
    tag: 'invalid-key',
    val: string,
  }
  /**
   * A value is larger than 64 KiB, or keys and values together would be larger than 1 MiB. Carries which, with the
   * sizes.
   */
  export interface StateErrorTooLarge {
    tag: 'too-large',
    val: string,
  }
  /**
   * The store cannot be read or written now. Carries no more than that: the cause is in the host's log.
   */
  export interface StateErrorFailed {
    tag: 'failed',
    val: string,
  }
}
