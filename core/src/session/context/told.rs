//! What a request tells the model of the conversation: the newest of it that has room, and its beginning in short (`session/recap`).

use super::{Context, Entry, join};
use crate::provider::llm::{LlmRequest, Message, Role, ToolCall};
use crate::session::spending::CHARS_PER_TOKEN;

/// History sent to the model at most, bytes: a limit of size, whatever a script's letters count as.
pub(super) const HISTORY_BYTES: usize = 32_000;
/// Of it, the answers of tools since the caller's last words, all together: what was said before has room beside them.
const ANSWERS_BYTES: usize = HISTORY_BYTES / 4 * 3;
/// However little room there is, so much is told of each.
const SHORTEST_ANSWER_BYTES: usize = 256;
/// Turns of the caller at the end of the conversation that are always told as they were.
const WHOLE_TURNS: usize = 4;
/// Before what is told in short.
const SAID_BEFORE: &str = "What was said before in this call, in short: ";
/// Behind an answer of which the rest is left out.
pub(super) const CUT_OFF: &str = " [cut off here]";

impl Context {
    /// The request for the next reply.
    pub fn request(&self) -> LlmRequest {
        let messages = self.told(self.recent());
        LlmRequest { messages, tools: self.tools.clone(), cache_key: self.cache_key.clone() }
    }

    /// So many turns of the caller are told as they were.
    pub fn turns(&self) -> usize {
        self.turn_places().count()
    }

    /// A request about the beginning of the conversation, all but its newest turns: how many messages that is, and the one behind them.
    /// `None` where there is none.
    pub fn beginning(&self) -> Option<(LlmRequest, usize, Message)> {
        let places: Vec<usize> = self.turn_places().collect();
        let at = *places.get(places.len().checked_sub(WHOLE_TURNS)?)?;
        let next = self.history.get(at)?.message.clone();
        let mut left = HISTORY_BYTES;
        let newest = self.history[..at].iter().rev().map(|e| cut(&e.message, ANSWERS_BYTES));
        let mut told: Vec<Message> = newest
            .take_while(|message| {
                left = left.saturating_sub(size(message));
                left > 0
            })
            .collect();
        while told.last().is_some_and(|m| m.role == Role::Tool) {
            told.pop();
        }
        told.reverse();
        let request = LlmRequest { messages: self.told(told), tools: Vec::new(), cache_key: None };
        (at > 0).then_some((request, at, next))
    }

    /// The first so many messages are told in short from now on, if `next` still comes behind them.
    pub fn sum_up(&mut self, messages: usize, next: &Message, text: &str) -> bool {
        let is_same = self.history.get(messages).is_some_and(|entry| entry.message == *next);
        if is_same {
            self.history.drain(..messages);
            self.recap = format!("{SAID_BEFORE}{text}");
        }
        is_same
    }

    /// Where the caller's turns stand.
    fn turn_places(&self) -> impl Iterator<Item = usize> {
        let is_turn = |e: &Entry| e.message.role == Role::User && e.draft.is_none();
        self.history.iter().enumerate().filter(move |(_, e)| is_turn(e)).map(|(at, _)| at)
    }

    /// These messages behind what goes before them always.
    fn told(&self, recent: Vec<Message>) -> Vec<Message> {
        let mut messages = vec![Message::text(Role::System, self.system.clone())];
        if !self.recap.is_empty() {
            messages.push(Message::text(Role::System, self.recap.clone()));
        }
        for message in recent {
            match messages.last_mut() {
                // Text and the tools it went with are one message to the model.
                Some(last)
                    if last.role == Role::Assistant
                        && message.role == Role::Assistant
                        && last.tool_calls.is_empty() =>
                {
                    join(&mut last.text, &message.text);
                    last.tool_calls = message.tool_calls;
                }
                // What the caller said and what seems to follow.
                Some(last) if last.role == Role::User && message.role == Role::User => {
                    join(&mut last.text, &message.text)
                }
                _ => messages.push(message),
            }
        }
        messages
    }

    /// About how many tokens a request has now, as the bot's limit counts them: [`CHARS_PER_TOKEN`].
    pub fn tokens(&self) -> u64 {
        let said: usize = self.recent().iter().map(chars).sum();
        (self.system.chars().count() + self.recap.chars().count() + said) as u64 / CHARS_PER_TOKEN
    }

    /// The newest messages that fit, beginning with one of the caller or bot, never with a tool's answer alone. What the caller said
    /// last and all that follows it is always there: of tools' answers that are too long for that the longest are cut.
    fn recent(&self) -> Vec<Message> {
        let turn = self.turn();
        let (older, newer) = self.history.split_at(turn);
        let longest = longest_answer(newer);
        let mut left = HISTORY_BYTES;
        let mut told: Vec<Message> = newer.iter().map(|e| cut(&e.message, longest)).collect();
        left = left.saturating_sub(told.iter().map(size).sum());
        let mut before = Vec::new();
        for entry in older.iter().rev() {
            let message = cut(&entry.message, ANSWERS_BYTES);
            match left.checked_sub(size(&message)) {
                Some(rest) => left = rest,
                None => break,
            }
            before.push(message);
        }
        while before.last().is_some_and(|m| m.role == Role::Tool) {
            before.pop();
        }
        before.reverse();
        before.append(&mut told);
        before
    }

    /// Where the newest turn begins: with the caller's last words, or with the last tools of a caller who said nothing yet.
    fn turn(&self) -> usize {
        let last = |is_it: fn(&Message) -> bool| self.history.iter().rposition(|e| is_it(&e.message));
        let spoken = last(|m| m.role == Role::User);
        let begins = spoken.or_else(|| last(|m| !m.tool_calls.is_empty()));
        begins.unwrap_or(self.history.len().saturating_sub(1))
    }
}

/// Of a message in a request, bytes.
pub(super) fn size(message: &Message) -> usize {
    let of_call = |call: &ToolCall| call.name.len() + call.arguments.to_string().len();
    message.text.len() + message.tool_calls.iter().map(of_call).sum::<usize>()
}

/// The same in characters.
pub(super) fn chars(message: &Message) -> usize {
    let of_call = |call: &ToolCall| call.name.chars().count() + call.arguments.to_string().chars().count();
    message.text.chars().count() + message.tool_calls.iter().map(of_call).sum::<usize>()
}

/// So much of each tool's answer is told that all of them have room; shorter ones leave theirs to longer ones.
fn longest_answer(turn: &[Entry]) -> usize {
    let (answers, others): (Vec<_>, Vec<_>) = turn.iter().partition(|e| e.message.role == Role::Tool);
    let others: usize = others.iter().map(|e| size(&e.message)).sum();
    let mut room = ANSWERS_BYTES.min(HISTORY_BYTES.saturating_sub(others));
    let mut sizes: Vec<usize> = answers.iter().map(|e| e.message.text.len()).collect();
    sizes.sort_unstable();
    for (at, size) in sizes.iter().enumerate() {
        let share = room / (sizes.len() - at);
        if *size > share {
            return share.max(SHORTEST_ANSWER_BYTES);
        }
        room -= size;
    }
    ANSWERS_BYTES
}

/// The message, or of a long answer of a tool the beginning.
fn cut(message: &Message, longest: usize) -> Message {
    let mut message = message.clone();
    if message.role == Role::Tool && message.text.len() > longest {
        let end = message.text.floor_char_boundary(longest.saturating_sub(CUT_OFF.len()));
        message.text.truncate(end);
        message.text.push_str(CUT_OFF);
    }
    message
}
