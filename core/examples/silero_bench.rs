//! Time of one 32 ms window of voice activity detection, per rate and kernel:
//!
//!     cargo run --release -p vox-core --example silero_bench [-- models/silero_vad_v6.bin]
//!
//! One row a line: rate, kernel, then nanoseconds a window. "warm" is window after window, as when one core serves many
//! calls; "cold" is after other work has pushed the weights out of the core's own caches, as on an idle host.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use vox_core::media::silero::{Activity, Error, Kernel, Rate, Silero, Weights};

const WARM_WINDOWS: usize = 4_000;
const COLD_WINDOWS: usize = 400;
/// More than the second-level cache of a core.
const EVICTED_BYTES: usize = 16 << 20;

fn main() -> ExitCode {
    let default = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/silero_vad_v6.bin"));
    let path = std::env::args_os().nth(1).map_or(default, PathBuf::from);
    match run(path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(path: PathBuf) -> Result<(), Error> {
    let start = Instant::now();
    let weights = Arc::new(Weights::open(path)?);
    println!("weights mapped and checked in {} us", start.elapsed().as_micros());
    println!(
        "{:>5} {:>9} {:>10} {:>10} {:>10} {:>10}",
        "rate", "kernel", "warm p50", "warm p99", "cold p50", "cold p99"
    );
    for rate in Rate::ALL {
        for kernel in Kernel::available() {
            let mut silero = Silero::with_kernel(weights.clone(), rate, kernel);
            let warm = time(&mut silero, WARM_WINDOWS, || ());
            let mut other = vec![0_u8; EVICTED_BYTES];
            let cold = time(&mut silero, COLD_WINDOWS, || evict(&mut other));
            let [a, b, c, d] = [warm.0, warm.1, cold.0, cold.1];
            println!("{:>5} {:>9} {a:>10} {b:>10} {c:>10} {d:>10}", rate.hertz(), kernel.to_string());
        }
    }
    Ok(())
}

/// Median and 99th percentile of some windows, in nanoseconds; `between` runs before each and is not counted.
fn time(silero: &mut Silero, windows: usize, mut between: impl FnMut()) -> (u128, u128) {
    let pcm = murmur(silero.rate());
    let mut windows_of_pcm = pcm.chunks_exact(silero.window_samples()).cycle();
    let mut nanoseconds = Vec::with_capacity(windows);
    for _ in 0..windows {
        let window = windows_of_pcm.next().unwrap_or_default();
        between();
        let start = Instant::now();
        silero.push(black_box(window), &mut |probability| {
            black_box(probability);
            Activity::Speech
        });
        nanoseconds.push(start.elapsed().as_nanos());
    }
    nanoseconds.sort_unstable();
    (nanoseconds[windows / 2], nanoseconds[windows * 99 / 100])
}

fn evict(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().step_by(64) {
        *byte = byte.wrapping_add(1);
    }
    black_box(bytes);
}

/// Two seconds of a voiced, noisy sound that swells and falls: every layer has something to do.
fn murmur(rate: Rate) -> Vec<i16> {
    let mut noise: u32 = 1;
    let sample = |i: u32| {
        let t = i as f32 / rate.hertz() as f32 * std::f32::consts::TAU;
        let voice: f32 = (1..20).map(|k| (t * 120.0 * k as f32).sin() / k as f32).sum();
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let hiss = (noise >> 16) as f32 / 65_536.0 - 0.5;
        (3_000.0 * (1.0 - (4.0 * t).cos()) * voice + 400.0 * hiss) as i16
    };
    (0..2 * rate.hertz()).map(sample).collect()
}
