/** One visitor's calls: the state, the line, the sound and the captions, and what the page is told of them. It shows nothing. */
import { Sound } from "./audio/sound.js";
import { Captions, type Change } from "./captions.js";
import { asCallError, CallError } from "./errors.js";
import type { Tell } from "./events.js";
import type { Line, LineEnd, LineListener, Transcript, Way } from "./lines/line.js";
import { TalkLine } from "./lines/talk.js";
import { findWay, sendFeedback } from "./net.js";
import type { Modality, Settings } from "./settings.js";
import { type CallState, isBusy, next, RECONNECT_PAUSES_MS, type Step } from "./state.js";
import { checkVariables } from "./variables.js";

/** Longest message that is sent, characters: the bridge takes no more. */
export const MAX_TEXT = 1_000;
/** Losses closer together than this are one trouble: tries are not counted anew. */
const STEADY_MS = 10_000;

/** What is shown changes. */
export interface CallView {
  stateChanged(): void;
  captionsChanged(change: Change): void;
}

/** The file with LiveKit's client, loaded when a call needs it. */
async function liveKitLine(way: Way & { kind: "livekit" }, sound: Sound, on: LineListener): Promise<Line> {
  const { LiveKitLine } = await import("./lines/livekit.js");
  return new LiveKitLine(way.url, way.token, sound, on);
}

export class Call {
  state: CallState = "idle";
  error: CallError | undefined;
  isMuted = false;
  botSpeaks = false;
  /** Voice, or text alone. */
  modality: Modality = "voice";
  /** Of the newest call; empty before it is ready. */
  sessionId = "";
  readonly captions = new Captions();
  microphoneId = "";
  speakerId = "";

  private line: Line | undefined;
  private sound: Sound | undefined;
  private transport: Way["kind"] = "talk";
  private feedbackToken = "";
  private startedAt = 0;
  private readyAt = 0;
  private tries = 0;
  private pause = 0;
  private abort = new AbortController();

  constructor(
    private readonly settings: () => Settings,
    private readonly hasAcceptedTerms: () => boolean,
    private readonly tell: Tell,
    private readonly view: CallView,
  ) {}

  /** Begin a call; within a click or a key press, or browsers keep the sound back. */
  async start(modality: Modality = "voice"): Promise<void> {
    if (isBusy(this.state)) return;
    this.error = undefined;
    this.modality = modality;
    this.isMuted = false;
    this.sessionId = "";
    this.startedAt = 0;
    this.tries = 0;
    this.captions.clear();
    this.view.captionsChanged({ kind: "partial" });
    const abort = new AbortController();
    this.abort = abort;
    if (!this.step("start")) return;
    try {
      this.sound = Sound.begin();
      await this.prepare(this.sound, abort.signal);
      if (abort.signal.aborted) return;
      this.step("allowed");
      await this.connect(this.sound, abort.signal);
    } catch (thrown) {
      if (!abort.signal.aborted) this.fail(asCallError(thrown));
    }
  }

  /** End the call, at whatever stage it is. */
  hangUp(): void {
    if (!isBusy(this.state)) return;
    if (this.line !== undefined && this.state === "live") return this.line.hangUp();
    this.finish("customer");
  }

  /** Forget how the last call ended. */
  reset(): void {
    this.step("reset");
  }

  /** Let go of everything: the element left the page. */
  dispose(): void {
    if (!isBusy(this.state)) return;
    this.line?.hangUp();
    this.finish("customer");
  }

  mute(muted: boolean): void {
    if (this.modality !== "voice" || muted === this.isMuted) return;
    this.isMuted = muted;
    this.line?.mute(muted);
    this.tell("vox-mute", { muted });
    this.view.stateChanged();
  }

  /** Send a message to the bot. False when there is nobody to take it. */
  sendText(text: string): boolean {
    const message = text.trim().slice(0, MAX_TEXT);
    if (message === "" || this.state !== "live" || this.line === undefined) return false;
    this.line.sendText(message);
    return true;
  }

  /** What the visitor thought of the newest call: the page is told, and the bridge where it gave the way. */
  rate(rating: "good" | "bad", comment: string): void {
    this.tell("vox-feedback", { session_id: this.sessionId, rating, comment });
    if (this.feedbackToken === "") return;
    sendFeedback(this.settings(), this.feedbackToken, rating, comment).catch((thrown: unknown) => {
      console.warn("vox-widget: the feedback was not kept:", asCallError(thrown).detail);
    });
  }

  /** Press a key of a telephone. False when it is none, or nobody is there. */
  sendKey(key: string): boolean {
    if (!/^[0-9*#A-D]$/.test(key) || this.state !== "live" || this.line === undefined) return false;
    this.line.sendKey(key);
    return true;
  }

  async useMicrophone(id: string): Promise<void> {
    this.microphoneId = id;
    if (this.sound !== undefined && this.modality === "voice") {
      await this.sound.useMicrophone(id);
      await this.line?.microphoneChanged();
      this.line?.mute(this.isMuted);
    }
    this.tell("vox-device", { kind: "microphone", id });
  }

  async useSpeaker(id: string): Promise<void> {
    this.speakerId = id;
    await (this.line?.useSpeaker(id) ?? this.sound?.useSpeaker(id));
    this.tell("vox-device", { kind: "speaker", id });
  }

  /** How loud somebody is now, 0 to 1. */
  level(of: "in" | "out"): number {
    if (this.sound === undefined || (of === "in" && this.isMuted)) return 0;
    return this.sound.level(of);
  }

  /** Everything on this side, before anybody is asked for. */
  private async prepare(sound: Sound, abort: AbortSignal): Promise<void> {
    checkVariables(this.settings().variables);
    if (this.modality === "voice") await sound.useMicrophone(this.microphoneId);
    if (abort.aborted) return;
    sound.onMicrophoneLost = () => void this.replaceMicrophone();
    await sound.resume();
    if (this.speakerId !== "") await sound.useSpeaker(this.speakerId);
  }

  private async connect(sound: Sound, abort: AbortSignal): Promise<void> {
    const settings = this.settings();
    const visitor = { variables: checkVariables(settings.variables), hasAcceptedTerms: this.hasAcceptedTerms() };
    const { way, feedbackToken } = await findWay(settings, visitor, abort);
    if (abort.aborted) return;
    this.feedbackToken = feedbackToken;
    if (way.kind === "talk") await sound.frames();
    const listener = this.listener(abort);
    const line = way.kind === "talk" ? new TalkLine(way.url, sound, listener) : await liveKitLine(way, sound, listener);
    if (abort.aborted) return line.drop();
    this.transport = way.kind;
    this.line = line;
    line.mute(this.isMuted);
    line.open();
  }

  /** What a line tells counts as long as its call is the newest. */
  private listener(abort: AbortSignal): LineListener {
    const now = (what: () => void): void => {
      if (!abort.aborted) what();
    };
    return {
      ready: (sessionId) => now(() => this.ready(sessionId)),
      transcript: (line) => now(() => this.said(line)),
      botSpeaks: (speaks) =>
        now(() => {
          this.botSpeaks = speaks;
          this.tell("vox-bot-speaking", { speaking: speaks });
          this.view.stateChanged();
        }),
      interrupted: () => now(() => this.tell("vox-interrupted", {})),
      mending: () => now(() => void this.step("lost")),
      mended: () => now(() => void this.step("back")),
      ended: (end) => now(() => this.lineEnded(end)),
    };
  }

  private ready(sessionId: string): void {
    const isAnother = this.state === "reconnecting";
    this.sessionId = sessionId;
    this.readyAt = performance.now();
    if (this.startedAt === 0) this.startedAt = this.readyAt;
    if (isAnother) {
      this.captions.newRound();
      this.view.captionsChanged(this.captions.note("new_call"));
    }
    if (this.step("ready")) this.tell("vox-call-start", { session_id: sessionId, transport: this.transport });
  }

  private said(line: Transcript): void {
    this.tell("vox-transcript", line);
    this.view.captionsChanged(this.captions.take(line));
  }

  private lineEnded(end: LineEnd): void {
    this.line = undefined;
    this.botSpeaks = false;
    switch (end.kind) {
      case "over":
        return this.finish(end.by);
      case "failed":
        return this.broke(new CallError(end.code, end.detail));
      case "lost":
        if (this.state === "connecting") return this.fail(new CallError("lost", end.detail));
        this.step("lost");
        return this.again(new CallError("lost", end.detail));
    }
  }

  /** A line that cannot be had is tried again where there was one a moment ago. */
  private broke(error: CallError): void {
    if (this.state === "reconnecting") this.again(error);
    else this.fail(error);
  }

  /** A call over `/talk` ends with its socket: another one is begun, after a pause, a few times. */
  private again(error: CallError): void {
    if (performance.now() - this.readyAt > STEADY_MS) this.tries = 0;
    const pause = RECONNECT_PAUSES_MS[this.tries];
    this.tries += 1;
    const { sound, abort } = this;
    if (pause === undefined || sound === undefined) return this.fail(error);
    this.pause = window.setTimeout(() => {
      if (abort.signal.aborted) return;
      this.connect(sound, abort.signal).catch((thrown: unknown) => {
        if (!abort.signal.aborted) this.again(asCallError(thrown));
      });
    }, pause);
  }

  /** The microphone is gone: take what there is instead, or go on without. */
  private async replaceMicrophone(): Promise<void> {
    try {
      await this.useMicrophone("");
    } catch (thrown) {
      const error = asCallError(thrown);
      this.tell("vox-error", { code: error.code, detail: error.detail });
      this.mute(true);
    }
  }

  private finish(by: string): void {
    // A line that is told to hang up may have said already that it has.
    if (!isBusy(this.state)) return;
    const duration = this.startedAt === 0 ? 0 : performance.now() - this.startedAt;
    this.release();
    const hadCall = this.sessionId !== "";
    this.step("over");
    if (hadCall) {
      const duration_ms = Math.round(duration);
      this.tell("vox-call-end", { session_id: this.sessionId, disconnected_by: by, duration_ms });
    }
  }

  private fail(error: CallError): void {
    this.release();
    this.error = error;
    const hadCall = this.startedAt !== 0;
    const duration_ms = Math.round(performance.now() - this.startedAt);
    this.step("fault");
    this.tell("vox-error", { code: error.code, detail: error.detail });
    if (hadCall) {
      this.tell("vox-call-end", { session_id: this.sessionId, disconnected_by: "error", duration_ms });
    }
  }

  private release(): void {
    this.abort.abort();
    window.clearTimeout(this.pause);
    this.line?.drop();
    this.line = undefined;
    this.sound?.close();
    this.sound = undefined;
    this.botSpeaks = false;
    this.captions.partial.clear();
    this.view.captionsChanged({ kind: "partial" });
  }

  private step(step: Step): boolean {
    const to = next(this.state, step);
    if (to === undefined) return false;
    const previous = this.state;
    this.state = to;
    this.tell("vox-state", { state: to, previous });
    this.view.stateChanged();
    return true;
  }
}
