//! Somebody who is asked to take the call: the line and the person, with all that can go wrong with both.

use std::collections::BTreeSet;

use vox_core::provider::tts::UtteranceId;
use vox_core::session::event::{Command, ConsultEvent, ConsultOrder, Event};
use vox_shared::wire::order::Order;
use vox_shared::wire::result::CallEvent;

use super::judge::words_heard;
use super::{Happening, World};

/// How far the line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    #[default]
    Talk,
    Ringing,
    Consult,
    Joining,
    Together,
    Ending,
}

/// The line's side of it, and the person.
#[derive(Debug, Default)]
pub struct Consult {
    stage: Stage,
    /// Which one of the call: what comes of one before is nobody's.
    number: u64,
    /// What was said to the person.
    pub asides: BTreeSet<UtteranceId>,
    /// The caller has hung up.
    pub caller_is_gone: bool,
    pub joined: usize,
    pub came_back: usize,
}

impl Consult {
    /// Whether anybody was ever asked.
    pub fn asks(&self) -> bool {
        self.number > 0
    }
}

impl World {
    /// An operator wants somebody to be asked.
    pub(super) fn consult_acts(&mut self) {
        self.orders += 1;
        let next = self.now + self.random.range(4_000, 30_000);
        self.at(next, Happening::ConsultActs);
        let order = match self.random.chance(90) {
            true => Order::Transfer { to: "+15550111".into(), warm: true },
            false => Order::GoOn,
        };
        self.feed(Event::Order { id: self.orders, order });
    }

    pub(super) fn consult_order(&mut self, order: &ConsultOrder) {
        match order {
            ConsultOrder::Begin { .. } => {
                self.consult.number += 1;
                self.consult.stage = Stage::Ringing;
                let why = "busy".to_owned();
                match self.random.range(0, 100) {
                    0..70 => self.consult_later(300, 8_000, ConsultEvent::Answered),
                    70..90 => self.consult_later(100, 8_000, ConsultEvent::Over { why }),
                    _ => {}
                }
            }
            ConsultOrder::Join => {
                self.consult.stage = Stage::Joining;
                match self.random.range(0, 100) {
                    0..90 => self.consult_later(5, 800, ConsultEvent::Joined),
                    90..95 => self.hangs_up(5, 800),
                    _ => {}
                }
            }
            ConsultOrder::End => {
                self.consult.stage = Stage::Ending;
                if self.random.chance(97) {
                    self.consult_later(5, 500, ConsultEvent::Back);
                }
            }
        }
    }

    fn consult_later(&mut self, from: u64, to: u64, event: ConsultEvent) {
        let when = self.now + self.random.range(from, to);
        self.at(when, Happening::Consult { number: self.consult.number, event });
    }

    fn hangs_up(&mut self, from: u64, to: u64) {
        self.consult_later(from, to, ConsultEvent::Over { why: "they hung up".into() });
    }

    pub(super) fn consult_event(&mut self, number: u64, event: ConsultEvent) {
        let stage = self.consult.stage;
        if number != self.consult.number
            || stage == Stage::Talk
            || (stage == Stage::Ending && event != ConsultEvent::Back)
        {
            return;
        }
        match event {
            ConsultEvent::Answered => {
                self.consult.stage = Stage::Consult;
                self.person_acts();
            }
            // Whoever is brought together presses no keys, and is not asked any more.
            ConsultEvent::Digit(_) if stage != Stage::Consult => return,
            ConsultEvent::Digit(_) => self.person_acts(),
            ConsultEvent::Joined => {
                self.consult.stage = Stage::Together;
                self.consult.joined += 1;
                self.hangs_up(500, 20_000);
            }
            ConsultEvent::Back => {
                self.consult.stage = Stage::Talk;
                self.consult.came_back += 1;
            }
            ConsultEvent::Over { .. } => {}
        }
        self.feed(Event::Consult(event));
    }

    fn person_acts(&mut self) {
        match self.random.range(0, 100) {
            0..30 => self.consult_later(500, 12_000, ConsultEvent::Digit('1')),
            30..45 => self.consult_later(500, 12_000, ConsultEvent::Digit('2')),
            45..55 => self.consult_later(500, 12_000, ConsultEvent::Digit('7')),
            55..70 => self.hangs_up(500, 20_000),
            // Says something, or nothing.
            _ => {}
        }
    }

    /// While the line goes from one to the other nothing is said, and to a person nothing but what is for them.
    pub(super) fn check_consult(&mut self, command: &Command) {
        let stage = self.consult.stage;
        let said = match command {
            Command::Say { utterance, .. }
            | Command::Phrase { utterance, .. }
            | Command::Recite { utterance, .. } => Some(*utterance),
            Command::Utter { utterance, .. } => Some(*utterance),
            _ => None,
        };
        let may_speak = matches!(stage, Stage::Talk | Stage::Consult)
            || (stage == Stage::Joining && self.consult.caller_is_gone);
        let (seed, now) = (self.seed, self.now);
        assert!(said.is_none() || may_speak, "seed {seed} at {now}: {command:?} at {stage:?}");
        // Whoever was asked is told that the caller has hung up; where no voice does, they hear the tone.
        let is_heard = stage == Stage::Talk || self.consult.caller_is_gone;
        assert!(is_heard || *command != Command::HoldTone, "seed {seed}: a tone for nobody at {stage:?}");
        if stage != Stage::Talk {
            self.consult.asides.extend(said);
            if let Command::Ask { ask, .. } = command {
                assert!(
                    ask.tools.is_empty(),
                    "seed {seed} at {now}: the model is asked for a reply at {stage:?}"
                );
            }
        }
    }

    /// What was said to a person is in the record as far as it was heard, and in no line of the conversation.
    pub(super) fn judge_consult(&self, events: &[CallEvent]) {
        let told =
            events.iter().filter(|event| event.event == "consult_line" && event.data["speaker"] == "bot");
        let told: Vec<String> = told
            .flat_map(|event| {
                event.data["text"].as_str().unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        let heard = self.ear.iter().filter(|(id, _)| self.consult.asides.contains(id));
        // The keys that a person is asked for are said in words.
        let as_written = |word: String| match word.as_str() {
            "one" => "1".to_owned(),
            "two" => "2".to_owned(),
            _ => word,
        };
        if self.wires.is_some() {
            return self.judge_words(&told, as_written);
        }
        let heard: Vec<String> = heard.flat_map(|(_, heard)| words_heard(heard)).map(as_written).collect();
        assert_eq!(told, heard, "seed {}: what was said to a person is not in the record", self.seed);
    }
}
