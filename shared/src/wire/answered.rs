//! Who, or what, answered a call that was placed: what the worker's detector made of the first seconds, in the call's result.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Callee {
    Human,
    Voicemail,
    /// A telephone that asks who calls, and passes on whom its owner wants.
    Screening,
    /// A menu, a queue, a closed office.
    Ivr,
    /// The network: no such number, switched off, no line free; also its tones, of a busy line or of one that rings.
    Announcement,
    Fax,
    /// Nobody said anything.
    Silent,
    Unsure,
    /// Of a newer worker.
    #[serde(other)]
    Other,
}

/// What is known of the answer. Times are milliseconds after the line became active.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnsweredBy {
    /// The last verdict.
    pub class: Callee,
    /// The whole message, or nearly, was left on the voicemail.
    #[serde(default)]
    pub message_left: bool,
    /// It takes no message.
    #[serde(default)]
    pub mailbox_full: bool,
    /// Of [`Callee::Announcement`]: by the network's own tones the number is at fault, and no line nor the hour.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub invalid_number: bool,
    /// Of [`Callee::Announcement`]: by the network's own tones no line was free.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_line: bool,
    /// Of [`Callee::Screening`]: the call was passed on to a person.
    #[serde(default)]
    pub passed_on: bool,
    /// When the first words of the callee were over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting_end_ms: Option<f64>,
    /// When the first sound of the bot was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_audio_ms: Option<f64>,
    /// By what it was told, to be looked at again by a later version.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub evidence: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_answered_is_read_with_what_a_newer_worker_adds() {
        let told: AnsweredBy = serde_json::from_str(
            r#"{"class": "voicemail", "message_left": true, "greeting_end_ms": 4120.0, "evidence": {"v": 1}, "of": "a newer version"}"#,
        )
        .unwrap();
        assert_eq!((told.class, told.message_left, told.passed_on), (Callee::Voicemail, true, false));
        let other: AnsweredBy = serde_json::from_str(r#"{"class": "parrot"}"#).unwrap();
        assert_eq!(other.class, Callee::Other);
    }
}
