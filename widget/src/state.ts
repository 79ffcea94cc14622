/** The states of a call, and what leads from one to the next. Pure: the controller does what a state asks for. */

export type CallState = "idle" | "permission" | "connecting" | "live" | "reconnecting" | "ended" | "failed";

export type Step =
  /** The visitor wants a call. */
  | "start"
  /** The microphone is there, or is not needed. */
  | "allowed"
  /** The bot's side is ready. */
  | "ready"
  /** The connection broke, and is being made anew. */
  | "lost"
  /** It is back. */
  | "back"
  /** The call is over as calls are. */
  | "over"
  /** It cannot be made, or cannot go on. */
  | "fault"
  /** The visitor has seen how it ended. */
  | "reset";

const NEXT: Record<CallState, Partial<Record<Step, CallState>>> = {
  idle: { start: "permission", fault: "failed" },
  permission: { allowed: "connecting", over: "ended", fault: "failed" },
  connecting: { ready: "live", over: "ended", fault: "failed" },
  live: { lost: "reconnecting", over: "ended", fault: "failed" },
  reconnecting: { back: "live", ready: "live", over: "ended", fault: "failed" },
  ended: { start: "permission", reset: "idle" },
  failed: { start: "permission", reset: "idle", fault: "failed" },
};

/** Where a step leads, or nothing when it has no meaning now. */
export function next(state: CallState, step: Step): CallState | undefined {
  return NEXT[state][step];
}

/** Whether a call is there or being made. */
export function isBusy(state: CallState): boolean {
  return state === "permission" || state === "connecting" || state === "live" || state === "reconnecting";
}

/** Pauses before the tries to come back, in milliseconds; after the last one the call has failed. */
export const RECONNECT_PAUSES_MS: readonly number[] = [500, 1_500, 4_000];
