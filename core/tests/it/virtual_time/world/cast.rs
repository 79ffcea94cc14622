//! Who takes part in a conversation, and what it showed.

use std::collections::{BTreeMap, BTreeSet};

use super::super::wire::ears::transcription::Manner;
use super::hostile::Count;

/// Who takes part beside the caller and a bot with recogniser, model and voice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cast {
    /// A human agent comes and goes.
    pub agent: bool,
    /// The model hears by itself: no recogniser.
    pub hears: bool,
    /// The model speaks by itself: no voice.
    pub speaks: bool,
    /// Somebody is asked to take the call, again and again.
    pub consults: bool,
    /// The vendors fail.
    pub bad_day: bool,
    /// Other bots take the call over.
    pub bots: bool,
    /// The vendors are heard over their codecs.
    pub wires: bool,
    /// … and the recognisers are asked over HTTP, and lie in every third answer.
    pub uploads: bool,
}

/// What a conversation showed.
#[derive(Debug, Default)]
pub struct Verdict {
    pub replies: usize,
    pub interruptions: usize,
    pub faults: usize,
    pub ended_by_bot: bool,
    pub longest_silence_ms: u64,
    /// Runs of tools.
    pub ran: usize,
    /// Agents who came and people who took the call, callers who came back off hold, and turns that a model wrote down itself.
    pub joined: usize,
    pub came_back: usize,
    pub written: usize,
    /// Of a bad day: vendors that failed and fallbacks that did not, and what became of that.
    pub failed: usize,
    pub fell_back: usize,
    pub second_requests: usize,
    pub common_answers: usize,
    pub handed_on: usize,
    /// Calls that went on with another bot.
    pub changed: usize,
    /// Of its hostile model: what was tried, and how often it was refused.
    pub count: Count,
    pub refused: usize,
    /// Over codecs: vendors whose words, replies and spoken ends came through.
    pub heard: BTreeSet<(&'static str, &'static str)>,
    /// How recognisers that are asked over HTTP have answered.
    pub answers_of_ears: BTreeMap<Manner, usize>,
}
