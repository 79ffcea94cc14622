//! What the model is told of the conversation's own tools, where the bot's settings say nothing else.

use serde_json::{Value, json};
use vox_shared::model::bot::tool::{
    DETECTED_VOICEMAIL, END_CALL, SCHEDULE_CALLBACK, SEND_DTMF, SWITCH_LANGUAGE, TRANSFER_CALL,
};

/// What it does and when to use it; empty for a tool that is none of them.
pub fn description(name: &str) -> &'static str {
    match name {
        END_CALL => "End the call. Say goodbye in `message`: it is spoken to the end before the line closes.",
        TRANSFER_CALL => {
            "Hand the caller over to a person, or to another assistant, once the caller wants that or needs one. Say in the same reply \
             that you connect them; the transfer begins when that was heard. You are told if nobody takes the call."
        }
        DETECTED_VOICEMAIL => {
            "Call this as soon as it is clear that no person answered, but a voicemail, an answering machine or a recorded announcement. \
             Say nothing yourself: the message for it is left after its beep, and the call ends."
        }
        SEND_DTMF => {
            "Press keys of the telephone, when a menu or a machine asks for them. Say nothing in the same reply; wait for what the line \
             says then."
        }
        SCHEDULE_CALLBACK => {
            "Note that the caller wishes to be called back, once they have said when. Say the day and the time that you are told back to \
             the caller. Call it again to change what was noted."
        }
        SWITCH_LANGUAGE => {
            "Go over to another language, as soon as the caller speaks it or asks for it. Say nothing in the same reply: your next words are \
             in the new language, and in its voice."
        }
        _ => "",
    }
}

/// The schema of its arguments.
pub fn schema(name: &str) -> Value {
    let properties = match name {
        TRANSFER_CALL => json!({
            "target": {"type": "string", "description": "Id or label of the person, desk or assistant; left out for the usual one."},
            "reason": {"type": "string", "description": "Why the caller wants a person, in a few words."},
            "summary": {"type": "string", "description": "What whoever takes the call must know, in one or two spoken sentences."},
        }),
        SEND_DTMF => {
            let form = "0-9, *, #, A-D; w is a pause of half a second, a comma one of two seconds. For example 1, or 12w345#.";
            let digits = json!({"type": "string", "minLength": 1, "maxLength": 64, "description": form});
            return json!({"type": "object", "required": ["digits"], "properties": {"digits": digits}});
        }
        SCHEDULE_CALLBACK => {
            let when = "\"2026-12-01 10:30\" in the bot's time zone, \"today 18:00\", \"tomorrow 10:30\", \"monday 9:00\", or \"in 30 minutes\", \
                        \"in 2 hours\", \"in 3 days\".";
            let properties = json!({
                "when": {"type": "string", "minLength": 1, "maxLength": 64, "description": when},
                "number": {"type": "string", "maxLength": 64, "description": "Another number than the one of this call, with its country code."},
                "note": {"type": "string", "description": "What the call is to be about, in a few words."},
            });
            return json!({"type": "object", "required": ["when"], "properties": properties});
        }
        SWITCH_LANGUAGE => {
            let language = json!({"type": "string", "minLength": 2, "maxLength": 35, "description": "A language's tag, such as hi or en-IN."});
            return json!({"type": "object", "required": ["language"], "properties": {"language": language}});
        }
        END_CALL => json!({"message": {"type": "string", "description": "The goodbye to speak."}}),
        _ => json!({}),
    };
    json!({"type": "object", "properties": properties})
}

#[cfg(test)]
mod tests {
    use vox_shared::model::bot::tool::BUILT_IN;
    use vox_shared::model::bot::tool::arguments::faults_of_schema;

    use super::*;

    #[test]
    fn each_is_described_by_rules_that_are_held() {
        for name in BUILT_IN {
            assert!(!description(name).is_empty(), "{name}");
            assert_eq!(faults_of_schema(&schema(name)), [], "{name}");
        }
    }
}
