/** The form of audio on the `/talk` line. */

/** Hz. */
export const LINE_RATE = 16_000;
/** Samples of 20 ms. */
export const FRAME_SAMPLES = 320;
export const FRAME_BYTES = 2 * FRAME_SAMPLES;

/** Floats of -1 to 1 as 16-bit samples, little endian. */
export function toPcm(samples: ArrayLike<number>, count: number): ArrayBuffer {
  const buffer = new ArrayBuffer(2 * count);
  const view = new DataView(buffer);
  for (let at = 0; at < count; at += 1) {
    const sample = Math.max(-1, Math.min(1, samples[at] ?? 0));
    view.setInt16(2 * at, Math.round(sample * 32_767), true);
  }
  return buffer;
}

/** 16-bit samples as floats. Half a sample at the end is left out. */
export function fromPcm(buffer: ArrayBuffer): Float32Array {
  const view = new DataView(buffer);
  const samples = new Float32Array(buffer.byteLength >> 1);
  for (let at = 0; at < samples.length; at += 1) samples[at] = view.getInt16(2 * at, true) / 32_768;
  return samples;
}
