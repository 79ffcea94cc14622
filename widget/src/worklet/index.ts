/** The audio thread: the microphone into frames of the line, and the line's frames into sound. A file of its own, so that no
 * page has to allow scripts from blobs. */
import { FRAME_SAMPLES, fromPcm, LINE_RATE, toPcm } from "./frames.js";
import { Playout } from "./playout.js";
import { Resampler } from "./resample.js";

// What an AudioWorkletGlobalScope has; the compiler's library describes pages only.
declare const sampleRate: number;
declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

/** Samples of the line that are taken at once: 2 ms, what the output is at most ahead. */
const PIECE = 32;

class Capture extends AudioWorkletProcessor {
  private readonly resampler = new Resampler(sampleRate, LINE_RATE);
  private readonly frame = new Float32Array(FRAME_SAMPLES);
  private filled = 0;

  process(inputs: Float32Array[][]): boolean {
    // Without a source there are no channels: a changed microphone is on its way.
    const input = inputs[0]?.[0];
    if (input !== undefined) for (const sample of this.resampler.push(input)) this.add(sample);
    return true;
  }

  private add(sample: number): void {
    this.frame[this.filled] = sample;
    this.filled += 1;
    if (this.filled < FRAME_SAMPLES) return;
    this.filled = 0;
    const pcm = toPcm(this.frame, FRAME_SAMPLES);
    this.port.postMessage(pcm, [pcm]);
  }
}

class Playback extends AudioWorkletProcessor {
  private readonly playout = new Playout();
  private readonly resampler = new Resampler(LINE_RATE, sampleRate);
  /** Output samples that are ready. */
  private ready = new Float32Array(0);

  constructor() {
    super();
    this.port.onmessage = (event: MessageEvent<ArrayBuffer | null>) => {
      if (event.data !== null) return this.playout.push(fromPcm(event.data));
      this.playout.clear();
      this.ready = new Float32Array(0);
    };
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const channels = outputs[0] ?? [];
    const wanted = channels[0]?.length ?? 0;
    while (this.ready.length < wanted) {
      const more = this.resampler.push(this.playout.take(PIECE));
      const all = new Float32Array(this.ready.length + more.length);
      all.set(this.ready);
      all.set(more, this.ready.length);
      this.ready = all;
    }
    for (const channel of channels) channel.set(this.ready.subarray(0, wanted));
    this.ready = this.ready.slice(wanted);
    return true;
  }
}

registerProcessor("vox-capture", Capture);
registerProcessor("vox-playback", Playback);
