//! Whose words the caller's lines are: a person's, a machine's, the bot's own come back, or nobody's.

use std::sync::LazyLock;

use vox_shared::wire::result::{Speaker, TranscriptEntry};

use super::echo::is_echo;
use super::machine::{self, Machine};
use super::words::{Phrases, Words, phrases};

/// Lines of the caller that are looked at; by then it is clear whether somebody is there.
pub const MAX_LINES: usize = 1_000;
/// A machine's text comes in pieces, and not every piece gives it away: those that begin this long before a piece that does.
const BEFORE_MS: u64 = 15_000;
/// And those that begin this long after it.
const AFTER_MS: u64 = 8_000;
/// Sounds that a recogniser makes of noise.
const SOUNDS: &[&str] = &[
    "uh",
    "um",
    "mm",
    "mmm",
    "hm",
    "hmm",
    "mhm",
    "ah",
    "eh",
    "er",
    "huh",
    "uhh",
    "umm",
    "हम्म",
    "हं",
    "अ",
    "आ",
];
static SOUND_WORDS: Phrases = LazyLock::new(|| phrases(&[SOUNDS]));

/// Whose words a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    Person,
    Machine(Machine),
    Echo,
    /// There are no words.
    Nobody,
}

/// Whose words each of the caller's lines is, by its place in the transcript.
pub fn voices(transcript: &[TranscriptEntry]) -> Vec<(usize, Voice)> {
    let callers = transcript.iter().enumerate().filter(|(_, line)| line.speaker == Speaker::Caller);
    let places: Vec<usize> = callers.map(|(place, _)| place).take(MAX_LINES).collect();
    let mut voices: Vec<_> = places.iter().map(|place| (*place, alone(transcript, *place))).collect();
    let machines: Vec<_> = voices
        .iter()
        .filter_map(|(place, voice)| match voice {
            Voice::Machine(kind) => Some((&transcript[*place], *kind)),
            _ => None,
        })
        .collect();
    for (place, voice) in &mut voices {
        let line = &transcript[*place];
        if *voice == Voice::Person
            && let Some((_, kind)) = machines.iter().find(|(machine, _)| is_beside(line, machine))
        {
            *voice = Voice::Machine(*kind);
        }
    }
    voices
}

/// By its own words.
fn alone(transcript: &[TranscriptEntry], place: usize) -> Voice {
    let words = Words::of(&transcript[place].text);
    if words.without(&SOUND_WORDS).is_empty() {
        return Voice::Nobody;
    }
    match machine::of(&words) {
        Some(kind) => Voice::Machine(kind),
        None if is_echo(transcript, place) => Voice::Echo,
        None => Voice::Person,
    }
}

fn is_beside(line: &TranscriptEntry, machine: &TranscriptEntry) -> bool {
    let (from, to) =
        (machine.started_ms.saturating_sub(BEFORE_MS), machine.ended_ms.saturating_add(AFTER_MS));
    (from..=to).contains(&line.started_ms)
}
