import assert from "node:assert/strict";
import { test } from "node:test";
import { loudness } from "../../src/audio/sound.js";
import { FRAME_SAMPLES, fromPcm, toPcm } from "../../src/worklet/frames.js";
import { BEGIN_WITH, Playout } from "../../src/worklet/playout.js";
import { Resampler } from "../../src/worklet/resample.js";

function tone(hertz: number, rate: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, at) => 0.5 * Math.sin((2 * Math.PI * hertz * at) / rate));
}

function rms(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
}

/** As an audio thread does it: 128 samples at a time. */
function resample(input: Float32Array, from: number, to: number): Float32Array {
  const resampler = new Resampler(from, to);
  const out: number[] = [];
  for (let at = 0; at < input.length; at += 128) out.push(...resampler.push(input.subarray(at, at + 128)));
  return Float32Array.from(out);
}

for (const [from, to] of [
  [48_000, 16_000],
  [44_100, 16_000],
  [16_000, 48_000],
  [16_000, 44_100],
  [16_000, 16_000],
] as const) {
  test(`speech goes from ${from} to ${to} Hz as it is`, () => {
    const out = resample(tone(1_000, from, from), from, to);
    assert.ok(Math.abs(out.length - to) < to / 100, `${out.length} samples`);
    const steady = out.subarray(1_000, out.length - 1_000);
    const [measured, whole] = [rms(steady), 0.5 / Math.SQRT2];
    assert.ok(Math.abs(measured - whole) < 0.01, `${measured}`);
    // The same tone, not only as loud: what is left when it is taken away.
    const turns = [Math.sin, Math.cos].map((wave) => {
      const sum = steady.reduce((total, sample, at) => total + sample * wave((2 * Math.PI * 1_000 * at) / to), 0);
      return (2 * sum) / steady.length;
    });
    assert.ok(Math.abs(Math.hypot(...turns) - 0.5) < 0.01, `${turns.join(" ")}`);
  });
}

test("nothing above the line's half rate folds back into it", () => {
  const out = resample(tone(11_000, 48_000, 48_000), 48_000, 16_000);
  assert.ok(rms(out.subarray(500)) < 0.005, `${rms(out.subarray(500))}`);
});

test("samples come back as they went", () => {
  const samples = Float32Array.from([0, 0.5, -0.5, 1, -1, 2, -2]);
  const back = fromPcm(toPcm(samples, samples.length));
  const expected = [0, 0.5, -0.5, 1, -1, 1, -1];
  for (const [at, value] of expected.entries()) {
    assert.ok(Math.abs((back[at] ?? 9) - value) < 1e-4, `${at}: ${back[at]}`);
  }
  assert.equal(fromPcm(new ArrayBuffer(3)).length, 1, "half a sample is left out");
});

const frame = (value: number): Float32Array => new Float32Array(FRAME_SAMPLES).fill(value);

test("sound begins when some is gathered, and goes on without gaps", () => {
  const playout = new Playout();
  playout.push(frame(0.5));
  assert.ok(
    playout.take(160).every((sample) => sample === 0),
    "one frame alone waits",
  );
  playout.push(frame(0.5));
  assert.equal(playout.length, BEGIN_WITH);
  assert.ok(playout.take(BEGIN_WITH).every((sample) => sample === 0.5));
  assert.ok(playout.take(128).every((sample) => sample === 0));
});

test("a last frame alone is played all the same, and what was interrupted is not", () => {
  const playout = new Playout();
  playout.push(frame(0.5));
  const heard = Array.from({ length: 12 }, () => playout.take(160)).some((part) => part.includes(0.5));
  assert.ok(heard);
  for (let at = 0; at < 10; at += 1) playout.push(frame(0.5));
  playout.clear();
  assert.ok(playout.take(3_200).every((sample) => sample === 0));
});

test("after a stall pauses are cut short, words are not, and nothing grows without end", () => {
  const playout = new Playout();
  for (let at = 0; at < 10; at += 1) playout.push(frame(0.5));
  const before = playout.length;
  playout.push(frame(0));
  assert.equal(playout.length, before);
  playout.push(frame(0.5));
  assert.equal(playout.length, before + FRAME_SAMPLES);
  for (let at = 0; at < 1_000; at += 1) playout.push(frame(0.5));
  assert.ok(playout.length <= 32_000);
});

test("loudness is 0 in silence and 1 at full scale", () => {
  assert.equal(loudness(new Float32Array(128)), 0);
  assert.equal(loudness(new Float32Array(128).fill(1)), 1);
  const middle = loudness(new Float32Array(128).fill(0.0316));
  assert.ok(middle > 0.45 && middle < 0.55, `${middle}`);
});
