/**
 * The audio socket `/talk`, without LiveKit (`docs/talk-protocol.md`): 16 kHz mono LINEAR16 in frames of 640 bytes both
 * ways, and JSON events.
 */

import type { Sound } from "../audio/sound.js";
import { FRAME_BYTES } from "../worklet/frames.js";
import type { Line, LineEnd, LineListener, Speaker } from "./line.js";

/** The server says `ready` within this. */
const READY_MS = 10_000;
/** The server closes after a hang-up within this. */
const CLOSE_MS = 3_000;
/** A visitor without a microphone shows in so many milliseconds that there is somebody: the server waits for thirty seconds. */
const SIGN_OF_LIFE_MS = 5_000;
/** What the socket holds back before frames are left out: half a second. A voice that comes later than that is of no use. */
const MAX_WAITING_BYTES = 25 * FRAME_BYTES;

type Fields = Record<string, unknown>;

export class TalkLine implements Line {
  private readonly socket: WebSocket;
  private readyTimer = 0;
  private closeTimer = 0;
  private lifeTimer = 0;
  private over: LineEnd | undefined;
  private isReady = false;
  private isMuted = false;
  private isDone = false;

  constructor(
    url: string,
    private readonly sound: Sound,
    private readonly on: LineListener,
  ) {
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
  }

  open(): void {
    this.readyTimer = window.setTimeout(() => this.end({ kind: "lost", detail: "no ready in time" }), READY_MS);
    this.socket.onmessage = (event: MessageEvent<unknown>) => {
      if (typeof event.data === "string") this.onText(event.data);
      else if (event.data instanceof ArrayBuffer) this.sound.play(event.data);
    };
    this.socket.onclose = (event) => this.end(this.over ?? endOf(event.code, event.reason, this.isReady));
    this.sound.onFrame = (frame) => this.send(frame);
  }

  mute(muted: boolean): void {
    this.isMuted = muted;
  }

  async microphoneChanged(): Promise<void> {}

  useSpeaker(deviceId: string): Promise<void> {
    return this.sound.useSpeaker(deviceId);
  }

  sendText(text: string): void {
    this.sound.clear();
    this.tell({ type: "text", text });
  }

  sendKey(key: string): void {
    this.tell({ type: "dtmf", digit: key });
  }

  hangUp(): void {
    this.sound.onFrame = undefined;
    this.sound.clear();
    if (this.socket.readyState !== WebSocket.OPEN) {
      return this.end({ kind: "over", by: "customer" });
    }
    this.over = { kind: "over", by: "customer" };
    this.tell({ type: "hangup" });
    this.closeTimer = window.setTimeout(() => this.end({ kind: "over", by: "customer" }), CLOSE_MS);
  }

  drop(): void {
    this.isDone = true;
    this.release();
  }

  private release(): void {
    window.clearTimeout(this.readyTimer);
    window.clearTimeout(this.closeTimer);
    window.clearInterval(this.lifeTimer);
    this.sound.onFrame = undefined;
    this.sound.clear();
    this.socket.onmessage = null;
    this.socket.onclose = null;
    this.socket.close();
  }

  private end(end: LineEnd): void {
    if (this.isDone) return;
    this.drop();
    this.on.ended(end);
  }

  private send(frame: ArrayBuffer): void {
    if (!this.isReady || this.socket.readyState !== WebSocket.OPEN) return;
    if (this.socket.bufferedAmount > MAX_WAITING_BYTES) return;
    this.socket.send(this.isMuted ? new ArrayBuffer(frame.byteLength) : frame);
  }

  private tell(event: Fields): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(event));
  }

  private onText(text: string): void {
    const fields = objectOf(text);
    switch (fields?.["type"]) {
      case "ready":
        return this.begin(String(fields["session_id"] ?? ""));
      case "transcript":
        return this.on.transcript({
          speaker: speakerOf(fields["speaker"]),
          text: String(fields["text"] ?? ""),
          final: fields["final"] === true,
          interrupted: fields["interrupted"] === true,
          id: `${speakerOf(fields["speaker"])}-${Number(fields["started_ms"] ?? 0)}`,
        });
      case "bot_started":
        return this.on.botSpeaks(true);
      case "bot_stopped":
        return this.on.botSpeaks(false);
      case "interrupted":
        this.sound.clear();
        this.on.botSpeaks(false);
        return this.on.interrupted();
      case "hangup":
        this.over = { kind: "over", by: String(fields["disconnected_by"] ?? "") };
        return;
      case "error":
        this.over = this.over ?? refusalOf(String(fields["code"] ?? ""), String(fields["detail"] ?? ""));
        return;
    }
  }

  private begin(sessionId: string): void {
    window.clearTimeout(this.readyTimer);
    this.isReady = true;
    if (!this.sound.hasMicrophone) {
      const silence = new ArrayBuffer(FRAME_BYTES);
      this.lifeTimer = window.setInterval(() => this.send(silence), SIGN_OF_LIFE_MS);
    }
    this.on.ready(sessionId);
  }
}

function objectOf(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

function speakerOf(value: unknown): Speaker {
  return value === "bot" || value === "agent" ? value : "caller";
}

/**
 * What an `error` event comes to when the socket closes behind it. The call goes on where it does not: an error is no end by
 * itself, so only codes that name one are kept.
 */
function refusalOf(code: string, detail: string): LineEnd | undefined {
  switch (code) {
    case "outside_hours":
      return { kind: "failed", code: "refused", detail: detail || code };
    case "busy":
      return { kind: "failed", code: "busy", detail: detail || code };
    default:
      return undefined;
  }
}

/** What a close without `hangup` means; the codes are the protocol's. */
export function endOf(code: number, reason: string, wasReady: boolean): LineEnd {
  const detail = `closed with ${code} ${reason}`.trim();
  switch (code) {
    case 1000:
      return { kind: "over", by: reason || "bot" };
    case 1008:
      return { kind: "failed", code: "refused", detail: detail };
    case 1013:
      return { kind: "failed", code: "busy", detail: detail };
    case 1003:
    case 1009:
      return { kind: "failed", code: "failed", detail: detail };
    default:
      // Before `ready`, a socket that does not open says nothing of why: a busy host answers 503, and so may the network.
      return wasReady ? { kind: "lost", detail } : { kind: "failed", code: "busy", detail: detail };
  }
}
