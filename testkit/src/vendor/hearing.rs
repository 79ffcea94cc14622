//! What the scripted recognisers share: bytes to samples, samples to utterances, utterances to the words of a script. The words
//! come from the script, the timing from the audio: an energy gate over the received samples finds the utterances, and the n-th
//! utterance heard gets the n-th text.

mod audio;
mod gate;
mod recogniser;
mod script;

pub(crate) use audio::{Decoder, Encoding};
pub(crate) use recogniser::{Finding, Heard, Recogniser, Rules, TimedWord};
pub use script::{Hearing, Utterance, WhenOut, Word};

/// A word without its punctuation and capitals.
pub(crate) fn bare(word: &str) -> String {
    let trimmed = word.trim_matches(|c: char| !c.is_alphanumeric());
    if trimmed.is_empty() { word.to_lowercase() } else { trimmed.to_lowercase() }
}
