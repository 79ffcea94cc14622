//! What is measured once, on the idle machine: a worker's start, the first words of a call, the detector.

use std::{path::Path, time::Duration};

use serde::Serialize;
use tokio::{process::Command, time::timeout};
use vox_caller::{Protocol, Spread};

use super::{BenchError, Ground, callers};

/// Starts that are timed.
const COLD_STARTS: usize = 9;
/// Calls whose greeting is in the cache.
const CACHED_CALLS: usize = 5;
const DELIVERY_DEADLINE: Duration = Duration::from_secs(10);
const DETECTOR_DEADLINE: Duration = Duration::from_secs(60);
/// The line's rate of the telephone protocols.
const LINE_HZ: &str = "8000";

/// Figures of the idle machine.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Once {
    /// From the start of the process to the answer of `/health`; the files are in the page cache.
    pub cold_start_ms: Spread,
    pub cold_start_cpu_ms: Spread,
    /// Of the first call, whose greeting the voice has to speak.
    pub first_greeting_ms: Option<f64>,
    /// Of later calls, whose greeting is in the cache.
    pub cached_greeting_ms: Spread,
    /// `None` when the detector's own benchmark is not built beside the worker.
    pub detector: Option<Detector>,
    /// Size of the worker's program, MiB.
    pub program_mib: f64,
}

/// Time of one 32 ms window at 8 kHz on the fastest kernel here, microseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Detector {
    pub kernel: String,
    pub warm_p50_us: f64,
    pub warm_p99_us: f64,
    /// After other work has pushed the weights out of the core's caches.
    pub cold_p50_us: f64,
}

/// Measure it. The greeting stays in the ground's cache for the levels.
pub(super) async fn run(ground: &Ground, protocol: Protocol) -> Result<Once, BenchError> {
    let data = ground.data_dir("once")?;
    let mut starts = Vec::with_capacity(COLD_STARTS);
    for _ in 0..COLD_STARTS {
        starts.push(ground.nursery.cold_start(&data).await?);
    }
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    let greetings = greetings(ground, protocol, &data).await?;
    ground.keep_clips(&data)?;
    Ok(Once {
        cold_start_ms: Spread::of(starts.iter().map(|start| ms(start.ready)).collect()),
        cold_start_cpu_ms: Spread::of(starts.iter().filter_map(|start| start.cpu).map(ms).collect()),
        first_greeting_ms: greetings.first().copied(),
        cached_greeting_ms: Spread::of(greetings.get(1..).unwrap_or_default().to_vec()),
        detector: detector(ground).await,
        program_mib: std::fs::metadata(&ground.nursery.core)?.len() as f64 / (1024.0 * 1024.0),
    })
}

/// Answer to first audio of calls to one worker, one after another.
async fn greetings(ground: &Ground, protocol: Protocol, data: &Path) -> Result<Vec<f64>, BenchError> {
    let workers = ground.nursery.start(1, data, &ground.plane).await?;
    let mut heard = Vec::with_capacity(1 + CACHED_CALLS);
    for calls in 1..=1 + CACHED_CALLS {
        let clip = &ground.clips[calls % ground.clips.len()];
        let report = callers::polite_call(protocol, &workers[0], clip).await?;
        heard.extend(report.heard.answer_to_first_audio_ms);
        // The worker takes the next call when the record of this one is on disk; it is delivered after that.
        let delivered = ground.plane.wait_for(DELIVERY_DEADLINE, |told| told.results.len() >= calls).await;
        if !delivered {
            return Err(BenchError::NoRecord);
        }
    }
    Ok(heard)
}

/// Run the detector's own benchmark, if it was built.
async fn detector(ground: &Ground) -> Option<Detector> {
    let program = ground.nursery.core.parent()?.join("examples/silero_bench");
    let weights = ground.nursery.models.join("silero_vad_v6.bin");
    let run = Command::new(program).arg(weights).kill_on_drop(true).output();
    let output = timeout(DETECTOR_DEADLINE, run).await.ok()?.ok()?;
    parse(&String::from_utf8(output.stdout).ok()?)
}

/// Rows of rate, kernel, warm P50, warm P99, cold P50, cold P99 in nanoseconds; the fastest at the line's rate.
fn parse(table: &str) -> Option<Detector> {
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let us = |column: usize| Some(words.get(column)?.parse::<f64>().ok()? / 1_000.0);
        (*words.first()? == LINE_HZ).then_some(())?;
        Some(Detector {
            kernel: (*words.get(1)?).to_owned(),
            warm_p50_us: us(2)?,
            warm_p99_us: us(3)?,
            cold_p50_us: us(4)?,
        })
    };
    table.lines().filter_map(row).min_by(|a, b| a.warm_p50_us.total_cmp(&b.warm_p50_us))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_kernel_at_the_lines_rate_counts() {
        let table = "weights mapped and checked in 212 us\n rate    kernel   warm p50   warm p99   cold p50   cold p99\n \
                     8000  portable      90000      99000     120000     130000\n 8000      avx2      21000      25000      \
                     40000      50000\n16000      avx2      11000      12000      13000      14000\n";
        let found = parse(table).unwrap();
        assert_eq!((found.kernel.as_str(), found.warm_p50_us, found.cold_p50_us), ("avx2", 21.0, 40.0));
        assert_eq!(parse("no figures"), None);
    }
}
