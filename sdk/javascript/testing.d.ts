import type { Notification } from "felhom:agentapi/notify@0.2.1";

/** The host's functions by interface, in camelCase: `host.storage.mounts = () => ({ vmid: 101n, mounts: [] })`. */
export const host: Record<string, Record<string, (...args: any[]) => unknown>>;

/** What the extension has done since the last `reset`. */
export const recorded: {
  log: { level: string; text: string }[];
  notifications: Map<string, Notification>;
  state: Map<string, Uint8Array>;
  /** How long it has slept, which is also what the clock shows. */
  sleptMs: number;
};

/** Puts everything back: an agent that does not answer, a clock at 0, an empty state and an empty log. */
export function reset(): void;

/** The error that the host throws for a case of a WIT variant: `throw hostError("http-status", { status: 500, text: "" })`. */
export function hostError(tag: string, val?: unknown): Error;
