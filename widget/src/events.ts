/** What a page is told, as events of the element. They bubble and cross shadow roots. */
import type { ErrorCode } from "./errors.js";
import type { Transcript } from "./lines/line.js";
import type { CallState } from "./state.js";

export interface VoxEvents {
  /** The element is in the page and may be used. */
  "vox-ready": { version: string };
  /** The panel of a floating widget opened or closed. */
  "vox-open": Record<string, never>;
  "vox-close": Record<string, never>;
  "vox-state": { state: CallState; previous: CallState };
  "vox-call-start": { session_id: string; transport: "talk" | "livekit" };
  "vox-call-end": { session_id: string; disconnected_by: string; duration_ms: number };
  "vox-transcript": Transcript;
  "vox-bot-speaking": { speaking: boolean };
  "vox-interrupted": Record<string, never>;
  "vox-mute": { muted: boolean };
  "vox-device": { kind: "microphone" | "speaker"; id: string };
  "vox-terms": { accepted: boolean };
  "vox-feedback": { session_id: string; rating: "good" | "bad"; comment: string };
  "vox-error": { code: ErrorCode; detail: string };
}

export type VoxEventName = keyof VoxEvents;
export type Tell = <N extends VoxEventName>(name: N, detail: VoxEvents[N]) => void;
