//! Single conversations in virtual time, step by step: what the caller said is answered once, whatever the recogniser repeats,
//! and a reply that only a murmur interrupted is said to its end.

use std::time::Duration;

use vox_core::provider::llm::{Finish, LlmEvent};
use vox_core::provider::stt::SttEvent;
use vox_core::provider::tts::UtteranceId;
use vox_core::provider::{Failure, FailureClass};
use vox_core::session::Session;
use vox_core::session::event::{Command, Event, RequestId, VoiceEvent, Window};
use vox_core::session::rules::Rules;
use vox_shared::wire::config::RuntimeConfig;
use vox_shared::wire::result::Word;

const WINDOW_MS: u64 = 32;
const STORY: &str = "Our opening hours are long and different on every day of the week.";

/// A session, its clock, and what it asked for since the last look.
struct Call {
    session: Session,
    now_ms: u64,
    commands: Vec<Command>,
    request: RequestId,
    utterance: UtteranceId,
}

impl Call {
    /// Answered, with a working voice and recogniser and nothing said yet.
    fn new() -> Self {
        let text =
            r#"{"session_id":"call_x","webhook_url":"","system_prompt":"Be kind.","opening_message":""}"#;
        let config: RuntimeConfig = serde_json::from_str(text).unwrap();
        let session = Session::new(Rules::from_config(&config, Duration::ZERO));
        let mut call = Self { session, now_ms: 0, commands: Vec::new(), request: 0, utterance: 0 };
        call.feed(Event::Answered);
        call.feed(Event::Voice(VoiceEvent::Ready));
        call.feed(Event::Stt(SttEvent::Ready));
        call.asked_for();
        call
    }

    fn feed(&mut self, event: Event) {
        let before = self.commands.len();
        self.session.on(Duration::from_millis(self.now_ms), event, &mut self.commands);
        for command in &self.commands[before..] {
            match command {
                Command::Ask { request, .. } => self.request = *request,
                Command::Say { utterance, .. } | Command::Phrase { utterance, .. } => {
                    self.utterance = *utterance
                }
                _ => {}
            }
        }
    }

    /// Let the caller be loud or silent for so long; deadlines are kept.
    fn pass(&mut self, ms: u64, loud: bool) {
        let until = self.now_ms + ms;
        while self.now_ms < until {
            self.now_ms += WINDOW_MS;
            while self.session.next_deadline().is_some_and(|at| at <= Duration::from_millis(self.now_ms)) {
                self.feed(Event::Tick);
            }
            let (probability, level) = if loud { (0.95, -20.0) } else { (0.02, -66.0) };
            let ends_at = Duration::from_millis(self.now_ms);
            self.feed(Event::Window(Window { ends_at, probability, levels_db: [level; 4] }));
        }
    }

    fn hear(&mut self, text: &str, from_finalize: bool) {
        self.feed(Event::Stt(SttEvent::Final {
            text: text.into(),
            confidence: Some(0.9),
            words: Vec::new(),
            from_finalize,
            utterance_end: false,
        }));
    }

    /// The caller says this and waits until it is understood.
    fn say(&mut self, text: &str) {
        self.pass(1_000, true);
        self.pass(450, false);
        self.hear(text, true);
    }

    /// The model says all of this.
    fn reply(&mut self, text: &str) {
        let request = self.request;
        self.feed(Event::Llm { request, event: LlmEvent::Text(text.into()) });
        self.feed(Event::Llm { request, event: LlmEvent::Done { finish: Finish::Stop, usage: None } });
    }

    /// The voice has given so much of what it was asked for, and the caller has heard some of it.
    fn voice(&mut self, given_ms: u32, heard_ms: u32) {
        let utterance = self.utterance;
        self.feed(Event::Voice(VoiceEvent::Audio { utterance, ms: given_ms }));
        self.feed(Event::Played { utterance, played_ms: heard_ms, audible: true });
    }

    /// What was asked for since the last look.
    fn asked_for(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }
}

fn failed() -> Event {
    Event::Stt(SttEvent::Failed(Failure::new(FailureClass::Unavailable, "cut")))
}

/// How much of the past the new recogniser gets.
fn replay_of(commands: &[Command]) -> Duration {
    let replay = |command: &Command| match command {
        Command::OpenStt { replay, .. } => Some(*replay),
        _ => None,
    };
    commands.iter().find_map(replay).expect("a recogniser is opened")
}

fn asks(commands: &[Command]) -> usize {
    commands.iter().filter(|c| matches!(c, Command::Ask { .. })).count()
}

fn said(commands: &[Command]) -> String {
    let text = |command: &Command| match command {
        Command::Say { text, .. } | Command::Phrase { text, .. } => Some(text.clone()),
        _ => None,
    };
    commands.iter().filter_map(text).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_new_recogniser_does_not_hear_what_was_answered() {
    let mut call = Call::new();
    call.say("move it to Monday");
    call.asked_for();
    call.reply("Done.");
    call.pass(3_000, false);
    call.feed(failed());
    // The turn's last sound was 450 ms before its answer, and 3 s have passed since.
    let replay = replay_of(&call.asked_for());
    assert!(replay < Duration::from_millis(3_600), "{replay:?} holds words that were answered");
}

#[test]
fn a_new_recogniser_hears_the_open_turn_again_and_counts_it_once() {
    let mut call = Call::new();
    call.pass(1_200, true);
    call.hear("my number is", false);
    call.pass(640, true);
    call.feed(failed());
    let replay = replay_of(&call.asked_for());
    assert!(replay > Duration::from_millis(1_800) && replay < Duration::from_millis(2_300), "{replay:?}");
    call.feed(Event::Stt(SttEvent::Ready));
    call.hear("my number is five", false);
    call.pass(2_000, false);
    call.hear("", true);
    assert_eq!(asks(&call.asked_for()), 1);
    let history = call.session.context().history();
    assert_eq!(history.last().map(|m| m.text.as_str()), Some("my number is five"));
}

#[test]
fn a_short_trouble_of_the_recogniser_does_not_use_up_its_chances() {
    let mut call = Call::new();
    let opened =
        |call: &mut Call| call.asked_for().iter().filter(|c| matches!(c, Command::OpenStt { .. })).count();
    call.feed(failed());
    assert_eq!(opened(&mut call), 1, "the first time at once");
    call.feed(failed());
    assert_eq!(opened(&mut call), 0);
    call.pass(600, false);
    assert_eq!(opened(&mut call), 1);
    call.feed(failed());
    call.pass(1_200, false);
    assert_eq!(opened(&mut call), 0);
    call.pass(500, false);
    assert_eq!(opened(&mut call), 1, "two seconds of trouble are lived through");
    call.feed(failed());
    assert!(!said(&call.asked_for()).is_empty(), "then the caller is told");
}

#[test]
fn words_with_times_need_not_be_heard_again() {
    let mut call = Call::new();
    call.pass(1_024, true);
    call.feed(Event::Stt(SttEvent::Partial { text: "five".into() }));
    call.pass(992, true);
    let word = Word { text: "five".into(), started_ms: 1_000, ended_ms: 1_500 };
    call.feed(Event::Stt(SttEvent::Final {
        text: "five".into(),
        confidence: None,
        words: vec![word],
        from_finalize: false,
        utterance_end: false,
    }));
    call.feed(failed());
    assert_eq!(replay_of(&call.asked_for()), Duration::from_millis(2_016 - 1_500));
}

#[test]
fn a_final_that_comes_late_is_not_added_to_the_next_turn() {
    let mut call = Call::new();
    call.pass(1_000, true);
    call.feed(Event::Stt(SttEvent::Partial { text: "my order".into() }));
    call.pass(1_600, false);
    assert_eq!(asks(&call.asked_for()), 1, "the partial was answered");
    call.pass(640, true);
    call.hear("my order", false);
    call.hear("is five", false);
    call.pass(450, false);
    call.hear("", true);
    let history = call.session.context().history();
    assert_eq!(history.last().map(|m| m.text.as_str()), Some("my order is five"), "once, and not again");
}

#[test]
fn a_reply_that_cannot_be_spoken_is_asked_for_again() {
    let mut call = Call::new();
    call.say("hello there");
    call.asked_for();
    call.reply("``` ```");
    assert_eq!(asks(&call.asked_for()), 1);
    call.reply("**");
    let phrase = said(&call.asked_for());
    assert!(!phrase.is_empty(), "two empty replies, and the caller hears nothing of it");
    assert!(call.session.silence_deadline().is_some());
}

#[test]
fn a_long_murmur_over_the_bot_does_not_take_its_word() {
    let mut call = Call::new();
    call.say("what are your opening hours");
    call.reply(STORY);
    call.voice(4_000, 900);
    call.asked_for();
    call.pass(640, true);
    assert!(call.asked_for().iter().any(|c| matches!(c, Command::StopSaying { .. })), "0.4 s of sound");
    call.pass(450, false);
    call.hear("mm-hmm", true);
    let commands = call.asked_for();
    assert_eq!(asks(&commands), 0, "{commands:?}");
    let rest = said(&commands);
    assert!(STORY.ends_with(&rest) && rest.len() > STORY.len() / 2, "{rest:?}");
}

#[test]
fn the_end_of_an_entry_that_never_began_disturbs_nothing() {
    let mut call = Call::new();
    call.say("hello there");
    call.feed(Event::Dtmf('#'));
    call.asked_for();
    call.reply("Good day to you.");
    assert_eq!(said(&call.asked_for()), "Good day to you.");
}
