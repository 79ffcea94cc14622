/** The sound of one call on the visitor's side: the microphone, what is played, and how loud both are. */
import { CallError } from "../errors.js";
import { openMicrophone } from "./microphone.js";

/** Beside this script. */
const WORKLET = new URL("./vox-worklet.js", import.meta.url).href;
/** For the audio thread to begin, in milliseconds: without a gesture of the visitor browsers keep it back. */
const RESUME_MS = 2_000;

/** AudioContext with what the compiler's library does not know yet. */
type WithSink = AudioContext & { setSinkId?: (id: string) => Promise<void> };

export class Sound {
  /** Each 20 ms of the microphone as LINEAR16 at 16 kHz. */
  onFrame: ((frame: ArrayBuffer) => void) | undefined;
  /** The microphone is gone: unplugged, or taken away. */
  onMicrophoneLost: (() => void) | undefined;

  private microphone: MediaStream | undefined;
  private source: MediaStreamAudioSourceNode | undefined;
  private capture: AudioWorkletNode | undefined;
  private playback: AudioWorkletNode | undefined;
  private readonly outMeter: AnalyserNode;
  private readonly inMeter: AnalyserNode;
  private readonly samples: Float32Array<ArrayBuffer>;

  private constructor(private readonly context: WithSink) {
    this.inMeter = meter(context);
    this.outMeter = meter(context);
    this.samples = new Float32Array(this.inMeter.fftSize);
  }

  /** Begin, within the visitor's gesture: the context must be made before anything is waited for. */
  static begin(): Sound {
    if (typeof AudioContext === "undefined" || typeof AudioWorkletNode === "undefined") {
      throw new CallError("unsupported", "no AudioWorklet here");
    }
    return new Sound(new AudioContext({ latencyHint: "interactive" }));
  }

  get hasMicrophone(): boolean {
    return this.microphone !== undefined;
  }

  /** The microphone's track, for a line that publishes it itself. */
  get track(): MediaStreamTrack | undefined {
    return this.microphone?.getAudioTracks()[0];
  }

  /** Ask for the microphone, or for another one than before. */
  async useMicrophone(deviceId: string): Promise<void> {
    const stream = await openMicrophone(deviceId);
    if (this.context.state === "closed") {
      stop(stream);
      return;
    }
    this.releaseMicrophone();
    this.microphone = stream;
    this.source = this.context.createMediaStreamSource(stream);
    this.source.connect(this.inMeter);
    if (this.capture !== undefined) this.source.connect(this.capture);
    const track = this.track;
    if (track !== undefined) track.onended = () => this.onMicrophoneLost?.();
  }

  /** Where the visitor hears the bot; an empty id is the system's own choice. */
  async useSpeaker(deviceId: string): Promise<void> {
    await this.context.setSinkId?.(deviceId);
  }

  /** Let the audio thread make frames of the microphone and sound of frames. */
  async frames(): Promise<void> {
    if (this.playback !== undefined) return;
    try {
      await this.context.audioWorklet.addModule(WORKLET);
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      throw new CallError("failed", `${WORKLET} cannot be loaded (${why}): allow its origin in script-src`);
    }
    const capture = new AudioWorkletNode(this.context, "vox-capture", { numberOfOutputs: 0 });
    const playback = new AudioWorkletNode(this.context, "vox-playback", { numberOfInputs: 0 });
    capture.port.onmessage = (event: MessageEvent<ArrayBuffer>) => this.onFrame?.(event.data);
    playback.connect(this.context.destination);
    playback.connect(this.outMeter);
    this.source?.connect(capture);
    this.capture = capture;
    this.playback = playback;
  }

  /** Wait until sound may be made. */
  async resume(): Promise<void> {
    if (this.context.state === "running") return;
    let timer = 0;
    const late = new Promise<never>((_, reject) => {
      const error = new CallError("failed", "the browser allows no sound: begin the call in a click or a key press");
      timer = window.setTimeout(() => reject(error), RESUME_MS);
    });
    await Promise.race([this.context.resume(), late]).finally(() => window.clearTimeout(timer));
  }

  /** A frame of the line. */
  play(frame: ArrayBuffer): void {
    this.playback?.port.postMessage(frame, [frame]);
  }

  /** Forget what was not played. */
  clear(): void {
    this.playback?.port.postMessage(null);
  }

  /** Watch sound that is played elsewhere. */
  watch(stream: MediaStream): void {
    this.context.createMediaStreamSource(stream).connect(this.outMeter);
  }

  /** How loud it is, 0 to 1. */
  level(of: "in" | "out"): number {
    const analyser = of === "in" ? this.inMeter : this.outMeter;
    analyser.getFloatTimeDomainData(this.samples);
    return loudness(this.samples);
  }

  /** Let go of everything. */
  close(): void {
    this.onFrame = undefined;
    this.onMicrophoneLost = undefined;
    this.releaseMicrophone();
    if (this.context.state !== "closed") void this.context.close();
  }

  private releaseMicrophone(): void {
    this.source?.disconnect();
    this.source = undefined;
    if (this.microphone !== undefined) stop(this.microphone);
    this.microphone = undefined;
  }
}

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) {
    track.onended = null;
    track.stop();
  }
}

function meter(context: AudioContext): AnalyserNode {
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  return analyser;
}

/** Below this nothing is seen, dBFS. */
const FLOOR_DB = -60;

/** Loudness of samples on a scale that looks even: -60 dBFS is 0, full scale is 1. */
export function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  const db = 20 * Math.log10(Math.max(rms, 1e-6));
  return Math.max(0, Math.min(1, 1 - db / FLOOR_DB));
}
