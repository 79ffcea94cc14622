//! With Aura's words, as the vendor whose protocol says least.

use serde_json::json;

use super::*;
use crate::provider::FailureClass;
use crate::provider::tts::aura::AuraTongue;

struct Bench {
    codec: RepliesCodec<AuraTongue>,
    wishes: Wishes<TtsEvent>,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        let codec = RepliesCodec::new(AuraTongue::new(8000), 8000);
        let mut bench = Self { codec, wishes: Wishes::default(), now: Instant::now() };
        bench.codec.open(bench.now, &mut bench.wishes);
        bench.events();
        bench
    }

    fn order(&mut self, order: TtsInput) {
        self.codec.order(order, self.now, &mut self.wishes).unwrap();
    }

    /// A reply with all its text.
    fn reply(&mut self, utterance: UtteranceId) {
        self.order(TtsInput::Speak { utterance, text: "Ten letters.".into() });
        self.order(TtsInput::End { utterance });
    }

    fn sound(&mut self, ms: usize) {
        self.codec.binary(&vec![0; ms * 16], self.now, &mut self.wishes).unwrap();
    }

    fn hear(&mut self, message: &str) -> Result<(), Flaw> {
        self.codec.text(&json!({ "type": message }).to_string(), self.now, &mut self.wishes)
    }

    /// Wait until there is something to do.
    fn wait(&mut self) -> Result<Duration, Failure> {
        let due = self.codec.due().expect("something will be due");
        let waited = due - self.now;
        self.now = due;
        self.codec.tick(due, &mut self.wishes)?;
        Ok(waited)
    }

    fn events(&mut self) -> Vec<TtsEvent> {
        std::mem::take(&mut self.wishes.events)
    }

    /// Replies that are done, of the events so far.
    fn done(&mut self) -> Vec<UtteranceId> {
        let done = |event: TtsEvent| match event {
            TtsEvent::Done { utterance } => Some(utterance),
            _ => None,
        };
        self.events().into_iter().filter_map(done).collect()
    }
}

#[test]
fn a_reply_that_was_heard_is_over_although_nobody_says_so() {
    let mut bench = Bench::new();
    bench.reply(1);
    bench.sound(800);
    assert_eq!(bench.wait().unwrap(), Duration::from_millis(1200));
    assert_eq!(bench.done(), [1]);
    // The connection is still with the old reply, and nobody needs it.
    assert!(std::mem::take(&mut bench.wishes.reconnect));
    bench.codec.open(bench.now, &mut bench.wishes);
    bench.reply(2);
    bench.sound(800);
    bench.hear("Flushed").unwrap();
    assert_eq!(bench.done(), [2]);
}

#[test]
fn a_reply_that_stops_in_its_middle_is_a_failure() {
    let mut bench = Bench::new();
    bench.reply(1);
    bench.sound(100);
    assert_eq!(bench.wait().unwrap_err().class, FailureClass::TimedOut);
}

#[test]
fn done_without_sound_is_a_failure() {
    let mut bench = Bench::new();
    bench.reply(1);
    let Err(Flaw::Failed(failure)) = bench.hear("Flushed") else { panic!("there was no sound") };
    assert_eq!(failure.class, FailureClass::Unavailable);
}

#[test]
fn a_reply_that_will_not_fall_silent_does_not_hold_up_the_next() {
    let mut bench = Bench::new();
    bench.reply(1);
    bench.sound(100);
    bench.order(TtsInput::Cancel { utterance: 1 });
    bench.reply(2);
    bench.wishes.messages.clear();
    assert_eq!(bench.wait().unwrap(), SILENCE_WAIT);
    assert!(std::mem::take(&mut bench.wishes.reconnect));
    assert!(bench.wishes.messages.is_empty());
    bench.codec.open(bench.now, &mut bench.wishes);
    assert_eq!(bench.wishes.messages.len(), 2, "the next reply's text and its flush");
    bench.sound(800);
    bench.hear("Flushed").unwrap();
    assert_eq!(bench.done(), [2]);
}

#[test]
fn a_reply_that_was_taken_back_before_its_turn_costs_nothing_and_late_text_of_it_is_not_spoken() {
    let mut bench = Bench::new();
    bench.reply(1);
    bench.reply(2);
    bench.reply(3);
    bench.order(TtsInput::Cancel { utterance: 3 });
    bench.order(TtsInput::Speak { utterance: 3, text: "Late.".into() });
    for utterance in [1, 2] {
        bench.sound(800);
        bench.hear("Flushed").unwrap();
        let usage = TtsEvent::Usage { characters: 12 };
        let events: Vec<TtsEvent> =
            bench.events().into_iter().filter(|event| !matches!(event, TtsEvent::Audio { .. })).collect();
        assert_eq!(events, [usage, TtsEvent::Done { utterance }]);
    }
    let texts = bench.wishes.messages.len();
    assert_eq!(texts, 4, "two replies, each a text and its flush");
}

#[test]
fn a_reply_without_text_is_done_at_once() {
    let mut bench = Bench::new();
    bench.order(TtsInput::Speak { utterance: 1, text: "  ".into() });
    bench.order(TtsInput::End { utterance: 1 });
    assert_eq!(bench.done(), [1]);
    assert!(bench.wishes.messages.is_empty());
}

#[test]
fn an_old_connection_is_replaced_in_a_pause_only() {
    let mut bench = Bench::new();
    assert_eq!(bench.codec.due().map(|due| due - bench.now), Some(Duration::from_secs(3300)));
    bench.order(TtsInput::Speak { utterance: 1, text: "Well".into() });
    assert_eq!(bench.codec.due(), None);
    bench.order(TtsInput::Cancel { utterance: 1 });
    bench.hear("Cleared").unwrap();
    bench.wait().unwrap();
    assert!(bench.wishes.reconnect && bench.codec.due().is_none());
}

#[test]
fn what_was_given_to_the_vendor_is_paid_whatever_becomes_of_it() {
    let mut bench = Bench::new();
    bench.reply(1);
    bench.codec.over(&mut bench.wishes);
    assert_eq!(bench.events(), [TtsEvent::Usage { characters: 12 }]);
}
