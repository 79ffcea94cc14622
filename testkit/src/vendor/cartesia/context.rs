//! One context: segments of text, spoken one after the other.

use std::{collections::VecDeque, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{request::Fixed, script::Script};
use crate::vendor::speaking::{Bit, Mouth, Step};

/// Text of a segment, and whether its end is to be told.
pub(crate) struct Segment {
    pub(crate) text: String,
    pub(crate) flush: bool,
}

pub(crate) struct Context {
    pub(crate) id: String,
    pub(crate) fixed: Fixed,
    mouth: Mouth,
    waiting: VecDeque<Segment>,
    /// The segment being spoken; its end is to be told.
    speaking: Option<bool>,
    flushed: u64,
    pub(crate) closing: bool,
    cancelled: bool,
    began: Instant,
    expires_at: Instant,
}

/// What a context does when its moment has come.
pub(crate) enum Told {
    Sound(Bit),
    Words(Value),
    Flushed(u64),
    Done,
}

impl Context {
    pub(crate) fn new(id: String, fixed: Fixed, script: &Script) -> Self {
        let mouth = Mouth::new(&script.speaking, &fixed.voice, fixed.sample_rate, fixed.speed);
        Self {
            id,
            fixed,
            mouth,
            waiting: VecDeque::new(),
            speaking: None,
            flushed: 0,
            closing: false,
            cancelled: false,
            began: Instant::now(),
            expires_at: Instant::now() + Duration::from_millis(script.context_expiry_ms),
        }
    }

    pub(crate) fn add(&mut self, segment: Segment) {
        self.waiting.push_back(segment);
    }

    /// What has not begun is not spoken; the rest is.
    pub(crate) fn cancel(&mut self) {
        self.waiting.clear();
        (self.closing, self.cancelled) = (true, true);
    }

    /// When [`Context::step`] has something to do.
    pub(crate) fn due(&self) -> Instant {
        match self.mouth.due() {
            Some(due) => due,
            None if !self.waiting.is_empty() || self.closing => self.began,
            None => self.expires_at,
        }
    }

    /// What falls due now, if anything.
    pub(crate) fn step(&mut self, now: Instant, script: &Script) -> Option<Told> {
        if !self.mouth.is_busy() {
            return self.begin(now);
        }
        match self.mouth.step(now)? {
            Step::Sound(bit) => {
                self.expires_at = now + Duration::from_millis(script.context_expiry_ms);
                Some(Told::Sound(bit))
            }
            Step::End => {
                let flush = self.speaking.take().is_some_and(|flush| flush);
                if !flush || self.cancelled {
                    return self.begin(now);
                }
                self.flushed += 1;
                Some(Told::Flushed(self.flushed))
            }
        }
    }

    fn begin(&mut self, now: Instant) -> Option<Told> {
        let Some(segment) = self.waiting.pop_front() else {
            return (self.closing || self.expires_at <= now).then_some(Told::Done);
        };
        self.speaking = Some(segment.flush);
        let words = self.mouth.words(&segment.text);
        self.mouth.say(&segment.text);
        if !self.fixed.timestamps {
            return None;
        }
        let list = |of: fn(&(String, f64, f64)) -> Value| words.iter().map(of).collect::<Value>();
        let times = json!({
            "words": list(|word| json!(word.0)), "start": list(|word| json!(word.1 / 1000.0)),
            "end": list(|word| json!(word.2 / 1000.0))
        });
        Some(Told::Words(times))
    }
}
