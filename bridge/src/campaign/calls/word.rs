//! What a call's result says of its attempt. The worker's own word about who answered goes before what the transcript tells.

use std::sync::LazyLock;

use vox_shared::ids::AttemptId;
use vox_shared::wire::answered::Callee;
use vox_shared::wire::result::{CallEvent, CallResult, Callback, DisconnectedBy, Speaker, TranscriptEntry};

use crate::campaign::outcome::Word;
use crate::verdict::disposition::Because;
use crate::verdict::hearing::{Voice, voices};
use crate::verdict::judge;
use crate::verdict::words::{Phrases, Words, phrases};

/// In whose connected event the attempt's id is.
const ATTEMPT: &str = "_campaign_call_id";
/// The message is on the machine.
const LEFT_EVENT: &str = "voicemail_left";

/// Wishes not to be called any more, each of which says so by itself. Whoever only has no time now says other words.
const OPT_OUTS: &[&str] = &[
    "stop calling",
    "stop calling me",
    "do not call me again",
    "dont call me again",
    "do not call again",
    "dont call again",
    "never call me again",
    "do not call this number",
    "dont call this number",
    "do not call me anymore",
    "dont call me anymore",
    "dont call me any more",
    "remove me from your list",
    "remove my number",
    "take me off your list",
    "take me off the list",
    "take my number off",
    "delete my number",
    "unsubscribe me",
    "put me on your do not call list",
    "rufen sie mich nicht mehr an",
    "rufen sie nicht mehr an",
    "nicht mehr anrufen",
    "löschen sie meine nummer",
    "streichen sie mich von der liste",
    "ne m'appelez plus",
    "ne me rappelez plus",
    "n'appelez plus",
    "supprimez mon numéro",
    "retirez moi de votre liste",
    "no me llame más",
    "no me llamen más",
    "no vuelva a llamar",
    "no vuelvan a llamar",
    "borre mi número",
    "quíteme de la lista",
    "non mi chiami più",
    "non chiamatemi più",
    "cancelli il mio numero",
    "não me ligue mais",
    "não liguem mais",
    "bel me niet meer",
    "niet meer bellen",
    "फोन मत करना",
    "फोन मत करो",
    "फोन मत कीजिए",
    "कॉल मत करना",
    "कॉल मत करो",
    "कॉल मत कीजिए",
    "दोबारा फोन मत",
    "दोबारा कॉल मत",
    "call mat karna",
    "call mat karo",
    "phone mat karna",
    "phone mat karo",
    "dobara call mat",
    "dobara phone mat",
];
static OPT_OUT: Phrases = LazyLock::new(|| phrases(&[OPT_OUTS]));

/// The attempt that a result is of, and what it says of it; nothing of a call that no campaign placed.
pub fn word_of(result: &CallResult) -> Option<(AttemptId, Word)> {
    let id = result.connected_event.as_ref()?.get(ATTEMPT)?.as_str()?.parse().ok()?;
    let answered_by = result.answered_by.as_deref();
    let told = |name: &str| result.events.iter().any(|event: &CallEvent| event.event == name);
    let class = answered_by.map(|by| by.class).or_else(|| heard(result));
    let word = Word {
        disconnected_by: result.disconnected_by.as_str().to_owned(),
        class,
        message_left: answered_by.map_or_else(|| told(LEFT_EVENT), |by| by.message_left),
        mailbox_full: answered_by.is_some_and(|by| by.mailbox_full),
        invalid_number: answered_by.is_some_and(|by| by.invalid_number),
        no_line: answered_by.is_some_and(|by| by.no_line),
        passed_on: answered_by.is_some_and(|by| by.passed_on),
        talk_seconds: result.call_duration_seconds,
        greeting_end_ms: answered_by
            .and_then(|by| by.greeting_end_ms)
            .or_else(|| first_words_end(&result.transcript)),
        first_audio_ms: answered_by
            .and_then(|by| by.first_audio_ms)
            .or(result.latency.answer_to_first_audio_ms),
        // What it is about is the call's alone, where it is redacted.
        callback: result.callback.clone().map(|wish| Callback { note: String::new(), ..wish }),
        opt_out: opted_out(&result.transcript),
        failed: matches!(result.disconnected_by, DisconnectedBy::WorkerLost | DisconnectedBy::Error),
        unanswered: matches!(
            result.disconnected_by,
            DisconnectedBy::NoAnswer
                | DisconnectedBy::Rejected
                | DisconnectedBy::Busy
                | DisconnectedBy::OutsideHours
        ),
        at: None,
    };
    Some((id, word))
}

/// Who answered, as far as the transcript tells.
fn heard(result: &CallResult) -> Option<Callee> {
    match judge(result.into(), None).because {
        Because::MachineDetected | Because::VoicemailGreeting => Some(Callee::Voicemail),
        Because::Announcement => Some(Callee::Announcement),
        Because::Menu => Some(Callee::Ivr),
        Because::CustomerSpoke => Some(Callee::Human),
        Because::NotAnswered | Because::Echo | Because::Silence => None,
    }
}

/// When the first words of the callee were over, if they came before the bot's.
fn first_words_end(transcript: &[TranscriptEntry]) -> Option<f64> {
    let first = transcript.first().filter(|line| line.speaker == Speaker::Caller)?;
    Some(first.ended_ms as f64)
}

/// Whether the person at the other end said that they wish not to be called any more.
pub fn opted_out(transcript: &[TranscriptEntry]) -> bool {
    let persons = voices(transcript).into_iter().filter(|(_, voice)| *voice == Voice::Person);
    persons
        .map(|(place, _)| Words::of(&transcript[place].text))
        .any(|said| OPT_OUT.iter().any(|wish| said.holds(wish)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(speaker: Speaker, text: &str) -> TranscriptEntry {
        let speaker = serde_json::to_value(speaker).unwrap();
        let line = json!({"turn": 1, "speaker": speaker, "text": text, "started_ms": 500, "ended_ms": 1_400});
        serde_json::from_value(line).unwrap()
    }

    fn check(text: &str, expected: bool) {
        assert_eq!(opted_out(&[line(Speaker::Caller, text)]), expected, "{text}");
    }

    #[test]
    fn a_wish_not_to_be_called_is_known_in_the_words_of_people() {
        check("Please, don't call me again!", true);
        check("Take me off your list.", true);
        check("Bitte rufen Sie mich nicht mehr an.", true);
        check("मुझे दोबारा फोन मत करना", true);
        check("Ne m'appelez plus, merci", true);
        check("Can you call me again tomorrow?", false);
        check("I can't talk, don't call me at work before nine", false);
        check("Rufen Sie mich morgen an", false);
        assert!(!opted_out(&[line(Speaker::Bot, "I will not call. Stop calling me, you said.")]));
    }

    fn result(change: impl FnOnce(&mut CallResult)) -> CallResult {
        let mut result = CallResult::bare("call_1".parse().unwrap(), DisconnectedBy::Customer);
        result.connected_event = Some(json!({"_campaign_call_id": "con_1.2"}));
        result.transcript = vec![line(Speaker::Caller, "Hello, who is this?"), line(Speaker::Bot, "Hello!")];
        result.latency.answer_to_first_audio_ms = Some(2_000.0);
        change(&mut result);
        result
    }

    #[test]
    fn the_workers_word_goes_before_the_transcript() {
        let (id, word) = word_of(&result(|_| {})).unwrap();
        assert_eq!((id.as_str(), word.class), ("con_1.2", Some(Callee::Human)));
        assert_eq!((word.greeting_end_ms, word.first_audio_ms), (Some(1_400.0), Some(2_000.0)));
        let told = json!({"class": "voicemail", "message_left": true, "evidence": {"signs": [[900, {"W": "=this is Mira"}]]}});
        let told = serde_json::from_value(told).unwrap();
        let (_, word) = word_of(&result(|result| result.answered_by = Some(told))).unwrap();
        assert_eq!((word.class, word.message_left), (Some(Callee::Voicemail), true));
        let kept = serde_json::to_string(&word).unwrap();
        assert!(!kept.contains("Mira"), "it goes with the call: {kept}");
        let told = serde_json::from_value(json!({"class": "announcement", "invalid_number": true})).unwrap();
        let (_, word) = word_of(&result(|result| result.answered_by = Some(told))).unwrap();
        assert_eq!((word.class, word.invalid_number), (Some(Callee::Announcement), true));
        assert!(word_of(&result(|result| result.connected_event = None)).is_none());
    }
}
