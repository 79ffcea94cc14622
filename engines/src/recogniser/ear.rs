//! One decoder over the audio of an utterance, and when in that audio it found what it found.
//!
//! pocketsphinx leaves silence out before it searches (without that its channel estimate follows the silence
//! of a caller who thinks, and every second phrase is lost), so its frames do not count time. How many frames
//! each piece of audio led to tells where they belong.

use crate::ffi::pocketsphinx::{Decoder, Refused, Segment};

/// Length of a frame.
const FRAME_MS: u32 = 10;

/// From the first sample of a frame until it is searched: its own 26 ms and three frames of look-ahead.
const LAG_MS: u32 = 50;

/// Longest speech that is searched in one utterance, 60 s: the search keeps its history, so memory grows.
const MAX_FRAMES: usize = 6_000;

/// A decoder with its own clock.
pub struct Ear {
    decoder: Decoder,
    timeline: Timeline,
}

/// A word, a silence or a noise of the best path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Without the number of its pronunciation; empty if it is no word.
    pub word: String,
    pub start_ms: u32,
    pub end_ms: u32,
    pub frames: u32,
    /// See [`Segment::posterior`].
    pub posterior: i32,
}

impl Ear {
    pub fn new(decoder: Decoder) -> Self {
        Self { decoder, timeline: Timeline::default() }
    }

    pub fn start(&mut self) -> Result<(), Refused> {
        self.timeline = Timeline::default();
        self.decoder.start_utterance()
    }

    /// Search on with samples that end `now_ms` after the start of the utterance.
    pub fn process(&mut self, pcm: &[i16], now_ms: u32) -> Result<(), Refused> {
        if self.timeline.starts_ms.len() < MAX_FRAMES {
            let frames = self.decoder.process(pcm)?;
            self.timeline.searched(frames, now_ms);
        }
        Ok(())
    }

    pub fn end(&mut self) -> Result<(), Refused> {
        self.decoder.end_utterance()
    }

    /// Log likelihood of the best path, if there is one.
    pub fn score(&mut self) -> Option<i32> {
        self.decoder.hypothesis().map(|hypothesis| hypothesis.score)
    }

    pub fn pieces(&mut self) -> Vec<Piece> {
        let segments = self.decoder.segments();
        segments.into_iter().map(|segment| self.timeline.piece(&segment)).collect()
    }
}

/// When each searched frame was heard.
#[derive(Debug, Default)]
struct Timeline {
    starts_ms: Vec<u32>,
}

impl Timeline {
    /// Audio up to `now_ms` led to this many frames: the last ones of that audio. More than the audio is long
    /// were held back until they were known to be speech.
    fn searched(&mut self, frames: u32, now_ms: u32) {
        for behind in (0..frames).rev() {
            let start = now_ms.saturating_sub(LAG_MS + behind * FRAME_MS);
            let earliest = self.starts_ms.last().map_or(0, |last| last + FRAME_MS);
            self.starts_ms.push(start.max(earliest));
        }
    }

    fn start_ms(&self, frame: u32) -> u32 {
        let known = self.starts_ms.get(frame as usize).copied();
        // Frames of the very end are searched when the utterance ends, and follow without a gap.
        known.unwrap_or_else(|| {
            let beyond = frame + 1 - u32::try_from(self.starts_ms.len()).unwrap_or(0);
            self.starts_ms.last().copied().unwrap_or(0) + beyond * FRAME_MS
        })
    }

    fn piece(&self, segment: &Segment) -> Piece {
        let (first, last) = segment.frames;
        let is_word = !segment.word.starts_with(['<', '[', '+', '(']);
        let plain = segment.word.split_once('(').map_or(segment.word.as_str(), |(plain, _)| plain);
        Piece {
            word: if is_word { plain.to_owned() } else { String::new() },
            start_ms: self.start_ms(first),
            end_ms: self.start_ms(last) + FRAME_MS,
            frames: (last + 1).saturating_sub(first),
            posterior: segment.posterior,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(timeline: &Timeline, word: &str, frames: (u32, u32)) -> Piece {
        timeline.piece(&Segment { word: word.to_owned(), frames, posterior: 0 })
    }

    #[test]
    fn frames_held_back_as_possible_silence_are_placed_before_now() {
        let mut timeline = Timeline::default();
        timeline.searched(0, 980);
        timeline.searched(20, 1_000);
        timeline.searched(2, 1_020);
        let word = piece(&timeline, "yes(2)", (10, 21));
        assert_eq!((word.word.as_str(), word.start_ms, word.end_ms, word.frames), ("yes", 860, 980, 12));
    }

    #[test]
    fn a_gap_of_silence_parts_the_words_and_the_end_goes_on_without_one() {
        let mut timeline = Timeline::default();
        timeline.searched(2, 100);
        timeline.searched(2, 2_000);
        assert_eq!(piece(&timeline, "one", (0, 1)).end_ms, 60);
        assert_eq!(piece(&timeline, "two", (2, 5)).start_ms, 1_940);
        assert_eq!(piece(&timeline, "two", (2, 5)).end_ms, 1_980);
    }

    #[test]
    fn times_never_run_backwards() {
        let mut timeline = Timeline::default();
        timeline.searched(10, 100);
        timeline.searched(10, 120);
        assert!(timeline.starts_ms.is_sorted_by(|earlier, later| earlier < later), "{timeline:?}");
    }

    #[test]
    fn silence_and_noise_are_no_words() {
        for name in ["<sil>", "[NOISE]", "+SPN+", "(NULL)"] {
            assert_eq!(piece(&Timeline::default(), name, (0, 0)).word, "");
        }
    }
}
