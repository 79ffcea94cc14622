//! One session of the Flux voices: text is spoken as it comes, a turn ends when it is flushed.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{query::Wanted, script::Script, session::sound};
use crate::vendor::{
    line::{Heard, Line},
    speaking::{Habit, Mouth, Step},
};

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum Message {
    Speak {
        text: String,
    },
    Flush {},
    Interrupt {
        #[serde(default)]
        playback_offset: Option<Offset>,
    },
    Configure {
        speed: f64,
    },
    Close {},
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Offset {
    #[serde(rename = "type")]
    kind: String,
    value: u64,
}

/// A turn under way.
#[derive(Default)]
struct Turn {
    id: String,
    characters: usize,
    began_ms: f64,
    flushed: bool,
}

pub(crate) struct Turns {
    line: Line,
    script: Arc<Script>,
    wanted: Wanted,
    mouth: Mouth,
    turn: Option<Turn>,
    turns: u64,
    characters: usize,
    closing: bool,
}

impl Turns {
    pub(crate) fn new(line: Line, script: Arc<Script>, wanted: Wanted) -> Self {
        let mouth = Mouth::new(&script.speaking, &wanted.model, wanted.sample_rate, wanted.speed);
        Self { line, script, wanted, mouth, turn: None, turns: 0, characters: 0, closing: false }
    }

    pub(crate) async fn run(mut self, id: String) {
        let model = &self.wanted.model;
        self.line.say(&json!({
            "type": "Connected", "request_id": id, "model_name": model, "model_version": "1", "model_uuids": ["scripted"]
        }));
        loop {
            let due = self.mouth.due().filter(|_| !self.line.is_mute());
            match self.line.hear(due).await {
                Heard::Text(text) => self.message(&text),
                Heard::Binary(_) => self.refuse(1003, "MESSAGE-0000"),
                Heard::Due => self.tick(),
                Heard::Over => return,
            }
        }
    }

    fn message(&mut self, text: &str) {
        if self.closing {
            return self.line.record.violation("a message after the end of the stream");
        }
        match serde_json::from_str(text) {
            Ok(Message::Speak { text }) => self.speak(&text),
            Ok(Message::Flush {}) => self.flush(),
            Ok(Message::Interrupt { playback_offset }) => self.interrupt(playback_offset.as_ref()),
            Ok(Message::Configure { speed }) => {
                self.line.say(&json!({"type": "ConfigureSuccess", "applied": {"speed": speed}}));
            }
            Ok(Message::Close {}) => {
                self.closing = true;
                self.close_when_done();
            }
            Err(_) => self.refuse(1008, "DATA-0000"),
        }
    }

    fn speak(&mut self, text: &str) {
        if !text.ends_with(' ') {
            self.line.record.note("text that does not end with a space");
        }
        if self.turn.as_ref().is_some_and(|turn| turn.flushed) {
            self.line.record.violation("text for a turn that has ended");
        }
        if self.turn.is_none() {
            self.turns += 1;
            let id = format!("dg_sp_{:012x}", self.turns);
            self.line.say(&json!({"type": "SpeechStarted", "speech_id": id}));
            self.turn = Some(Turn { id, began_ms: self.mouth.said_ms(), ..Turn::default() });
        }
        let count = text.trim().chars().count();
        self.characters += count;
        if let Some(turn) = &mut self.turn {
            turn.characters += count;
        }
        self.mouth.say(text);
    }

    fn flush(&mut self) {
        let Some(turn) = &mut self.turn else {
            return self.warn("NO_SYNTHESIZABLE_TEXT");
        };
        turn.flushed = true;
        let message = json!({"type": "Flushed", "speech_id": turn.id});
        self.line.say(&message);
        self.end_when_done();
    }

    fn interrupt(&mut self, offset: Option<&Offset>) {
        if offset.is_some_and(|offset| offset.kind != "time_ms") {
            return self.warn("INVALID_INTERRUPT_OFFSET");
        }
        if self.script.speaking.has(Habit::NeverSilent) {
            return;
        }
        let Some(turn) = self.turn.take() else {
            return self.warn("NO_ACTIVE_SPEECH");
        };
        self.mouth.hush();
        let played = offset.map_or(self.mouth.said_ms() - turn.began_ms, |offset| offset.value as f64);
        let metadata = self.metadata(&turn);
        self.line.say(&json!({
            "type": "SpeechInterrupted", "speech_id": turn.id, "audio_played_ms": played, "metadata": metadata
        }));
    }

    fn metadata(&self, turn: &Turn) -> Value {
        json!({
            "type": "SpeechMetadata", "speech_id": turn.id, "audio_duration_ms": self.mouth.said_ms() - turn.began_ms,
            "input_character_count": turn.characters, "billable_character_count": turn.characters,
            "controls_applied": {"pronunciations_applied": 0, "breaks_applied": 0, "pronunciation_warnings": []}
        })
    }

    fn warn(&mut self, code: &str) {
        self.line.say(&json!({"type": "Warning", "code": code, "description": "Scripted."}));
    }

    fn tick(&mut self) {
        let now = Instant::now();
        while let Some(step) = self.mouth.step(now) {
            match step {
                Step::Sound(bit) => sound(&mut self.line, &bit),
                Step::End => self.end_when_done(),
            }
        }
    }

    fn end_when_done(&mut self) {
        if self.mouth.is_busy() {
            return;
        }
        if let Some(turn) = self.turn.take_if(|turn| turn.flushed)
            && !self.script.speaking.has(Habit::NeverDone)
        {
            let message = self.metadata(&turn);
            self.line.say(&message);
        }
        self.close_when_done();
    }

    fn close_when_done(&mut self) {
        if self.closing && !self.mouth.is_busy() {
            self.line.say(&json!({
                "type": "SessionMetadata", "total_audio_duration_ms": self.mouth.said_ms(),
                "total_input_character_count": self.characters, "total_billable_character_count": self.characters
            }));
            self.line.close(1000, "");
        }
    }

    fn refuse(&mut self, code: u16, payload: &str) {
        self.line.record.violation(format!("refused: {payload}"));
        self.closing = true;
        self.line.say(&json!({"type": "Error", "code": payload, "description": "Scripted."}));
        self.line.close(code, payload);
    }
}
