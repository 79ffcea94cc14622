//! Magnitudes of the four frames of a window.
//!
//! The published graph multiplies by a matrix of windowed cosines and sines; the export script checks that it is one.
//! A Fourier transform gives the same numbers (to 1e-6) for a hundredth of the multiplications. The four frames fill the
//! four lanes of a vector, so one pass transforms them all.

use std::f64::consts::TAU;
use std::ops::{Add, Mul, Sub};

/// Frames of the Fourier transform in a window.
pub(super) const FRAMES: usize = 4;
/// Context, window and padding at 16 kHz.
pub(super) const MAX_SAMPLES: usize = 640;
/// Bins of the Fourier transform at 16 kHz.
pub(super) const MAX_BINS: usize = 129;

/// One value of each frame.
#[derive(Clone, Copy)]
#[repr(align(16))]
struct Quad([f32; FRAMES]);

impl Add for Quad {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a + e, b + f, c + g, d + h])
    }
}

impl Sub for Quad {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a - e, b - f, c - g, d - h])
    }
}

impl Mul for Quad {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a * e, b * f, c * g, d * h])
    }
}

impl Mul<f32> for Quad {
    type Output = Self;

    #[inline(always)]
    fn mul(self, factor: f32) -> Self {
        self * Self([factor; FRAMES])
    }
}

/// One complex value of each frame.
#[derive(Clone, Copy)]
pub(super) struct Complex {
    re: Quad,
    im: Quad,
}

impl Complex {
    pub(super) const ZERO: Self = Self { re: Quad([0.0; FRAMES]), im: Quad([0.0; FRAMES]) };

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        Self { re: self.re - other.re, im: self.im - other.im }
    }

    #[inline(always)]
    fn turned(self, root: Root) -> Self {
        Self { re: self.re * root.re - self.im * root.im, im: self.re * root.im + self.im * root.re }
    }

    #[inline(always)]
    fn magnitude(self) -> Quad {
        Quad((self.re * self.re + self.im * self.im).0.map(f32::sqrt))
    }
}

/// A root of unity.
#[derive(Clone, Copy)]
struct Root {
    re: f32,
    im: f32,
}

/// Tables for real transforms of one length, computed as complex transforms of half that length.
pub(super) struct Plan {
    /// e^(-2 pi i k / length), k up to half the length.
    roots: Vec<Root>,
    /// Where each complex input goes before the in-place passes.
    places: Vec<u8>,
}

impl Plan {
    /// For real transforms of `length` samples, a power of two up to 256.
    pub(super) fn new(length: usize) -> Self {
        let half = length / 2;
        let bits = half.trailing_zeros();
        let root = |k: usize| {
            let (sin, cos) = (TAU * k as f64 / length as f64).sin_cos();
            Root { re: cos as f32, im: -sin as f32 }
        };
        let place = |n: u8| n.reverse_bits() >> (u8::BITS - bits);
        let places = (0..half).map(|n| place(u8::try_from(n).expect("at most 128 complex values"))).collect();
        Self { roots: (0..half).map(root).collect(), places }
    }

    fn half(&self) -> usize {
        self.places.len()
    }

    pub(super) fn bins(&self) -> usize {
        self.half() + 1
    }

    /// Samples by which the end of a window is padded.
    pub(super) fn padding(&self) -> usize {
        self.half() / 2
    }
}

/// Fill the first `plan.bins()` values of each frame of `output`. Frames start half a transform apart.
#[inline(always)]
pub(super) fn magnitudes(
    plan: &Plan,
    window: &[f32],
    samples: &[f32; MAX_SAMPLES],
    values: &mut [Complex; MAX_BINS - 1],
    output: &mut [[f32; MAX_BINS]; FRAMES],
) {
    let half = plan.half();
    let values = &mut values[..half];
    gather(plan, window, samples, values);
    transform(plan, values);
    let Complex { re, im } = values[0];
    put(output, 0, Quad((re + im).0.map(f32::abs)));
    put(output, half, Quad((re - im).0.map(f32::abs)));
    for k in 1..=half / 2 {
        let (low, high) = split_bins(values[k], values[half - k], plan.roots[k]);
        put(output, k, low);
        put(output, half - k, high);
    }
}

/// Even samples become real parts and odd ones imaginary parts, windowed, in the order the passes want.
#[inline(always)]
fn gather(plan: &Plan, window: &[f32], samples: &[f32; MAX_SAMPLES], values: &mut [Complex]) {
    let half = plan.half();
    let mut frames: [&[[f32; 2]]; FRAMES] = [&[]; FRAMES];
    for (frame, pairs) in frames.iter_mut().enumerate() {
        *pairs = &samples[frame * half..][..2 * half].as_chunks().0[..half];
    }
    let window = &window.as_chunks::<2>().0[..half];
    for (n, &place) in plan.places.iter().enumerate() {
        let [even, odd] = window[n];
        let [a, b, c, d] = [frames[0][n], frames[1][n], frames[2][n], frames[3][n]];
        let re = Quad([a[0], b[0], c[0], d[0]]) * even;
        let im = Quad([a[1], b[1], c[1], d[1]]) * odd;
        values[usize::from(place)] = Complex { re, im };
    }
}

/// Complex transform in place, decimation in time: passes over spans of 2, 4, 8 and so on.
#[inline(always)]
fn transform(plan: &Plan, values: &mut [Complex]) {
    let half = values.len();
    let mut span = 1;
    while span < half {
        let step = half / span;
        for pair in values.chunks_exact_mut(2 * span) {
            let (low, high) = pair.split_at_mut(span);
            let roots = plan.roots.iter().step_by(step);
            for ((low, high), &root) in low.iter_mut().zip(high).zip(roots) {
                let turned = high.turned(root);
                (*low, *high) = (low.plus(turned), low.minus(turned));
            }
        }
        span *= 2;
    }
}

/// Magnitudes of bins k and half - k of the real transform, from the same bins of the complex one.
#[inline(always)]
fn split_bins(low: Complex, high: Complex, root: Root) -> (Quad, Quad) {
    let even = Complex { re: low.re + high.re, im: low.im - high.im };
    let odd = Complex { re: low.im + high.im, im: high.re - low.re }.turned(root);
    (even.plus(odd).magnitude() * 0.5, even.minus(odd).magnitude() * 0.5)
}

#[inline(always)]
fn put(output: &mut [[f32; MAX_BINS]; FRAMES], bin: usize, value: Quad) {
    for (frame, magnitude) in output.iter_mut().zip(value.0) {
        frame[bin] = magnitude;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the definition, in double precision, on samples without any symmetry.
    fn check(length: usize) {
        let plan = Plan::new(length);
        let window: Vec<f32> = (0..length).map(|n| 0.3 + (n % 7) as f32 / 11.0).collect();
        let mut samples = [0.0; MAX_SAMPLES];
        for (n, sample) in samples.iter_mut().enumerate() {
            *sample = ((n * n * 31 + n * 17) % 101) as f32 / 50.0 - 1.0;
        }
        let mut found = [[0.0; MAX_BINS]; FRAMES];
        magnitudes(&plan, &window, &samples, &mut [Complex::ZERO; MAX_BINS - 1], &mut found);
        for (frame, found) in found.iter().enumerate() {
            let part = &samples[frame * length / 2..][..length];
            for (bin, &found) in found[..plan.bins()].iter().enumerate() {
                let expected = defined(part, &window, bin);
                assert!(
                    (f64::from(found) - expected).abs() < 1e-4,
                    "{length}/{frame}/{bin}: {found} not {expected}"
                );
            }
        }
    }

    fn defined(part: &[f32], window: &[f32], bin: usize) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, (&sample, &weight)) in part.iter().zip(window).enumerate() {
            let (sin, cos) = (TAU * (bin * n) as f64 / part.len() as f64).sin_cos();
            re += f64::from(sample * weight) * cos;
            im -= f64::from(sample * weight) * sin;
        }
        re.hypot(im)
    }

    #[test]
    fn transforms_of_both_rates_follow_the_definition() {
        check(128);
        check(256);
    }

    #[test]
    fn a_plan_knows_its_bins_and_padding() {
        assert_eq!((Plan::new(256).bins(), Plan::new(256).padding()), (129, 64));
        assert_eq!((Plan::new(128).bins(), Plan::new(128).padding()), (65, 32));
    }
}
