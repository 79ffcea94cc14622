/**
 * From one sample rate to another, for a stream. A windowed sinc is read at the place of each output sample; where the output
 * is slower the filter is as much wider, so nothing above its half rate folds back.
 */

/** Zero crossings of the sinc on either side. */
const LOBES = 12;
/** Places of the filter between two samples that are computed; between them it is read in a straight line. */
const STEPS = 64;

export class Resampler {
  /** Input samples for one output sample. */
  private readonly ratio: number;
  private readonly half: number;
  private readonly filter: Float32Array;
  private kept: Float32Array;
  /** Where the next output sample lies, in samples of `kept`. */
  private place: number;

  constructor(
    readonly from: number,
    readonly to: number,
  ) {
    this.ratio = from / to;
    const stretch = Math.max(1, this.ratio);
    this.half = Math.ceil(LOBES * stretch);
    this.filter = new Float32Array(this.half * STEPS + 2);
    for (let at = 0; at < this.filter.length; at += 1) this.filter[at] = tap(at / STEPS, stretch, this.half);
    this.kept = new Float32Array(this.half);
    this.place = this.half;
  }

  /** Take input; answers the output that it makes complete. */
  push(input: Float32Array): Float32Array {
    if (this.ratio === 1) return input.slice();
    const all = new Float32Array(this.kept.length + input.length);
    all.set(this.kept);
    all.set(input, this.kept.length);
    const room = all.length - this.half - this.place;
    const output = new Float32Array(room > 0 ? Math.ceil(room / this.ratio) : 0);
    for (let at = 0; at < output.length; at += 1) {
      output[at] = this.read(all, this.place);
      this.place += this.ratio;
    }
    const drop = Math.max(0, Math.min(all.length, Math.floor(this.place) - this.half));
    this.kept = all.slice(drop);
    this.place -= drop;
    return output;
  }

  private read(all: Float32Array, place: number): number {
    const first = Math.ceil(place - this.half);
    const last = Math.floor(place + this.half);
    let sum = 0;
    for (let at = Math.max(0, first); at <= last && at < all.length; at += 1) {
      const where = Math.abs(at - place) * STEPS;
      const left = Math.floor(where);
      const low = this.filter[left] ?? 0;
      const weight = low + (where - left) * ((this.filter[left + 1] ?? 0) - low);
      sum += weight * (all[at] ?? 0);
    }
    return sum;
  }
}

function tap(distance: number, stretch: number, half: number): number {
  if (distance >= half) return 0;
  const x = (Math.PI * distance) / stretch;
  const sinc = x === 0 ? 1 : Math.sin(x) / x;
  // Blackman's window.
  const w = Math.PI * (distance / half);
  return ((0.42 + 0.5 * Math.cos(w) + 0.08 * Math.cos(2 * w)) * sinc) / stretch;
}
