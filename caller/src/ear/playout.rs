//! The carrier's playback queue: where on the line's clock each piece of the bot's audio is heard.
//!
//! Audio is placed when it arrives, directly behind what is still to be played. A piece that comes after the queue
//! ran dry is forgiven up to the jitter a phone's buffer hides (it is placed as if in time); one that is later leaves
//! a gap that is heard. `clear` drops what is not yet played. Drawing on the wire's clock with forgiveness, instead
//! of really delaying all audio by the buffer, keeps the buffer's own delay out of the measured latencies.

use std::collections::VecDeque;

use super::gate::mean_square;

/// Longest silence between two pieces that can still be a hole in one utterance; beyond it, it is a new one.
const GAP_MS_MAX: u64 = 1_000;
/// A piece that comes after a longer dry time than this is only counted late when speech was cut on both sides:
/// a server that sends nothing between its sentences is not late with the second.
const LATE_MS_MAX: u64 = 200;
/// How much of a piece's edge is looked at to tell whether speech was cut there.
const EDGE_MS: u64 = 20;

/// What became of one piece of audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Samples by which it came after the queue had run dry; 0 when in time. `None` for the first of an utterance.
    pub late: Option<u64>,
    /// The hole that was heard inside speech before it.
    pub gap: Option<u64>,
    /// Samples queued ahead of real time, this piece included.
    pub ahead: u64,
    /// Position one past its last sample.
    pub end: u64,
}

#[derive(Debug)]
pub(super) struct Playout {
    /// Samples that are not final: `clear` may still take them.
    pending: VecDeque<i16>,
    /// Position of the first pending sample; all before is final.
    head: u64,
    /// One past the last sample of audio that was placed; settling moves `head` past it when the queue is dry.
    end: u64,
    jitter: u64,
    gap_max: u64,
    late_max: u64,
    edge: usize,
    loud_mean_square: i64,
    tail_is_loud: bool,
    has_played: bool,
    cleared: bool,
}

impl Playout {
    pub(super) fn new(rate_hz: u32, jitter_ms: u32, loud_mean_square: i64) -> Self {
        let of_ms = |ms: u64| u64::from(rate_hz) * ms / 1_000;
        Self {
            pending: VecDeque::new(),
            head: 0,
            end: 0,
            jitter: of_ms(u64::from(jitter_ms)),
            gap_max: of_ms(GAP_MS_MAX),
            late_max: of_ms(LATE_MS_MAX),
            edge: of_ms(EDGE_MS) as usize,
            loud_mean_square,
            tail_is_loud: false,
            has_played: false,
            cleared: false,
        }
    }

    /// One past the last sample that was placed.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Queue audio that arrived at `now`. When the caller was audible (last at `caller_until`) after the audio
    /// before it, it is a new utterance: an answer, or what the bot says after it was interrupted.
    pub(super) fn arrive(&mut self, now: u64, caller_until: u64, samples: &[i16]) -> Placed {
        let dry_for = now.saturating_sub(self.end);
        let caller_spoke = dry_for > self.jitter && caller_until > self.end;
        let goes_on = self.has_played && !self.cleared && !caller_spoke && dry_for <= self.gap_max;
        let mut gap = None;
        if !goes_on || dry_for > self.jitter {
            let head_is_loud = mean_square(&samples[..samples.len().min(self.edge)]) > self.loud_mean_square;
            gap = (goes_on && self.tail_is_loud && head_is_loud).then_some(dry_for);
            self.end = self.end.max(now);
        }
        // Silence up to the piece; nothing to do when it joins the one before.
        self.pending.resize(self.end.saturating_sub(self.head) as usize, 0);
        self.pending.extend(samples);
        self.end += samples.len() as u64;
        let edge = samples.len().saturating_sub(self.edge);
        self.tail_is_loud = mean_square(&samples[edge..]) > self.loud_mean_square;
        self.has_played = true;
        self.cleared = false;
        let late = (goes_on && (dry_for <= self.late_max || gap.is_some())).then_some(dry_for);
        Placed { late, gap, ahead: self.end.saturating_sub(now), end: self.end }
    }

    /// Drop everything that is not played by `now`; returns how many samples were never heard.
    pub(super) fn clear(&mut self, now: u64) -> u64 {
        let kept = now.saturating_sub(self.head).min(self.pending.len() as u64);
        let dropped = self.pending.len() as u64 - kept;
        self.pending.truncate(kept as usize);
        self.end = self.end.min(now);
        self.cleared = true;
        dropped
    }

    /// Take what is final by `now` into `out`: the jitter's worth before it may still be filled by a late piece.
    pub(super) fn settle(&mut self, now: u64, out: &mut Vec<i16>) {
        self.take_until(now.saturating_sub(self.jitter), out);
    }

    /// The line is closed at `now`: everything up to there is final, the rest was never heard.
    pub(super) fn close(&mut self, now: u64, out: &mut Vec<i16>) -> u64 {
        let dropped = self.clear(now);
        self.take_until(now, out);
        dropped
    }

    fn take_until(&mut self, until: u64, out: &mut Vec<i16>) {
        let due = until.saturating_sub(self.head);
        let stored = due.min(self.pending.len() as u64) as usize;
        out.extend(self.pending.drain(..stored));
        out.resize(out.len() + (due as usize - stored), 0);
        self.head = self.head.max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOUD: [i16; 160] = [5_000; 160];

    /// 8 kHz, 40 ms of jitter (320 samples), frames of 160.
    fn playout() -> Playout {
        Playout::new(8_000, 40, 10_000)
    }

    fn play(playout: &mut Playout, arrivals: &[u64]) -> Vec<Placed> {
        arrivals.iter().map(|&at| playout.arrive(at, 0, &LOUD)).collect()
    }

    fn heard(mut playout: Playout, until: u64) -> Vec<bool> {
        let mut out = Vec::new();
        playout.close(until, &mut out);
        out.into_iter().map(|sample| sample != 0).collect()
    }

    #[test]
    fn the_first_piece_is_heard_when_it_arrives() {
        let mut line = playout();
        let placed = play(&mut line, &[1_003]);
        assert_eq!(placed[0], Placed { late: None, gap: None, ahead: 160, end: 1_163 });
        let heard = heard(line, 2_000);
        assert_eq!(heard.iter().position(|&loud| loud), Some(1_003));
        assert_eq!(heard.iter().filter(|&&loud| loud).count(), 160);
    }

    #[test]
    fn jitter_is_forgiven_and_a_longer_wait_is_a_gap() {
        let mut line = playout();
        let placed = play(&mut line, &[0, 160, 400, 480, 1_200]);
        let late: Vec<_> = placed.iter().map(|piece| piece.late).collect();
        assert_eq!(late, [None, Some(0), Some(80), Some(0), Some(560)]);
        assert_eq!(placed.iter().filter_map(|piece| piece.gap).collect::<Vec<_>>(), [560]);
        let heard = heard(line, 1_360);
        assert!(heard[..640].iter().all(|&loud| loud));
        assert!(heard[640..1_200].iter().all(|&loud| !loud));
        assert!(heard[1_200..].iter().all(|&loud| loud));
    }

    #[test]
    fn a_pause_after_silence_or_a_long_one_is_not_a_gap() {
        let mut line = playout();
        line.arrive(0, 0, &LOUD);
        line.arrive(160, 0, &[0; 160]);
        let after_silence = line.arrive(2_000, 0, &LOUD);
        assert_eq!((after_silence.gap, after_silence.late), (None, None));
        assert_eq!(
            line.arrive(2_160 + 8_001, 0, &LOUD),
            Placed { late: None, gap: None, ahead: 160, end: 10_321 }
        );
    }

    #[test]
    fn what_follows_the_callers_words_is_an_answer_and_not_late() {
        let mut line = playout();
        line.arrive(0, 0, &LOUD);
        let answer = line.arrive(1_600, 1_200, &LOUD);
        assert_eq!((answer.gap, answer.late), (None, None));
        let late = line.arrive(2_400, 1_200, &LOUD);
        assert_eq!((late.gap, late.late), (Some(640), Some(640)));
    }

    #[test]
    fn clear_drops_what_was_not_played_and_what_comes_after_starts_anew() {
        let mut line = playout();
        play(&mut line, &[0, 0, 0, 0]);
        assert_eq!(line.clear(200), 440);
        let after = line.arrive(260, 0, &LOUD);
        assert_eq!((after.late, after.gap, after.end), (None, None, 420));
        let heard = heard(line, 420);
        assert!(heard[..200].iter().all(|&loud| loud) && heard[200..260].iter().all(|&loud| !loud));
    }

    #[test]
    fn settling_does_not_hide_how_late_a_piece_is() {
        let mut line = playout();
        line.arrive(0, 0, &LOUD);
        let mut out = Vec::new();
        line.settle(600, &mut out);
        let placed = line.arrive(600, 0, &LOUD);
        assert_eq!((placed.late, placed.gap, placed.end), (Some(440), Some(440), 760));
        line.close(760, &mut out);
        assert_eq!(out.iter().position(|&sample| sample == 0), Some(160));
        assert_eq!(out.iter().rposition(|&sample| sample == 0), Some(599));
    }

    #[test]
    fn settling_leaves_room_for_a_late_piece() {
        let mut line = playout();
        line.arrive(0, 0, &LOUD);
        let mut out = Vec::new();
        line.settle(400, &mut out);
        assert_eq!(out.len(), 80);
        line.arrive(400, 0, &LOUD);
        line.close(320, &mut out);
        assert!(out.iter().all(|&sample| sample != 0), "the late piece follows without a hole");
        assert_eq!(out.len(), 320);
    }
}
