/** What can go wrong with a call, as a word for programs. The words for people are in `text/`. */
export type ErrorCode =
  | "unsupported"
  | "insecure"
  | "mic_denied"
  | "mic_missing"
  | "mic_failed"
  | "bad_settings"
  | "bad_variables"
  | "bad_key"
  | "no_bot"
  | "origin_refused"
  | "busy"
  | "refused"
  | "offline"
  | "lost"
  | "failed";

/** A call that cannot go on. `detail` is for the page's developer and is not shown to visitors. */
export class CallError extends Error {
  override readonly name = "CallError";

  constructor(
    readonly code: ErrorCode,
    readonly detail: string,
    /** When it makes sense to try again, if the server said so. */
    readonly retryAfterMs?: number,
  ) {
    super(`${code}: ${detail}`);
  }
}

/** Whatever was thrown, as an error of a call. */
export function asCallError(thrown: unknown): CallError {
  if (thrown instanceof CallError) return thrown;
  return new CallError("failed", thrown instanceof Error ? thrown.message : String(thrown));
}
