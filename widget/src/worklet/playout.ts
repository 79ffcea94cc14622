/** What waits to be played, at the line's rate. Pure: the worklet asks it for samples. */

/** Gathered before a sound begins, in samples: 40 ms against the network's jitter. */
export const BEGIN_WITH = 640;
/** A frame that stood alone for so long is played all the same, in samples of silence: 60 ms. */
const WAIT_AT_MOST = 960;
/** More than this waits only after a stall of the network; then pauses are cut short until it is less: 120 ms. */
const TOO_MUCH = 1_920;
/** What never waits longer: two seconds. */
const MOST = 32_000;
/** A frame below this everywhere is a pause. */
const QUIET = 0.01;

export class Playout {
  private frames: Float32Array[] = [];
  private offset = 0;
  private waiting = 0;
  private isPlaying = false;
  private silent = 0;

  /** Samples that wait. */
  get length(): number {
    return this.waiting;
  }

  push(frame: Float32Array): void {
    if (frame.length === 0) return;
    if (this.waiting > TOO_MUCH && isQuiet(frame)) return;
    this.frames.push(frame);
    this.waiting += frame.length;
    while (this.waiting > MOST) this.dropFrame();
  }

  /** Forget what was not played. */
  clear(): void {
    this.frames = [];
    this.offset = 0;
    this.waiting = 0;
    this.isPlaying = false;
    this.silent = 0;
  }

  /** The next samples; silence where there are none. */
  take(count: number): Float32Array {
    const out = new Float32Array(count);
    if (!this.isPlaying) {
      this.silent = this.waiting > 0 ? this.silent + count : 0;
      if (this.waiting < BEGIN_WITH && this.silent < WAIT_AT_MOST) return out;
      this.isPlaying = this.waiting > 0;
    }
    let at = 0;
    while (at < count) {
      const frame = this.frames[0];
      if (frame === undefined) {
        this.isPlaying = false;
        this.silent = 0;
        break;
      }
      const part = frame.subarray(this.offset, this.offset + count - at);
      out.set(part, at);
      at += part.length;
      this.offset += part.length;
      this.waiting -= part.length;
      if (this.offset >= frame.length) {
        this.frames.shift();
        this.offset = 0;
      }
    }
    return out;
  }

  private dropFrame(): void {
    const frame = this.frames.shift();
    if (frame === undefined) return;
    this.waiting -= frame.length - this.offset;
    this.offset = 0;
  }
}

function isQuiet(frame: Float32Array): boolean {
  return frame.every((sample) => Math.abs(sample) < QUIET);
}
