//! How the scripted vendors of one conversation behave: delays in milliseconds and faults, drawn once per stream.

use serde_json::{Value, json};
use vox_core::provider::llm::{Finish, LlmEvent, LlmUsage, ToolCall};
use vox_core::provider::{Failure, FailureClass};
use vox_core::session::event::{ToolAnswer, ToolStatus};

use super::random::Random;

const SENTENCES: [&str; 8] = [
    "Sure, I can help you with that today.",
    "Your appointment is on Friday at three.",
    "Is there anything else you need?",
    "We are open from nine to five.",
    "Please hold the line for a second.",
    "Dr. Smith will see you then.",
    "That costs 3.50 euros in all.",
    "Great, thank you very much for telling me this.",
];

pub fn failure(detail: &str) -> Failure {
    Failure::new(FailureClass::Unavailable, detail)
}

/// One reply of the model as timed events.
pub fn reply(random: &mut Random, ends_call: bool) -> (Vec<(u64, LlmEvent)>, bool) {
    match random.range(0, 100) {
        0..3 => return (Vec::new(), true),
        3..6 => return (vec![(random.range(1, 900), LlmEvent::Failed(failure("503")))], true),
        6..8 => {
            return (
                vec![(random.range(1, 900), LlmEvent::Done { finish: Finish::Stop, usage: None })],
                true,
            );
        }
        _ => {}
    }
    let mut at = if random.chance(8) { random.range(2_000, 3_900) } else { random.range(80, 900) };
    let mut events = Vec::new();
    if random.chance(4) {
        // It reasons first.
        for _ in 0..random.range(1, 14) {
            events.push((at, LlmEvent::Progress));
            at += 500;
        }
    }
    let mut faulty = false;
    let sentences = random.range(1, 5);
    'reply: for _ in 0..sentences {
        for token in tokens(random.pick::<&str>(&SENTENCES)) {
            events.push((at, LlmEvent::Text(token)));
            at += random.range(1, 60);
            if random.chance(1) && random.chance(40) {
                events.push((at, LlmEvent::Failed(failure("cut"))));
                faulty = true;
                break 'reply;
            }
        }
    }
    if faulty {
        return (events, true);
    }
    if random.chance(10) {
        // Some of them the same ones again.
        for _ in 0..random.range(1, 6) {
            let name = if random.chance(85) { "look_up" } else { "made_up" };
            let arguments = json!({"n": random.range(0, 9)});
            events.push((at, tool_call(random, name, arguments)));
        }
    }
    if ends_call {
        let arguments =
            if random.chance(70) { json!({"message": "Goodbye and take care."}) } else { json!({}) };
        events.push((at, tool_call(random, "end_call", arguments)));
    }
    let usage =
        random.chance(80).then_some(LlmUsage { tokens_in: 10, tokens_out: 20, ..LlmUsage::default() });
    events.push((at + 5, LlmEvent::Done { finish: Finish::Stop, usage }));
    (events, false)
}

fn tool_call(random: &mut Random, name: &str, arguments: Value) -> LlmEvent {
    LlmEvent::ToolCall(ToolCall { id: format!("c{}", random.next()), name: name.into(), arguments })
}

/// A tool's answer, and when it comes: some are long, and some are late.
pub fn tool_answer(random: &mut Random) -> (u64, ToolAnswer) {
    let after = if random.chance(10) { random.range(3_000, 25_000) } else { random.range(10, 3_000) };
    let answer = match random.range(0, 100) {
        0..20 => json!("न".repeat(random.range(1, 16_000) as usize)).into(),
        20..60 => ToolAnswer { status: ToolStatus::Failed, code: None, result: "error: it is broken".into() },
        _ => json!("found").into(),
    };
    (after, answer)
}

/// A sentence in word pieces, with the blank in front of each.
fn tokens(sentence: &str) -> Vec<String> {
    sentence.split(' ').map(|w| format!(" {w}")).collect()
}

/// How a voice stream behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum VoiceMood {
    Good,
    /// Never says anything.
    Mute,
    /// Breaks after so many pieces of audio.
    Breaks(u64),
    /// Says done without sound.
    Empty,
    /// Gives all audio and never says that it is done.
    NeverDone,
}

pub fn voice_mood(random: &mut Random) -> VoiceMood {
    match random.range(0, 100) {
        0..2 => VoiceMood::Mute,
        2..6 => VoiceMood::Breaks(random.range(0, 12)),
        6..7 => VoiceMood::Empty,
        7..9 => VoiceMood::NeverDone,
        _ => VoiceMood::Good,
    }
}

/// How a recogniser stream behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SttMood {
    Good,
    /// Connected, and deaf.
    Deaf,
    NeverReady,
    /// Breaks at this age, milliseconds.
    Breaks(u64),
}

pub fn stt_mood(random: &mut Random) -> SttMood {
    match random.range(0, 100) {
        0..2 => SttMood::Deaf,
        2..3 => SttMood::NeverReady,
        3..6 => SttMood::Breaks(random.range(100, 20_000)),
        _ => SttMood::Good,
    }
}
