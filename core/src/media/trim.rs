//! Cuts the silence that voices put in front of their speech: the caller would wait through it at every reply.

use crate::media::level::is_audible;
use crate::provider::tts::WordMark;

/// Silence is looked for in steps of this length.
const STEP_MS: usize = 5;
/// Kept in front of the first audible step, so that a soft onset is not clipped.
const MARGIN_MS: usize = 15;
/// Never cut more: a voice that pauses this long means it.
const MOST_MS: usize = 400;

/// The trimmer of one utterance. Audio goes in as it comes; words are held until it is known how much was cut.
#[derive(Debug)]
pub struct Trim {
    rate_hz: usize,
    /// Silence at hand, given up when it is followed by sound or grows too long.
    held: Vec<i16>,
    cut_ms: Option<u32>,
    words: Vec<WordMark>,
}

impl Trim {
    /// For audio at this rate.
    pub fn new(rate_hz: u32) -> Self {
        Self { rate_hz: rate_hz as usize, held: Vec::new(), cut_ms: None, words: Vec::new() }
    }

    /// Take audio; returns what is to be played.
    pub fn audio(&mut self, pcm: &[i16]) -> Vec<i16> {
        if self.cut_ms.is_some() {
            return pcm.to_vec();
        }
        self.held.extend_from_slice(pcm);
        let step = self.rate_hz * STEP_MS / 1000;
        let sound = self.held.chunks(step.max(1)).position(is_audible);
        let most = self.rate_hz * MOST_MS / 1000;
        match sound {
            Some(at) => self.cut((at * step).saturating_sub(self.rate_hz * MARGIN_MS / 1000).min(most)),
            None if self.held.len() >= most => self.cut(most),
            None => Vec::new(),
        }
    }

    fn cut(&mut self, samples: usize) -> Vec<i16> {
        // Whole milliseconds, so that words and sound stay together.
        let cut_ms = samples * 1000 / self.rate_hz;
        self.cut_ms = Some(u32::try_from(cut_ms).unwrap_or(0));
        self.held.split_off((cut_ms * self.rate_hz / 1000).min(self.held.len()))
    }

    /// Take word marks; returns those whose place is known.
    pub fn words(&mut self, words: Vec<WordMark>) -> Vec<WordMark> {
        self.words.extend(words);
        self.settled_words()
    }

    /// Words that were held and can go now.
    pub fn settled_words(&mut self) -> Vec<WordMark> {
        let Some(cut_ms) = self.cut_ms else { return Vec::new() };
        let moved = |w: WordMark| WordMark {
            started_ms: w.started_ms.saturating_sub(cut_ms),
            ended_ms: w.ended_ms.saturating_sub(cut_ms),
            ..w
        };
        std::mem::take(&mut self.words).into_iter().map(moved).collect()
    }

    /// The utterance is complete: what is still held was silence all through.
    pub fn finish(&mut self) -> Vec<i16> {
        if self.cut_ms.is_some() {
            return Vec::new();
        }
        self.cut_ms = Some(0);
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_silence_goes_and_words_move_with_it() {
        let mut trim = Trim::new(8_000);
        let word = WordMark { text: "hi".into(), started_ms: 200, ended_ms: 300 };
        assert!(trim.words(vec![word]).is_empty(), "nothing is known yet");
        assert!(trim.audio(&[0; 800]).is_empty());
        let mut more = vec![0i16; 800];
        more.extend([5_000i16; 800]);
        let played = trim.audio(&more);
        assert_eq!(played.len(), 800 + 8 * MARGIN_MS);
        let words = trim.settled_words();
        assert_eq!((words[0].started_ms, words[0].ended_ms), (15, 115));
        assert_eq!(trim.audio(&[0; 100]).len(), 100, "pauses inside stay");
    }

    #[test]
    fn no_more_than_the_limit_is_cut() {
        let mut trim = Trim::new(8_000);
        let played: usize = (0..10).map(|_| trim.audio(&[0; 800]).len()).sum();
        assert_eq!(played, 8_000 - 8 * MOST_MS);
    }

    #[test]
    fn silence_all_through_is_kept() {
        let mut trim = Trim::new(8_000);
        assert!(trim.audio(&[0; 160]).is_empty());
        assert_eq!(trim.finish().len(), 160);
    }
}
