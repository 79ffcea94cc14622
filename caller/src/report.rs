//! Everything that is known of a call when it is over.

use std::path::PathBuf;

use serde::Serialize;

use crate::{
    ear::{Heard, OwnTiming, Tracks},
    event::{End, Metrics, Transcript},
    violation::Violation,
};

/// Lines of a conversation that are kept; an hour of quick talk has fewer.
const LINES_MAX: usize = 5_000;

/// The whole call.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub protocol: String,
    pub rate_hz: u32,
    /// From the answer to the end.
    pub duration_ms: f64,
    pub end: End,
    pub heard: Heard,
    /// What the server did wrong.
    pub violations: Vec<Violation>,
    /// Whether this machine kept its own time.
    pub own_timing: OwnTiming,
    /// `/talk`: the call's record at the bridge.
    pub session_id: Option<String>,
    /// `/talk`: the final lines, in the order in which they came.
    pub transcript: Vec<Transcript>,
    /// `/talk`: one per turn.
    pub metrics: Vec<Metrics>,
    /// Events that the holder did not fetch in time.
    pub events_dropped: u64,
    pub recording: Option<PathBuf>,
    /// Why there is no whole recording although one was asked for.
    pub recording_fault: Option<String>,
    /// What the figures were made from.
    #[serde(skip)]
    pub tracks: Tracks,
}

/// What is gathered while the call lasts.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) session_id: Option<String>,
    pub(crate) transcript: Vec<Transcript>,
    pub(crate) metrics: Vec<Metrics>,
    pub(crate) last_error: Option<String>,
    pub(crate) events_dropped: u64,
}

impl Log {
    pub(crate) fn transcript(&mut self, line: &Transcript) {
        if line.is_final && self.transcript.len() < LINES_MAX {
            self.transcript.push(line.clone());
        }
    }

    pub(crate) fn metrics(&mut self, metrics: &Metrics) {
        if self.metrics.len() < LINES_MAX {
            self.metrics.push(metrics.clone());
        }
    }
}
