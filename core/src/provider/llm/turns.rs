//! A conversation as vendors want it whose models know two speakers that take turns: the caller begins and has the last word, the answers
//! of tools stand where they were asked for, and nothing is empty.

use std::borrow::Cow;

use super::{Message, Role, ToolCall};

/// What the caller says where the bot has the first word, or there is none at all.
const CALL_BEGINS: &str = "(The call begins.)";
/// What the caller says where the bot had the last word.
const SILENCE: &str = "(The caller says nothing.)";
/// A tool's answer that is not in the history.
const NO_ANSWER: &str = "(no answer)";

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    Caller,
    Bot,
}

/// A part of a turn.
#[derive(Debug, PartialEq)]
pub(super) enum Part<'a> {
    Said(Cow<'a, str>),
    Called(&'a ToolCall),
    /// What a tool answered to a call of the turn before.
    Answered(&'a ToolCall, &'a str),
}

/// What one speaker says at a time.
#[derive(Debug, PartialEq)]
pub(super) struct Turn<'a> {
    pub(super) speaker: Speaker,
    pub(super) parts: Vec<Part<'a>>,
}

/// A conversation: what the model is told to be, and the turns.
#[derive(Debug, PartialEq)]
pub(super) struct Conversation<'a> {
    pub(super) system: &'a str,
    pub(super) turns: Vec<Turn<'a>>,
}

impl<'a> Conversation<'a> {
    /// Put messages in order.
    pub(super) fn of(messages: &'a [Message]) -> Self {
        let (system, rest) = match messages.split_first() {
            Some((first, rest)) if first.role == Role::System => (first.text.as_str(), rest),
            _ => ("", messages),
        };
        let mut conversation = Self { system, turns: Vec::new() };
        for message in rest {
            conversation.take(message);
        }
        conversation.answer_all();
        conversation.settle();
        conversation
    }

    /// Tell the model something before all that is said.
    pub(super) fn begin_with_note(&mut self, text: &str) {
        if let Some(first) = self.turns.first_mut() {
            // The first turn is the caller's.
            first.parts.insert(0, Part::Said(note(text).into()));
        }
    }

    fn take(&mut self, message: &'a Message) {
        let text = message.text.as_str();
        match message.role {
            Role::User => self.say(Speaker::Caller, Cow::Borrowed(text)),
            // What an operator wants the bot to know in the midst of a call.
            Role::System => self.say(Speaker::Caller, Cow::Owned(note(text))),
            Role::Assistant => {
                // What the bot says next closes what it asked for; words beside its calls are of one turn with them.
                let is_next = self.turns.last().is_some_and(|turn| turn.speaker == Speaker::Caller);
                if !message.tool_calls.is_empty() || (is_next && !text.trim().is_empty()) {
                    self.answer_all();
                }
                self.say(Speaker::Bot, Cow::Borrowed(text));
                for call in &message.tool_calls {
                    self.push(Speaker::Bot, Part::Called(call));
                }
            }
            Role::Tool => {
                let id = message.tool_call_id.as_deref().unwrap_or_default();
                if let Some(call) = self.open_calls().into_iter().find(|call| call.id == id) {
                    self.push(Speaker::Caller, Part::Answered(call, text));
                }
            }
        }
    }

    fn say(&mut self, speaker: Speaker, text: Cow<'a, str>) {
        if !text.trim().is_empty() {
            self.push(speaker, Part::Said(text));
        }
    }

    fn push(&mut self, speaker: Speaker, part: Part<'a>) {
        match self.turns.last_mut() {
            Some(last) if last.speaker == speaker => last.parts.push(part),
            _ => self.turns.push(Turn { speaker, parts: vec![part] }),
        }
    }

    /// The calls of the bot's last turn that have no answer.
    fn open_calls(&self) -> Vec<&'a ToolCall> {
        let Some(at) = self.turns.iter().rposition(|turn| turn.speaker == Speaker::Bot) else {
            return Vec::new();
        };
        let answers = self.turns.get(at + 1).map_or(&[][..], |turn| &turn.parts);
        let is_answered = |call: &ToolCall| {
            answers.iter().any(|part| matches!(part, Part::Answered(answered, _) if answered.id == call.id))
        };
        let call = |part: &Part<'a>| match part {
            Part::Called(call) if !is_answered(call) => Some(*call),
            _ => None,
        };
        self.turns[at].parts.iter().filter_map(call).collect()
    }

    /// No call stays without an answer.
    fn answer_all(&mut self) {
        for call in self.open_calls() {
            self.push(Speaker::Caller, Part::Answered(call, NO_ANSWER));
        }
    }

    fn settle(&mut self) {
        if self.turns.first().is_none_or(|turn| turn.speaker == Speaker::Bot) {
            let begins = Turn { speaker: Speaker::Caller, parts: vec![Part::Said(CALL_BEGINS.into())] };
            self.turns.insert(0, begins);
        }
        if self.turns.last().is_some_and(|turn| turn.speaker == Speaker::Bot) {
            self.push(Speaker::Caller, Part::Said(SILENCE.into()));
        }
        let mut asked: Vec<String> = Vec::new();
        for turn in &mut self.turns {
            // Answers come before what is said after them, in the order in which they were asked for.
            turn.parts.sort_by_key(|part| match part {
                Part::Answered(call, _) => asked.iter().position(|id| *id == call.id).unwrap_or(0),
                Part::Said(_) if turn.speaker == Speaker::Bot => 0,
                Part::Said(_) | Part::Called(_) => usize::MAX,
            });
            let call = |part: &Part<'_>| match part {
                Part::Called(call) => Some(call.id.clone()),
                _ => None,
            };
            asked = turn.parts.iter().filter_map(call).collect();
        }
    }
}

/// What the model is to know, within a turn of the caller's.
fn note(text: &str) -> String {
    format!("[Note to you, not said by the caller: {text}]")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(role: Role, text: &str) -> Message {
        Message::text(role, text)
    }

    fn calls(ids: &[&str]) -> Message {
        let call = |id: &&str| ToolCall { id: (*id).into(), name: "f".into(), arguments: json!({}) };
        Message { tool_calls: ids.iter().map(call).collect(), ..message(Role::Assistant, "") }
    }

    fn answer(id: &str, text: &str) -> Message {
        Message { tool_call_id: Some(id.into()), ..message(Role::Tool, text) }
    }

    /// Each turn as a line: `C` or `B`, then its parts.
    fn check(messages: &[Message], expected: &[&str]) {
        let part = |part: &Part<'_>| match part {
            Part::Said(text) => text.to_string(),
            Part::Called(call) => format!("+{}", call.id),
            Part::Answered(call, text) => format!("{}={text}", call.id),
        };
        let turn = |turn: &Turn<'_>| {
            let who = if turn.speaker == Speaker::Caller { "C" } else { "B" };
            let parts: Vec<String> = turn.parts.iter().map(part).collect();
            format!("{who} {}", parts.join(" | "))
        };
        let turns: Vec<String> = Conversation::of(messages).turns.iter().map(turn).collect();
        assert_eq!(turns, expected);
    }

    #[test]
    fn the_caller_begins_and_has_the_last_word() {
        use Role::{Assistant, System, User};
        check(&[message(System, "s")], &["C (The call begins.)"]);
        check(
            &[message(System, "s"), message(Assistant, "Hello."), message(User, "Hi.")],
            &["C (The call begins.)", "B Hello.", "C Hi."],
        );
        check(
            &[message(User, "Hi."), message(User, " "), message(Assistant, "Yes?")],
            &["C Hi.", "B Yes?", "C (The caller says nothing.)"],
        );
        check(
            &[message(User, "a"), message(System, "n"), message(User, "b")],
            &["C a | [Note to you, not said by the caller: n] | b"],
        );
        assert_eq!(Conversation::of(&[message(System, "s")]).system, "s");
    }

    #[test]
    fn answers_stand_behind_their_calls() {
        use Role::{Assistant, User};
        check(
            &[message(User, "a"), calls(&["x", "y"]), answer("y", "2"), answer("x", "1"), message(User, "b")],
            &["C a", "B +x | +y", "C x=1 | y=2 | b"],
        );
        check(
            &[
                message(User, "a"),
                calls(&["x", "y"]),
                answer("x", "1"),
                answer("z", "?"),
                message(Assistant, "b"),
            ],
            &["C a", "B +x | +y", "C x=1 | y=(no answer)", "B b", "C (The caller says nothing.)"],
        );
        check(&[answer("x", "1"), message(User, "a")], &["C a"]);
        check(
            &[message(User, "a"), calls(&["x"]), calls(&["y"]), answer("y", "2")],
            &["C a", "B +x", "C x=(no answer)", "B +y", "C y=2"],
        );
        check(
            &[message(User, "a"), calls(&["x"]), message(User, "b"), answer("x", "1")],
            &["C a", "B +x", "C x=1 | b"],
        );
    }
}
