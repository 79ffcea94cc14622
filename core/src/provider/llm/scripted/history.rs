//! The conversation so far, as the turns of the caller. The bot's own lines are not read: what a barge-in left of them
//! says nothing about where the conversation stands.

use crate::provider::llm::{Message, Role, TAKEN_OVER};

/// What the caller did in one turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// These words, by voice or on the keypad.
    Said(String),
    /// Nothing that was words.
    Silent,
}

/// The caller's turns, and who has the word now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct History {
    pub turns: Vec<Turn>,
    pub last: Last,
}

/// What the conversation ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// Nothing was said: the bot begins.
    Nothing,
    Caller,
    /// The bot spoke last and is asked again.
    Bot,
    /// A tool has answered: nothing is left to say.
    Tool,
}

/// Read the messages. Messages of the caller with no line of the bot between them are one turn: the recogniser or a
/// pause divided it. A note in brackets ("[the caller was silent]") is a turn without words, unless it tells of keys.
pub(super) fn read(messages: &[Message]) -> History {
    let mut history = History { turns: Vec::new(), last: Last::Nothing };
    for message in messages {
        match message.role {
            Role::User => history.caller(&message.text),
            // What was said to another bot is not for this script: it begins where it took the call over.
            Role::System if message.text.starts_with(TAKEN_OVER) => {
                history = History { turns: Vec::new(), last: Last::Nothing };
            }
            Role::System => {
                // Before the conversation a system message is the prompt; inside it only notes concern the caller.
                if history.last != Last::Nothing && is_note(&message.text) {
                    history.caller(&message.text);
                }
            }
            Role::Assistant => {
                if !message.text.trim().is_empty() || !message.tool_calls.is_empty() {
                    history.last = Last::Bot;
                }
            }
            Role::Tool => history.last = Last::Tool,
        }
    }
    history
}

impl History {
    fn caller(&mut self, text: &str) {
        let turn = turn(text);
        let same_turn = self.last == Last::Caller;
        self.last = Last::Caller;
        match (same_turn.then(|| self.turns.last_mut()).flatten(), turn) {
            (Some(Turn::Said(before)), Turn::Said(text)) => {
                before.push(' ');
                before.push_str(&text);
            }
            (Some(before @ Turn::Silent), turn) => *before = turn,
            (Some(Turn::Said(_)), Turn::Silent) => {}
            (None, turn) => self.turns.push(turn),
        }
    }
}

fn is_note(text: &str) -> bool {
    let text = text.trim();
    text.starts_with('[') && text.ends_with(']')
}

fn turn(text: &str) -> Turn {
    let text = text.trim();
    if is_note(text) {
        return keys(text).map_or(Turn::Silent, Turn::Said);
    }
    if text.chars().any(char::is_alphanumeric) { Turn::Said(text.to_owned()) } else { Turn::Silent }
}

/// The keys that a note tells of: `[dtmf: 12#]`, `[the caller pressed 1]`.
fn keys(note: &str) -> Option<String> {
    let note = note.to_lowercase();
    if !["dtmf", "press", "key"].iter().any(|word| note.contains(word)) {
        return None;
    }
    let keys: Vec<String> = note.chars().filter(char::is_ascii_digit).map(String::from).collect();
    (!keys.is_empty()).then(|| keys.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(messages: &[(Role, &str)], turns: &[Turn], last: Last) {
        let messages: Vec<Message> =
            messages.iter().map(|(role, text)| Message::text(*role, *text)).collect();
        assert_eq!(read(&messages), History { turns: turns.to_vec(), last });
    }

    fn said(text: &str) -> Turn {
        Turn::Said(text.to_owned())
    }

    #[test]
    fn the_turns_of_the_caller_are_read() {
        use Role::{Assistant, System, Tool, User};
        check(&[(System, "You are a clinic.")], &[], Last::Nothing);
        check(&[(System, "x"), (Assistant, "Hello?"), (User, "hi")], &[said("hi")], Last::Caller);
        check(
            &[(User, "I want"), (User, "to come"), (Assistant, "Fine.")],
            &[said("I want to come")],
            Last::Bot,
        );
        check(&[(User, "yes"), (Assistant, ""), (User, "please")], &[said("yes please")], Last::Caller);
        check(&[(User, "bye"), (Tool, "done")], &[said("bye")], Last::Tool);
        let note = format!("{TAKEN_OVER} from another assistant.");
        check(&[(User, "billing please"), (Assistant, "One moment."), (System, &note)], &[], Last::Nothing);
        check(&[(User, "billing"), (System, &note), (User, "yes")], &[said("yes")], Last::Caller);
    }

    #[test]
    fn notes_are_silence_or_keys() {
        use Role::{Assistant, System, User};
        check(&[(User, "[the caller was silent]")], &[Turn::Silent], Last::Caller);
        check(&[(Assistant, "Hi"), (System, "[no answer]")], &[Turn::Silent], Last::Caller);
        check(&[(User, " ... ")], &[Turn::Silent], Last::Caller);
        check(&[(User, "[dtmf: 12#]")], &[said("1 2")], Last::Caller);
        check(&[(User, "[silence]"), (User, "yes")], &[said("yes")], Last::Caller);
        check(&[(User, "yes"), (User, "[silence]")], &[said("yes")], Last::Caller);
    }
}
