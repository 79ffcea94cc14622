//! What the caller hears, on one sample clock that starts with the answer.
//!
//! The caller's own words are on the left channel at the time they are spoken (a frame is sent when its last sample
//! has been spoken, as a carrier does); the bot's audio is on the right at the time it is heard. Everything a report
//! says about latency is measured between audible samples of these two channels.

use std::path::PathBuf;

use serde::Serialize;
use vox_audio::wav::{WavError, WavWriter};

use crate::stats::{LatenessHistogram, Spread};

mod gate;
mod measure;
mod playout;

pub use gate::{Change, Gate};
pub(crate) use gate::{mean_square, spans_of};
pub use measure::{Barge, Heard, Turn, measure};
pub use playout::Placed;

/// Samples from `start` up to, not including, `end`, on the line's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Span {
    pub start: u64,
    pub end: u64,
}

/// How the ear hears.
#[derive(Clone, Debug)]
pub struct Hearing {
    /// RMS above which 5 ms of sound are audible. Comfort noise of phone lines lies near -65 dBFS.
    pub threshold_dbfs: f64,
    /// Silence that ends a sound of the bot. Shorter pauses belong to the speech.
    pub hangover_ms: u32,
    /// Lateness that the phone's jitter buffer hides; beyond it the caller hears a hole.
    pub jitter_ms: u32,
    /// Silence in the caller's own audio that ends a turn, for recordings and microphones. What is said with
    /// `Call::say` is one turn whatever its pauses.
    pub caller_pause_ms: u32,
    /// Where to write the stereo recording, caller left and bot right.
    pub save: Option<PathBuf>,
}

impl Default for Hearing {
    fn default() -> Self {
        Self { threshold_dbfs: -50.0, hangover_ms: 200, jitter_ms: 40, caller_pause_ms: 600, save: None }
    }
}

impl Hearing {
    fn loud_mean_square(&self) -> i64 {
        let rms = 32_768.0 * 10f64.powf(self.threshold_dbfs / 20.0);
        (rms * rms) as i64
    }
}

/// Everything the ear noted in one call, before it is put into figures.
#[derive(Clone, Debug, Default)]
pub struct Tracks {
    pub rate_hz: u32,
    /// Length of the call.
    pub end: u64,
    /// Audible spans of the bot.
    pub bot: Vec<Span>,
    /// What the caller said, one span per turn, from the first to the last audible sample; in order.
    pub turns: Vec<Span>,
    /// Holes inside the bot's speech.
    pub gaps: Vec<Span>,
    /// Lateness of the bot's frames against their own schedule.
    pub lateness: LatenessHistogram,
    /// Samples of the bot that were still queued when the line closed: a goodbye that was not heard.
    pub unheard: u64,
}

/// The ear of one call.
#[derive(Debug)]
pub struct Ear {
    playout: playout::Playout,
    bot_gate: Gate,
    caller_gate: Gate,
    tracks: Tracks,
    /// Turns found by silence, for audio that was not said clip by clip.
    found: Vec<Span>,
    caller_position: u64,
    /// End of the last frame in which the caller was audible.
    caller_until: u64,
    loud_mean_square: i64,
    final_bot: Vec<i16>,
    recorder: Option<Recorder>,
}

impl Ear {
    /// An ear on a line of `rate_hz`; opens the recording's file when one is asked for.
    pub fn new(rate_hz: u32, hearing: &Hearing) -> Result<Self, WavError> {
        let recorder = match &hearing.save {
            Some(path) => Some(Recorder::new(WavWriter::create(path, rate_hz, 2)?)),
            None => None,
        };
        Ok(Self {
            playout: playout::Playout::new(rate_hz, hearing.jitter_ms, hearing.loud_mean_square()),
            bot_gate: Gate::new(rate_hz, hearing.threshold_dbfs, hearing.hangover_ms),
            caller_gate: Gate::new(rate_hz, hearing.threshold_dbfs, hearing.caller_pause_ms),
            tracks: Tracks { rate_hz, ..Tracks::default() },
            found: Vec::new(),
            caller_position: 0,
            caller_until: 0,
            loud_mean_square: hearing.loud_mean_square(),
            final_bot: Vec::new(),
            recorder,
        })
    }

    /// The next samples of the caller, in order and without holes.
    pub fn caller(&mut self, samples: &[i16]) {
        self.caller_position += samples.len() as u64;
        if mean_square(samples) > self.loud_mean_square {
            self.caller_until = self.caller_position;
        }
        let found = &mut self.found;
        self.caller_gate.push(samples, |change| gate::collect(found, change));
        if let Some(recorder) = &mut self.recorder {
            recorder.left.extend_from_slice(samples);
        }
    }

    /// The caller said one turn, audible over `span`.
    pub fn caller_said(&mut self, span: Span) {
        self.tracks.turns.push(span);
    }

    /// Audio of the bot arrived at `now`.
    pub fn bot_arrives(&mut self, now: u64, samples: &[i16]) -> Placed {
        let placed = self.playout.arrive(now, self.caller_until, samples);
        if let Some(late) = placed.late {
            self.tracks.lateness.record(late as f64 * 1_000.0 / f64::from(self.tracks.rate_hz));
        }
        if let Some(gap) = placed.gap {
            self.tracks.gaps.push(Span { start: now - gap, end: now });
        }
        placed
    }

    /// Where the audio that arrived so far ends.
    pub fn queued_until(&self) -> u64 {
        self.playout.end()
    }

    /// The bot took back what is not yet played; returns the samples dropped.
    pub fn clear(&mut self, now: u64) -> u64 {
        self.playout.clear(now)
    }

    /// Hear everything that is final by `now`. `heard` is told when the bot becomes audible or falls silent,
    /// `played` gets the bot's samples.
    pub fn settle(&mut self, now: u64, heard: impl FnMut(Change), played: impl FnOnce(&[i16])) {
        let mut settled = std::mem::take(&mut self.final_bot);
        settled.clear();
        self.playout.settle(now, &mut settled);
        self.hear(&settled, heard);
        if !settled.is_empty() {
            played(&settled);
        }
        self.final_bot = settled;
    }

    /// The line is closed at `now`. Fails when the recording could not be written to its end.
    pub fn finish(mut self, now: u64) -> (Tracks, Result<(), WavError>) {
        let mut rest = Vec::new();
        self.tracks.unheard = self.playout.close(now, &mut rest);
        self.hear(&rest, |_| ());
        self.tracks.end = now;
        let Self { mut tracks, mut found, bot_gate, caller_gate, recorder, .. } = self;
        bot_gate.finish(|change| gate::collect(&mut tracks.bot, change));
        caller_gate.finish(|change| gate::collect(&mut found, change));
        let said = std::mem::take(&mut tracks.turns);
        let overlaps = |span: &Span| said.iter().any(|turn| span.start < turn.end && turn.start < span.end);
        tracks.turns.extend(found.into_iter().filter(|span| !overlaps(span)));
        tracks.turns.extend(said.iter());
        tracks.turns.sort_by_key(|turn| turn.start);
        let saved = recorder.map_or(Ok(()), Recorder::finish);
        (tracks, saved)
    }

    fn hear(&mut self, samples: &[i16], mut heard: impl FnMut(Change)) {
        let spans = &mut self.tracks.bot;
        self.bot_gate.push(samples, |change| {
            gate::collect(spans, change);
            heard(change);
        });
        if let Some(recorder) = &mut self.recorder {
            recorder.right.extend_from_slice(samples);
            recorder.interleave();
        }
    }
}

/// Writes the stereo file as both channels become final. A failed write is kept and told at the end: the call goes on.
#[derive(Debug)]
struct Recorder {
    writer: WavWriter,
    left: Vec<i16>,
    right: Vec<i16>,
    failed: Option<WavError>,
}

impl Recorder {
    fn new(writer: WavWriter) -> Self {
        Self { writer, left: Vec::new(), right: Vec::new(), failed: None }
    }

    fn interleave(&mut self) {
        let whole = self.left.len().min(self.right.len());
        let written = self.writer.write_stereo(&self.left[..whole], &self.right[..whole]);
        self.left.drain(..whole);
        self.right.drain(..whole);
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }

    fn finish(mut self) -> Result<(), WavError> {
        let longest = self.left.len().max(self.right.len());
        self.left.resize(longest, 0);
        self.right.resize(longest, 0);
        self.interleave();
        match self.failed {
            Some(error) => Err(error),
            None => self.writer.finish(),
        }
    }
}

/// How late the caller's own timer was: when this is high, this machine is too busy to judge a server.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OwnTiming {
    pub frame_late_ms: Spread,
}
