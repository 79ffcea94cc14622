/** What both ways to a bot have in common. */
import type { ErrorCode } from "../errors.js";

export type Speaker = "caller" | "bot" | "agent";

/** A line of what was said. One that is not final is replaced by the speaker's next. */
export interface Transcript {
  speaker: Speaker;
  text: string;
  final: boolean;
  interrupted: boolean;
  /** Names the line: a final one with the id of one before takes its place. */
  id: string;
}

/** How a line ended. */
export type LineEnd =
  /** The call is over; the word says by whom, as in a call's record (`customer`, `bot`, `timeout`, …). */
  | { kind: "over"; by: string }
  /** The connection broke, and the call with it: another one may be begun. */
  | { kind: "lost"; detail: string }
  | { kind: "failed"; code: ErrorCode; detail: string };

/** What a line tells. `ended` comes once and is the last. */
export interface LineListener {
  ready(sessionId: string): void;
  transcript(line: Transcript): void;
  botSpeaks(speaks: boolean): void;
  interrupted(): void;
  /** The connection broke and the line mends it itself; the call goes on. */
  mending(): void;
  mended(): void;
  ended(end: LineEnd): void;
}

export interface Line {
  /** Begin. Faults come by `ended`. */
  open(): void;
  mute(muted: boolean): void;
  /** The microphone changed under the call. */
  microphoneChanged(): Promise<void>;
  useSpeaker(deviceId: string): Promise<void>;
  sendText(text: string): void;
  sendKey(key: string): void;
  /** Say goodbye to the other side; `ended` follows. */
  hangUp(): void;
  /** Let go of everything at once, without `ended`. */
  drop(): void;
}

/** Where the bot is reached: what the bridge gave for the visitor. */
export type Way = { kind: "talk"; url: string } | { kind: "livekit"; url: string; token: string };
