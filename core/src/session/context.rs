//! The conversation as the model sees it. Bot text enters only as far as it was heard.

use std::time::Duration;

use serde_json::Value;

use super::party::Party;
use super::plan::SayingId;
use super::spending::CHARS_PER_TOKEN;
use super::text::append;
use super::thinking::NO_ANSWER;
use crate::provider::llm::{CacheKey, LlmRequest, Message, Role, ToolCall, ToolSpec};

/// History sent to the model at most, bytes: a limit of size, whatever a script's letters count as.
const HISTORY_BYTES: usize = 32_000;
/// Of it, the answers of tools since the caller's last words, all together: what was said before has room beside them.
const ANSWERS_BYTES: usize = HISTORY_BYTES / 4 * 3;
/// However little room there is, so much is told of each.
const SHORTEST_ANSWER_BYTES: usize = 256;
/// Turns of the caller at the end of the conversation that are always told as they were.
const WHOLE_TURNS: usize = 4;
/// Before what is told in short.
const SAID_BEFORE: &str = "What was said before in this call, in short: ";
/// Behind an answer of which the rest is left out.
const CUT_OFF: &str = " [cut off here]";

/// A message and, where its place was kept for it, the line it comes from.
#[derive(Debug)]
struct Entry {
    message: Message,
    line: Option<SayingId>,
    /// The text is what the model said and nobody heard yet.
    promised: bool,
    /// The caller may not be done with it: it can be taken back.
    draft: Option<Draft>,
    /// One of two people who talk with each other said it, and began then.
    by: Option<(Party, Duration)>,
}

impl Entry {
    fn new(message: Message) -> Self {
        Self { message, line: None, promised: false, draft: None, by: None }
    }
}

/// Names words of the caller that can be taken back; counted up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft(u64);

/// The conversation so far.
#[derive(Debug)]
pub struct Context {
    system: String,
    tools: Vec<ToolSpec>,
    cache_key: Option<CacheKey>,
    /// The beginning of the conversation in short, once it is told so.
    recap: String,
    history: Vec<Entry>,
    drafts: u64,
}

impl Context {
    /// A conversation that has not begun.
    pub fn new(system: String, tools: Vec<ToolSpec>, cache_key: Option<CacheKey>) -> Self {
        Self { system, tools, cache_key, recap: String::new(), history: Vec::new(), drafts: 0 }
    }

    /// What the model may call from now on.
    pub fn set_tools(&mut self, tools: Vec<ToolSpec>) {
        self.tools = tools;
    }

    /// The caller said.
    pub fn caller(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        match self.history.last_mut() {
            Some(last) if last.message.role == Role::User && last.draft.is_none() && last.by.is_none() => {
                join(&mut last.message.text, text)
            }
            _ => self.push(Message::text(Role::User, text)),
        }
    }

    /// One of two people who talk with each other said this, and began then: its place is before what began later.
    pub fn heard(&mut self, who: Party, text: &str, began: Duration) {
        if text.is_empty() {
            return;
        }
        let is_later = |e: &Entry| e.by.is_some_and(|(_, other)| other > began);
        let place = self.history.iter().position(is_later).unwrap_or(self.history.len());
        let message = Message::text(Role::User, who.quoted(text));
        self.history.insert(place, Entry { by: Some((who, began)), ..Entry::new(message) });
    }

    /// What somebody had said turns out to be more: `before` becomes `whole`. False when it is not there.
    pub fn amend(&mut self, who: Party, before: &str, whole: &str) -> bool {
        let is_own =
            |e: &&mut Entry| e.message.role == Role::User && e.by.map_or(Party::Caller, |(p, _)| p) == who;
        for entry in self.history.iter_mut().rev().filter(is_own) {
            if let Some(at) = entry.message.text.rfind(before).filter(|_| !before.is_empty()) {
                entry.message.text.replace_range(at..at + before.len(), whole);
                return true;
            }
        }
        false
    }

    /// The operator wants the model to know this from now on.
    pub fn note(&mut self, text: &str) {
        self.push(Message::text(Role::System, text));
    }

    /// The caller said, as it seems: a reply may be asked for before it is known whether that was all.
    pub fn draft(&mut self, text: &str) -> Draft {
        self.drafts += 1;
        let draft = Draft(self.drafts);
        self.push(Message::text(Role::User, text));
        if let Some(entry) = self.history.last_mut() {
            entry.draft = Some(draft);
        }
        draft
    }

    /// That was what the caller said.
    pub fn confirm(&mut self, draft: Draft) {
        self.history.iter_mut().filter(|e| e.draft == Some(draft)).for_each(|e| e.draft = None);
    }

    /// The caller goes on: those words, as far as they were known by now, come again. Whatever else was heard, said and noted
    /// meanwhile stays.
    pub fn withdraw(&mut self, draft: Draft) {
        self.history.retain(|e| e.draft != Some(draft));
    }

    /// The model said this and called a tool after it: its place in the conversation is here, however late it is heard.
    pub fn promise(&mut self, line: SayingId, text: &str) {
        if !text.is_empty() && !self.history.iter().any(|e| e.line == Some(line)) {
            let message = Message::text(Role::Assistant, text);
            self.history.push(Entry { line: Some(line), promised: true, ..Entry::new(message) });
        }
    }

    /// The bot was heard to say this of the line. Empty text is nothing.
    pub fn bot_heard(&mut self, line: SayingId, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(entry) = self.history.iter_mut().find(|e| e.line == Some(line) && e.promised) {
            entry.promised = false;
            entry.message.text = text.to_owned();
            return;
        }
        // Lines are said in their order: what was heard of this one comes before what is promised of a later one.
        let is_later = |e: &Entry| e.promised && e.line.is_some_and(|later| later > line);
        let end = self.history.iter().position(is_later).unwrap_or(self.history.len());
        let own = self.history.iter().rposition(|e| e.line == Some(line));
        match own.or(end.checked_sub(1)).map(|at| &mut self.history[at]) {
            Some(entry) if is_speech(entry) => append(&mut entry.message.text, text),
            _ => {
                let message = Message::text(Role::Assistant, text);
                self.history.insert(end, Entry::new(message));
            }
        }
    }

    /// What was promised and will not be heard any more leaves the conversation.
    pub fn drop_promises(&mut self) {
        self.history.retain(|e| !e.promised);
    }

    /// Tools ran, all of one reply.
    pub fn tool_results(&mut self, round: Vec<(ToolCall, Value)>) {
        let (calls, results): (Vec<_>, Vec<_>) =
            round.into_iter().map(|(call, result)| (call.clone(), (call.id, result))).unzip();
        let message =
            Message { role: Role::Assistant, text: String::new(), tool_calls: calls, tool_call_id: None };
        self.push(message);
        for (id, result) in results {
            let text = text_of(&result);
            let message = Message { role: Role::Tool, text, tool_calls: Vec::new(), tool_call_id: Some(id) };
            self.push(message);
        }
    }

    /// A tool answered that no reply waits for any more: here, or where the model was told that it had not.
    pub fn late_result(&mut self, call: ToolCall, result: Value) {
        let is_told = |m: &Message| m.tool_call_id.as_ref() == Some(&call.id) && m.text == NO_ANSWER;
        match self.history.iter_mut().rev().find(|e| is_told(&e.message)) {
            Some(entry) => entry.message.text = text_of(&result),
            None => self.tool_results(vec![(call, result)]),
        }
    }

    /// Whether the caller has said anything.
    pub fn has_caller_words(&self) -> bool {
        self.history.iter().any(|e| e.message.role == Role::User)
    }

    /// Everything after the system message.
    pub fn history(&self) -> Vec<Message> {
        self.history.iter().map(|e| e.message.clone()).collect()
    }

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

    fn push(&mut self, message: Message) {
        self.history.push(Entry::new(message));
    }
}

/// Whether it is what the bot was heard to say, and nothing else.
fn is_speech(entry: &Entry) -> bool {
    entry.message.role == Role::Assistant && entry.message.tool_calls.is_empty() && !entry.promised
}

/// Of a message in a request, bytes.
fn size(message: &Message) -> usize {
    let of_call = |call: &ToolCall| call.name.len() + call.arguments.to_string().len();
    message.text.len() + message.tool_calls.iter().map(of_call).sum::<usize>()
}

/// The same in characters.
fn chars(message: &Message) -> usize {
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

fn text_of(result: &Value) -> String {
    result.as_str().map_or_else(|| result.to_string(), str::to_owned)
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(id: &str) -> ToolCall {
        ToolCall { id: id.into(), name: "look_up".into(), arguments: json!({}) }
    }

    #[test]
    fn one_speaker_in_a_row_is_one_message() {
        let mut context = Context::new("Be kind.".into(), Vec::new(), None);
        context.bot_heard(1, "Hello.");
        context.bot_heard(1, "");
        context.caller("I need");
        context.caller("help");
        let request = context.request();
        assert_eq!(request.messages.len(), 3);
        assert_eq!(request.messages[2].text, "I need help");
    }

    #[test]
    fn the_oldest_messages_fall_out_first() {
        let mut context = Context::new(String::new(), Vec::new(), None);
        for i in 0..100 {
            context.caller(&format!("{i} {}", "x".repeat(1000)));
            context.bot_heard(i, "yes");
        }
        let request = context.request();
        let size: usize = request.messages.iter().map(|m| m.text.len()).sum();
        assert!(size <= HISTORY_BYTES);
        assert!(request.messages.last().is_some_and(|m| m.text == "yes"));
        assert_eq!(context.history().len(), 200);
    }

    /// Two long answers of one reply left the model with the system prompt alone.
    #[test]
    fn however_long_tools_answer_the_model_knows_the_question_and_something_of_each() {
        let letters = |n: usize| json!("न".repeat(n));
        for rounds in 1..=4 {
            let mut context = Context::new("Be kind.".into(), Vec::new(), None);
            context.bot_heard(1, "Hello.");
            context.caller("What do I owe?");
            for round in 0..rounds {
                let ids = ["a", "b", "c"].map(|id| call(&format!("{id}{round}")));
                let [a, b, c] = ids;
                context.tool_results(vec![(a, letters(16_000)), (b, json!("12")), (c, letters(5_000))]);
            }
            let asked = context.request().messages;
            let size: usize = asked.iter().map(size).sum();
            assert!(size <= HISTORY_BYTES + "Be kind.".len(), "{rounds}: {size}");
            assert_eq!(
                (asked[1].text.as_str(), asked[2].text.as_str()),
                ("Hello.", "What do I owe?"),
                "{rounds}"
            );
            let answers: Vec<&str> =
                asked.iter().filter(|m| m.role == Role::Tool).map(|m| m.text.as_str()).collect();
            assert_eq!(answers.len(), 3 * rounds);
            assert!(answers.iter().all(|a| *a == "12" || a.len() > 1_500), "each has its share");
            assert!(answers[0].ends_with(CUT_OFF));
            let letters: usize = asked.iter().map(chars).sum();
            assert_eq!(context.tokens(), letters as u64 / CHARS_PER_TOKEN);
        }
    }

    /// Hindi had three times the tokens of the same words in Latin letters.
    #[test]
    fn four_characters_count_as_a_token_in_every_script() {
        let mut context = Context::new("दयालु रहो".into(), Vec::new(), None);
        context.caller(&"न".repeat(91));
        assert_eq!(context.tokens(), 25);
    }

    #[test]
    fn a_later_turn_does_without_answers_that_do_not_fit_any_more() {
        let mut context = Context::new(String::new(), Vec::new(), None);
        context.caller("What do I owe?");
        context.tool_results(vec![
            (call("a"), json!("x".repeat(16_000))),
            (call("b"), json!("y".repeat(16_000))),
        ]);
        context.bot_heard(1, "Twelve.");
        context.caller("And when?");
        context.tool_results(vec![(call("c"), json!("z".repeat(14_000)))]);
        let roles: Vec<Role> = context.request().messages.iter().map(|m| m.role).collect();
        assert_eq!(roles, [Role::System, Role::Assistant, Role::User, Role::Assistant, Role::Tool]);
    }

    #[test]
    fn text_before_a_tool_call_keeps_its_place_and_shrinks_to_what_was_heard() {
        let mut context = Context::new(String::new(), Vec::new(), None);
        context.caller("What do I owe?");
        context.promise(7, "Let me look that up.");
        context.tool_results(vec![(call("a"), json!("12")), (call("b"), json!({"n": 1}))]);
        let asked = context.request().messages;
        assert_eq!(asked[2].text, "Let me look that up.");
        assert_eq!(asked[2].tool_calls.len(), 2, "text and tools are one message");
        assert_eq!((asked[3].text.as_str(), asked[4].text.as_str()), ("12", "{\"n\":1}"));
        context.bot_heard(7, "Let me look");
        context.bot_heard(8, "You owe twelve.");
        let history = context.history();
        assert_eq!(history[1].text, "Let me look");
        assert_eq!(history.last().unwrap().text, "You owe twelve.");
    }

    #[test]
    fn what_was_promised_and_never_heard_is_gone() {
        let mut context = Context::new(String::new(), Vec::new(), None);
        context.promise(1, "Never heard.");
        context.tool_results(vec![(call("a"), json!("12"))]);
        context.drop_promises();
        assert!(context.history().iter().all(|m| m.text != "Never heard."));
    }

    #[test]
    fn a_draft_can_be_withdrawn_and_late_words_are_added() {
        let mut context = Context::new(String::new(), Vec::new(), None);
        context.caller("I need an appointment");
        assert!(context.amend(Party::Caller, "an appointment", "an appointment on Monday"));
        assert!(!context.amend(Party::Caller, "never said", "at all"));
        let draft = context.draft("at ten");
        assert_eq!(context.request().messages[1].text, "I need an appointment on Monday at ten");
        context.withdraw(draft);
        let draft = context.draft("at eleven");
        context.confirm(draft);
        context.withdraw(draft);
        context.caller("or so");
        assert_eq!(context.request().messages[1].text, "I need an appointment on Monday at eleven or so");
    }

    #[test]
    fn only_the_draft_is_withdrawn_whatever_happened_meanwhile() {
        let mut context = Context::new(String::new(), Vec::new(), None);
        context.caller("जी हाँ मैं");
        let draft = context.draft("सोमवार को");
        assert!(context.amend(Party::Caller, "जी हाँ मैं", "जी मैं हूँ ना"));
        assert!(context.amend(Party::Caller, "सोमवार को", "मंगलवार को आऊँगा"));
        context.note("The caller is a doctor.");
        context.bot_heard(1, "Sure.");
        context.withdraw(draft);
        let texts: Vec<String> = context.history().into_iter().map(|m| m.text).collect();
        assert_eq!(texts, ["जी मैं हूँ ना", "The caller is a doctor.", "Sure."]);
    }

    #[test]
    fn a_late_result_takes_the_place_of_its_absence() {
        let mut context = Context::new(String::new(), Vec::new(), None);
        context.tool_results(vec![(call("call_0"), json!("7"))]);
        context.tool_results(vec![(call("call_0"), json!(NO_ANSWER))]);
        context.bot_heard(1, "I could not find out.");
        context.late_result(call("call_0"), json!(12));
        context.late_result(call("b"), json!(13));
        let texts: Vec<String> = context.history().into_iter().map(|m| m.text).collect();
        assert_eq!(texts, ["", "7", "", "12", "I could not find out.", "", "13"]);
    }
}
