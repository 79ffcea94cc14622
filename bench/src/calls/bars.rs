//! The figures that the project holds itself to, and whether they were reached.

use std::fmt;

use serde::Serialize;
use vox_caller::Spread;

use super::{Level, Report};

const PLATFORM_MS: f64 = 10.0;
/// The level that the platform's time is judged at.
const PLATFORM_CALLS: u32 = 20;
const CPU_PERCENT: f64 = 1.0;
const IDLE_MIB: f64 = 12.0;
const ADDED_MIB: f64 = 4.0;
const READY_MS: f64 = 50.0;
const GREETING_MS: f64 = 150.0;
const BARGE_IN_MS: f64 = 120.0;
const DETECTOR_US: f64 = 40.0;
const LATENESS_MS: f64 = 20.0;
/// One frame in a thousand may be later than this at [`TAIL_CALLS`].
const TAIL_MS: f64 = 5.0;
const TAIL_CALLS: u32 = 100;
/// Calls on two cores without late frames.
const CALLS: u32 = 200;

/// One bar.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bar {
    pub name: String,
    pub target: String,
    pub measured: String,
    pub verdict: Verdict,
}

/// Whether a bar was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Met,
    Missed,
    NotMeasured,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Met => "met",
            Self::Missed => "**missed**",
            Self::NotMeasured => "not measured",
        })
    }
}

impl Level {
    /// Mean over the workers.
    pub(crate) fn cpu_mean_percent(&self) -> f64 {
        self.machine.workers / f64::from(self.calls.max(1))
    }

    /// Frames were in time and none was missing.
    fn is_fluent(&self) -> bool {
        let talk = &self.talk;
        talk.frame_lateness_ms.count > 0
            && talk.frame_lateness_ms.p99 <= LATENESS_MS
            && talk.underruns == 0
            && talk.failed == 0
    }
}

impl Report {
    /// Every bar that this benchmark can judge.
    pub fn bars(&self) -> Vec<Bar> {
        let once = &self.once;
        let mut bars = self.level_bars();
        bars.extend([
            at_most("worker ready, cold", READY_MS, "ms", p50(&once.cold_start_ms)),
            at_most("CPU time of a worker's start", READY_MS, "ms", p50(&once.cold_start_cpu_ms)),
            at_most(
                "answer to first audio, cached greeting",
                GREETING_MS,
                "ms",
                p50(&once.cached_greeting_ms),
            ),
            at_most(
                "Silero per 32 ms window at 8 kHz, warm",
                DETECTOR_US,
                "us",
                once.detector.as_ref().map(|detector| detector.warm_p50_us),
            ),
            self.tail(),
            self.fluency(),
        ]);
        bars
    }

    fn level_bars(&self) -> Vec<Bar> {
        let Some(level) = self.level_of_record() else { return Vec::new() };
        let (talk, at) = (&level.talk, format!("at {} calls", level.calls));
        let bar = |name: &str, limit, unit, value| at_most(&format!("{name}, {at}"), limit, unit, value);
        let of = |spread: &Spread, value: f64| (spread.count > 0).then_some(value);
        vec![
            bar(
                "platform time per turn, worker's account, P99",
                PLATFORM_MS,
                "ms",
                of(&talk.platform_ms, talk.platform_ms.p99),
            ),
            bar(
                "platform time per turn, by the known delays, P99",
                PLATFORM_MS,
                "ms",
                of(&talk.platform_by_delays_ms, talk.platform_by_delays_ms.p99),
            ),
            bar(
                "CPU per call, mean",
                CPU_PERCENT,
                "% of a core",
                of(&level.cpu_percent, level.cpu_mean_percent()),
            ),
            bar("private memory of an idle worker", IDLE_MIB, "MiB", p50(&level.idle_private_mib)),
            bar("private memory added by a call", ADDED_MIB, "MiB", p50(&level.added_private_mib)),
            bar(
                "barge-in to silence, from the worker's decision, P50",
                BARGE_IN_MS,
                "ms",
                p50(&talk.barge_in_from_decision_ms),
            ),
            bar(
                "barge-in to silence, from the caller's onset, P50",
                BARGE_IN_MS,
                "ms",
                p50(&talk.barge_in_from_onset_ms),
            ),
        ]
    }

    /// The level that the bars name, or the nearest below it that was run.
    fn level_of_record(&self) -> Option<&Level> {
        let below = self.levels.iter().filter(|level| level.calls <= PLATFORM_CALLS);
        below.max_by_key(|level| level.calls).or(self.levels.first())
    }

    /// The latest frames, at a load that two cores carry with room to spare.
    fn tail(&self) -> Bar {
        let level = self.levels.iter().find(|level| level.calls == TAIL_CALLS);
        let lateness = level.map(|level| &level.talk.frame_lateness_ms).filter(|lateness| lateness.count > 0);
        let name = format!("frame lateness at the caller, P99.9, at {TAIL_CALLS} calls");
        at_most(&name, TAIL_MS, "ms", lateness.map(|lateness| lateness.p999))
    }

    fn fluency(&self) -> Bar {
        let fluent = self.levels.iter().filter(|level| level.is_fluent()).map(|level| level.calls).max();
        let most = self.levels.iter().map(|level| level.calls).max();
        let verdict = match (fluent, most) {
            (Some(calls), _) if calls >= CALLS => Verdict::Met,
            // Nothing failed, but nobody tried.
            (Some(calls), Some(most)) if calls == most => Verdict::NotMeasured,
            (_, Some(_)) => Verdict::Missed,
            _ => Verdict::NotMeasured,
        };
        let measured = match (fluent, most) {
            (Some(calls), Some(most)) => format!("{calls} (most that were tried: {most})"),
            (None, Some(most)) => format!("none of the levels up to {most}"),
            _ => "-".to_owned(),
        };
        Bar {
            name: format!(
                "calls at once with frame lateness P99 <= {LATENESS_MS} ms, no underrun, none failed"
            ),
            target: format!(">= {CALLS} on 2 cores"),
            measured,
            verdict,
        }
    }
}

fn p50(spread: &Spread) -> Option<f64> {
    (spread.count > 0).then_some(spread.p50)
}

fn at_most(name: &str, limit: f64, unit: &str, value: Option<f64>) -> Bar {
    let verdict = match value {
        None => Verdict::NotMeasured,
        Some(value) if value <= limit => Verdict::Met,
        Some(_) => Verdict::Missed,
    };
    Bar {
        name: name.to_owned(),
        target: format!("<= {limit} {unit}"),
        measured: value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2} {unit}")),
        verdict,
    }
}
