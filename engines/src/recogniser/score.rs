//! Whether words that were found are words that were said.
//!
//! A grammar alone answers any noise with its nearest phrase. So a second decoder, a loop of all phones of
//! English, explains the same sound freely; the expected words count as heard only if they explain it nearly
//! as well. `engines/README.md` has the measurements that the constants come from.

/// Log-likelihood ratio per frame, expected words against any phones, from which words are taken for said. In
/// the decoder's unit, see [`crate::ffi::pocketsphinx::Hypothesis`].
const ACCEPT_RATIO: f32 = -13.5;

/// Change of the ratio that moves the confidence from 0.5 to 0.73.
const RATIO_SCALE: f32 = 5.0;

/// Frames added to those of the words: their edges and the breath around them cost the phrase some likelihood
/// that does not grow with its length, and short words would be refused for it.
const EDGE_FRAMES: f32 = 75.0;

/// What the word insertion penalty of a row of digits takes off the score for each word, more than the usual
/// penalty does: ln(0.65 / 0.05) times the language weight 6.5, in the decoder's unit.
const DIGITS_WORD_COST: i32 = 163;

/// The score that words of a grammar with digits would have under the usual penalty.
pub fn without_digits_penalty(score: i32, words: i32) -> i32 {
    score.saturating_add(words.saturating_mul(DIGITS_WORD_COST))
}

/// Confidence in the expected words, from the scores of both decoders over the same sound and the number of
/// 10 ms frames that hold speech. 0.5 and more means: said.
pub fn confidence(words_score: i32, phones_score: i32, speech_frames: u32) -> f32 {
    if speech_frames == 0 {
        return 0.0;
    }
    let ratio = (words_score as f32 - phones_score as f32) / (speech_frames as f32 + EDGE_FRAMES);
    1.0 / (1.0 + ((ACCEPT_RATIO - ratio) / RATIO_SCALE).exp())
}

/// Whether a confidence is enough.
pub fn accepted(confidence: f32) -> bool {
    confidence >= 0.5
}

/// The probability behind a posterior in pocketsphinx's log base 1.0001.
pub fn probability(posterior: i32) -> f32 {
    (posterior as f32 * 1.0001_f32.ln()).exp().clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_explain_the_sound_as_well_as_phones_are_accepted() {
        assert!(accepted(confidence(-5_000, -5_000, 100)));
        assert!(accepted(confidence(-6_000, -5_000, 100)));
        assert!(!accepted(confidence(-8_000, -5_000, 100)));
        assert!(!accepted(confidence(-7_000, -5_000, 50)), "a shorter word may lose less");
        assert!(!accepted(confidence(0, 0, 0)));
        assert!(confidence(-5_000, -5_000, 100) > confidence(-6_000, -5_000, 100));
    }

    #[test]
    fn posteriors_become_probabilities() {
        assert!((probability(0) - 1.0).abs() < 1e-6);
        assert!((probability(-6_932) - 0.5).abs() < 1e-3);
        assert!(probability(i32::MIN) < 1e-6);
    }
}
