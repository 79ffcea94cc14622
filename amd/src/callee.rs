//! What the detector is told from outside.

/// What is known of a call before anybody speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Callee {
    /// Of the audio that [`crate::Detector::hear`] gets, Hz; 0 is 8000.
    pub rate_hz: u32,
    /// The bot's (`en-IN`); empty: all packs of phrases are used.
    pub language: String,
    /// From the dial to the answer, milliseconds.
    pub ring_ms: Option<u32>,
    /// A recogniser gives words. Without one, shorter speech is a machine's.
    pub has_words: bool,
}

/// What a recogniser understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// All of the utterance so far. Empty ones are to be told too.
    pub text: String,
    /// It will not change any more. What may change is replaced by the next.
    pub is_final: bool,
    /// When it came, milliseconds.
    pub at_ms: u32,
}
