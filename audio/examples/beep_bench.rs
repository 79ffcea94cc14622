//! Time of the detector of beeps for a second of a call, by rate and kind of sound:
//!
//!     cargo run --release -p vox-audio --example beep_bench
//!
//! One row a line: rate, sound, microseconds for each second of sound (median of 60 s).

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::f64::consts::TAU;
use std::hint::black_box;
use std::time::Instant;

use vox_audio::beep::Beeps;

const SECONDS: usize = 60;
const FRAMES_A_SECOND: usize = 50;

fn main() {
    println!("{:>6} {:>8} {:>12}", "rate", "sound", "us / second");
    for rate in [8_000_u32, 16_000, 24_000] {
        for (name, sound) in [("silence", silence as fn(u32, usize) -> f64), ("noise", noise), ("tone", tone)]
        {
            println!("{rate:>6} {name:>8} {:>12.1}", micros(rate, sound));
        }
    }
}

fn micros(rate: u32, sound: fn(u32, usize) -> f64) -> f64 {
    let mut beeps = Beeps::new(rate);
    let a_second = rate as usize;
    let mut took: Vec<f64> = (0..SECONDS)
        .map(|second| {
            let at = second * a_second;
            let pcm: Vec<i16> = (at..at + a_second).map(|at| (sound(rate, at) * 9_000.0) as i16).collect();
            let start = Instant::now();
            for frame in pcm.chunks(a_second / FRAMES_A_SECOND) {
                black_box(beeps.push(black_box(frame)));
            }
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}

fn silence(_: u32, _: usize) -> f64 {
    0.0
}

/// The same for every run: a hash of the place.
fn noise(_: u32, at: usize) -> f64 {
    let mixed =
        (at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed >> 40) as f64 / f64::from(1 << 23) - 1.0
}

fn tone(rate: u32, at: usize) -> f64 {
    (at as f64 * 1_000.0 * TAU / f64::from(rate)).sin()
}
