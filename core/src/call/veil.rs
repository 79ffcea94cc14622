//! Between the conversation and everything that learns of it: what the bot's rules hide is left out of each text on its way
//! out of the session, which itself works on what was really said.

use std::collections::VecDeque;

use serde_json::{Map, Value};
use vox_shared::model::bot::{Redaction, Sink};
use vox_shared::redaction::net::Net;
use vox_shared::redaction::{Covered, Redactor, Said, Secrets};
use vox_shared::wire::result::{CallEvent, Speaker, TranscriptEntry};

use crate::provider::llm::{LlmRequest, Role};
use crate::session::event::{Notice, Outcome};

/// Lines in which a number may go on, or be repeated, while the call runs. At its end all are looked at together.
const RECENT: usize = 24;
/// Fields of an event that hold what went into a tool and came out of it.
const OF_TOOLS: [&str; 2] = ["input", "output"];

/// What one call hides.
#[derive(Debug, Default)]
pub struct Veil(Option<Rules>);

#[derive(Debug)]
struct Rules {
    redactor: Redactor,
    settings: Redaction,
    recent: VecDeque<Shown>,
    /// Of all lines so far: the question may be out of sight when its answer is still shown.
    secrets: Secrets,
    _net: Option<Net>,
}

/// A line, and as it was last told.
#[derive(Debug)]
struct Shown {
    clear: TranscriptEntry,
    veiled: TranscriptEntry,
}

/// A line that is new, or of which more is hidden than before.
#[derive(Debug)]
pub struct Line {
    clear: TranscriptEntry,
    veiled: TranscriptEntry,
    settings: Redaction,
    /// It was told before, otherwise.
    pub is_again: bool,
}

impl Line {
    /// As this sink may have it.
    pub fn at(&self, sink: Sink) -> TranscriptEntry {
        if self.settings.covers(sink) { self.veiled.clone() } else { self.clear.clone() }
    }
}

impl Veil {
    /// By a bot's settings. While it lives the log of the process is under them too.
    pub fn new(settings: &Redaction) -> Self {
        let rules = Redactor::new(&settings.kinds).filter(|_| settings.is_on());
        Self(rules.map(|redactor| Rules {
            _net: settings.covers(Sink::Log).then(|| Net::spread(redactor.clone())),
            redactor,
            settings: settings.clone(),
            recent: VecDeque::new(),
            secrets: Secrets::default(),
        }))
    }

    /// A line was said, or became longer: what is to be told of it and of lines before it, and when what is hidden was said.
    pub fn line(&mut self, entry: TranscriptEntry) -> (Vec<Line>, Vec<Covered>) {
        match &mut self.0 {
            Some(rules) => rules.line(entry),
            None => {
                let settings = Redaction::default();
                let (clear, veiled) = (entry.clone(), entry);
                (vec![Line { clear, veiled, settings, is_again: false }], Vec::new())
            }
        }
    }

    /// An event, as this sink may have it.
    pub fn event(&self, sink: Sink, event: &mut CallEvent) {
        if let Some(Rules { redactor, secrets, .. }) = self.at(sink) {
            hide_event(redactor, secrets, event);
        }
    }

    /// What a watcher is told.
    pub fn notice(&self, notice: &mut Notice) {
        let Some(rules) = self.0.as_ref().filter(|rules| rules.settings.covers(Sink::Live)) else { return };
        match notice {
            Notice::Transcript { entry, is_final: true } => {
                if let Some(shown) = rules.recent.iter().rev().find(|shown| is_same(&shown.clear, entry)) {
                    entry.clone_from(&shown.veiled);
                }
            }
            Notice::Transcript { entry, is_final: false } => {
                entry.text = rules.unfinished(entry.speaker, &entry.text);
                entry.words.clear();
            }
            Notice::Interrupted { heard, .. } => *heard = rules.unfinished(Speaker::Bot, heard),
            Notice::BotStarted { .. } | Notice::BotStopped { .. } | Notice::Metrics(_) => {}
        }
    }

    /// The conversation as the model sees it. What the operator wrote is left as it is.
    pub fn request(&self, request: &mut LlmRequest) {
        let Some(Rules { redactor: rules, secrets, .. }) =
            self.0.as_ref().filter(|rules| rules.settings.covers(Sink::Model))
        else {
            return;
        };
        let speaker = |role: Role| match role {
            Role::User => Some(Speaker::Caller),
            Role::Assistant => Some(Speaker::Bot),
            Role::System | Role::Tool => None,
        };
        let spoken =
            request.messages.iter().filter_map(|m| Some(Said { by: speaker(m.role)?, text: &m.text }));
        let mut hidden = rules.hide(&spoken.collect::<Vec<_>>(), secrets).into_iter();
        for message in &mut request.messages {
            if speaker(message.role).is_some() {
                message.text = hidden.next().unwrap_or_default();
            }
            if message.role == Role::Tool {
                hide(rules, secrets, &mut message.text);
            }
            message.tool_calls.iter_mut().for_each(|call| rules.value_again(&mut call.arguments, secrets));
        }
    }

    /// All that the conversation leaves behind; answers when what is hidden was said.
    pub fn outcome(&self, outcome: &mut Outcome) -> Vec<Covered> {
        let Some(Rules { redactor, settings, secrets, .. }) = &self.0 else { return Vec::new() };
        let (mut lines, mut secrets) = (outcome.transcript.clone(), secrets.clone());
        let covered = redactor.transcript_again(&mut lines, &mut secrets);
        if settings.covers(Sink::Transcript) {
            outcome.transcript = lines;
        }
        if settings.covers(Sink::Events) {
            let events = outcome.events.iter_mut().chain(&mut outcome.why);
            events.for_each(|event| hide_event(redactor, &secrets, event));
            outcome.error.iter_mut().for_each(|error| hide(redactor, &secrets, error));
            // Whom to call is none of it: without the number nobody could.
            outcome.callback.iter_mut().for_each(|callback| hide(redactor, &secrets, &mut callback.note));
        }
        covered.into_iter().flatten().collect()
    }

    /// Whether anything is hidden from this sink.
    pub fn covers(&self, sink: Sink) -> bool {
        self.at(sink).is_some()
    }

    fn at(&self, sink: Sink) -> Option<&Rules> {
        self.0.as_ref().filter(|rules| rules.settings.covers(sink))
    }
}

impl Rules {
    fn line(&mut self, entry: TranscriptEntry) -> (Vec<Line>, Vec<Covered>) {
        let known = self.recent.iter().rposition(|shown| is_same(&shown.clear, &entry));
        let place = known.unwrap_or_else(|| {
            if self.recent.len() == RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back(Shown { clear: entry.clone(), veiled: entry.clone() });
            self.recent.len() - 1
        });
        self.recent[place].clear = entry;
        let mut veiled: Vec<TranscriptEntry> = self.recent.iter().map(|shown| shown.clear.clone()).collect();
        let covered = self.redactor.transcript_again(&mut veiled, &mut self.secrets);
        let mut told = Vec::new();
        for (at, (veiled, shown)) in veiled.into_iter().zip(&mut self.recent).enumerate() {
            if at != place && veiled.text == shown.veiled.text {
                continue;
            }
            shown.veiled = veiled.clone();
            let (clear, settings) = (shown.clear.clone(), self.settings.clone());
            told.push(Line { clear, veiled, settings, is_again: at != place });
        }
        (told, covered.into_iter().flatten().collect())
    }

    /// Words that may still change: also the beginning of what may become a number.
    fn unfinished(&self, by: Speaker, text: &str) -> String {
        let recent =
            self.recent.iter().map(|shown| Said { by: shown.clear.speaker, text: &shown.clear.text });
        let said: Vec<Said<'_>> = recent.chain([Said { by, text }]).collect();
        self.redactor.hide_unfinished(&said, &self.secrets)
    }
}

/// Whether one is the other, longer or shorter: of the bot's lines each is its own.
fn is_same(one: &TranscriptEntry, other: &TranscriptEntry) -> bool {
    (one.turn, one.speaker, one.started_ms) == (other.turn, other.speaker, other.started_ms)
        && (one.speaker != Speaker::Bot || one.text == other.text)
}

fn hide(rules: &Redactor, known: &Secrets, text: &mut String) {
    let hidden = rules.text_again(text, known).into_owned();
    *text = hidden;
}

/// What the caller gave away in a line is known again in whatever field a tool has it. The worker's own figures are none of it: a
/// duration of 482 ms is not the PIN.
fn hide_event(rules: &Redactor, known: &Secrets, event: &mut CallEvent) {
    let is_own = |(name, value): &(&String, &Value)| value.is_number() && !OF_TOOLS.contains(&name.as_str());
    let own = event.data.iter().filter(is_own).map(|(name, value)| (name.clone(), value.clone()));
    let mut own: Map<String, Value> = own.collect();
    rules.fields(&mut own);
    hide(rules, known, &mut event.why);
    rules.fields_again(&mut event.data, known);
    event.data.extend(own);
}

#[cfg(test)]
mod tests {
    use vox_shared::model::bot::Hidden;

    use super::*;
    use crate::provider::llm::Message;

    fn entry(turn: u32, speaker: Speaker, text: &str) -> TranscriptEntry {
        TranscriptEntry {
            turn,
            speaker,
            text: text.into(),
            confidence: None,
            started_ms: u64::from(turn) * 1_000,
            ended_ms: u64::from(turn) * 1_000 + 500,
            interrupted: false,
            words: Vec::new(),
            bot_id: None,
        }
    }

    fn veil(sinks: &[Sink]) -> Veil {
        Veil::new(&Redaction { kinds: Hidden::ALL.to_vec(), sinks: sinks.to_vec() })
    }

    /// Nobody announced it, so its first group was told.
    #[test]
    fn a_line_whose_number_turns_out_to_be_one_is_told_again() {
        let mut veil = veil(&Sink::ALL);
        let (first, none) = veil.line(entry(1, Speaker::Caller, "4111 1111"));
        assert_eq!((first[0].at(Sink::Transcript).text.as_str(), none.len()), ("4111 1111", 0));
        let (told, covered) = veil.line(entry(2, Speaker::Caller, "1111 1111"));
        let told: Vec<_> = told.iter().map(|l| (l.is_again, l.at(Sink::Live).text)).collect();
        assert_eq!(told, [(true, "[card]".to_owned()), (false, "[card]".to_owned())]);
        let times: Vec<_> = covered.iter().map(|c| (c.from_ms, c.to_ms)).collect();
        assert_eq!(times, [(750, 1_750), (1_750, 2_750)]);
    }

    /// Whoever watches puts it in the place of the one with its times.
    #[test]
    fn a_line_in_which_the_bot_repeated_it_is_told_again_with_its_times() {
        let mut veil = veil(&Sink::ALL);
        let bot = entry(1, Speaker::Bot, "4111 1111, go on");
        veil.line(entry(1, Speaker::Caller, "4111 1111"));
        veil.line(bot.clone());
        let (told, _) = veil.line(entry(2, Speaker::Caller, "1111 1111"));
        let again = told.iter().find(|line| line.clear.speaker == Speaker::Bot).unwrap();
        let told = again.at(Sink::Live);
        assert_eq!((again.is_again, told.text.as_str()), (true, "[card], go on"));
        assert_eq!((told.turn, told.started_ms, told.ended_ms), (bot.turn, bot.started_ms, bot.ended_ms));
    }

    #[test]
    fn each_sink_has_what_it_may_have() {
        let mut veil = veil(&[Sink::Transcript]);
        let (told, _) = veil.line(entry(1, Speaker::Caller, "my pin is 4821"));
        assert_eq!(told[0].at(Sink::Transcript).text, "my pin is [pin]");
        assert_eq!(told[0].at(Sink::Live).text, "my pin is 4821");
        let mut off = Veil::new(&Redaction::default());
        assert_eq!(
            off.line(entry(1, Speaker::Caller, "my pin is 4821")).0[0].at(Sink::Transcript).text,
            "my pin is 4821"
        );
    }

    #[test]
    fn interim_words_show_no_beginning_of_a_number() {
        let veil = veil(&[Sink::Live]);
        let mut notice =
            Notice::Transcript { entry: entry(1, Speaker::Caller, "so four one one one"), is_final: false };
        veil.notice(&mut notice);
        let Notice::Transcript { entry, .. } = notice else { panic!("it stays what it is") };
        assert_eq!(entry.text, "so [number]");
    }

    /// Neither the field's name nor the text around it says what it is: only the conversation did.
    #[test]
    fn a_secret_of_the_call_is_known_again_in_what_its_tools_get_and_say() {
        let mut veil = veil(&[Sink::Events, Sink::Model]);
        veil.line(entry(1, Speaker::Bot, "What is the one time password?"));
        veil.line(entry(1, Speaker::Caller, "It is 482913."));
        let data = serde_json::json!({"tool": "check", "input": {"code": "482913", "n": 12}, "output": 482_913, "duration_ms": 482_913});
        let data = data.as_object().cloned().unwrap_or_default();
        let mut event = CallEvent { at_ms: 1, event: "tool_called".into(), why: "check".into(), data };
        veil.event(Sink::Live, &mut event);
        assert_eq!(event.data["input"]["code"], "482913", "this sink may have it");
        veil.event(Sink::Events, &mut event);
        let hidden = serde_json::json!({"tool": "check", "input": {"code": "[otp]", "n": 12}, "output": "[otp]", "duration_ms": 482_913});
        assert_eq!(serde_json::Value::Object(event.data), hidden);
        let answer =
            Message { tool_call_id: Some("c".into()), ..Message::text(Role::Tool, "482913 is right") };
        let mut request = LlmRequest { messages: vec![answer], tools: Vec::new(), cache_key: None };
        veil.request(&mut request);
        assert_eq!(request.messages[0].text, "[otp] is right");
    }

    /// The history that a model gets is cut.
    #[test]
    fn the_model_sees_marks_where_the_question_is_out_of_its_sight() {
        let mut veil = veil(&[Sink::Model]);
        veil.line(entry(1, Speaker::Bot, "What is your PIN?"));
        veil.line(entry(1, Speaker::Caller, "4821"));
        let messages = vec![Message::text(Role::User, "4821"), Message::text(Role::User, "And 1984.")];
        let mut request = LlmRequest { messages, tools: Vec::new(), cache_key: None };
        veil.request(&mut request);
        let texts: Vec<&str> = request.messages.iter().map(|m| m.text.as_str()).collect();
        assert_eq!(texts, ["[pin]", "And 1984."]);
    }

    #[test]
    fn the_model_sees_marks_and_the_operators_own_words() {
        let messages = vec![
            Message::text(Role::System, "Our hotline is 9876543210."),
            Message::text(Role::Assistant, "Your card number?"),
            Message::text(Role::User, "four one one one"),
        ];
        let mut request = LlmRequest { messages, tools: Vec::new(), cache_key: None };
        veil(&[Sink::Model]).request(&mut request);
        let texts: Vec<&str> = request.messages.iter().map(|m| m.text.as_str()).collect();
        assert_eq!(texts, ["Our hotline is 9876543210.", "Your card number?", "[card]"]);
    }
}
