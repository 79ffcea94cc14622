//! Ours: `/talk/{bot_id}`, binary frames of 20 ms at 16 kHz and JSON events. See `docs/talk-protocol.md`.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Effect, Intake, fields, fields::Fields, payload};
use crate::{
    event::{Metrics, Transcript},
    violation::Rule,
};

const FRAME_BYTES: usize = 640;
const RATE_HZ: i64 = 16_000;
const FRAME_MS: i64 = 20;
/// The named parts of a turn's delay; together they are its total.
const PARTS: [&str; 7] = ["endpoint", "stt", "llm", "sentence", "tts", "platform", "transport"];
/// Parts of turns that looked something up.
const FURTHER_PARTS: [&str; 2] = ["rag", "tool"];
/// What rounding each part to whole milliseconds may cost.
const SUM_TOLERANCE_MS: f64 = 4.0;

#[derive(Debug, Default)]
pub(crate) struct Talk {
    ready: bool,
    /// The turn the bot is speaking.
    speaking: Option<u64>,
    last_turn: Option<u64>,
    interrupted: Option<u64>,
}

pub(super) fn dtmf(digit: char) -> Message {
    Message::text(json!({"type": "dtmf", "digit": digit.to_string()}).to_string())
}

pub(super) fn hangup() -> Message {
    Message::text(r#"{"type":"hangup"}"#)
}

impl Talk {
    pub(super) fn is_ready(&self) -> bool {
        self.ready
    }

    pub(super) fn frame(&self, frame: &[i16]) -> Message {
        let mut bytes = Vec::with_capacity(FRAME_BYTES);
        vox_audio::pcm::append_bytes(frame.iter().copied(), &mut bytes);
        Message::binary(bytes)
    }

    pub(super) fn binary(&mut self, bytes: &[u8], intake: &mut Intake<'_>) -> Option<Effect> {
        if !self.ready {
            intake.note(Rule::BeforeStart, || "audio before ready".to_owned());
            return None;
        }
        if bytes.len() != FRAME_BYTES {
            intake.note(Rule::PayloadSize, || format!("{} bytes instead of {FRAME_BYTES}", bytes.len()));
        }
        payload::read(bytes, intake);
        (bytes.len() >= 2).then_some(Effect::Audio)
    }

    pub(super) fn text(&mut self, text: &str, intake: &mut Intake<'_>) -> Option<Effect> {
        let value = serde_json::from_str::<Value>(text);
        let (name, fields) = fields::event(&value, "type", intake)?;
        if !self.ready && !matches!(name, "ready" | "error" | "hangup") {
            intake.note(Rule::BeforeStart, || format!("{name} before ready"));
        }
        match name {
            "ready" => self.on_ready(&fields, intake),
            "transcript" => transcript(&fields, intake),
            "bot_started" => self.on_started(fields.turn(intake)?, intake),
            "bot_stopped" => self.on_stopped(fields.turn(intake)?, intake),
            "interrupted" => {
                let heard = fields.text("heard", intake).unwrap_or_default().to_owned();
                Some(self.on_interrupted(fields.turn(intake), heard, intake))
            }
            "metrics" => metrics(&fields, intake),
            "hangup" => Some(Effect::HungUp {
                reason: fields.text("disconnected_by", intake).unwrap_or_default().to_owned(),
            }),
            "error" => Some(Effect::ServerError {
                code: fields.text("code", intake).unwrap_or_default().to_owned(),
                detail: fields.text("detail", intake).unwrap_or_default().to_owned(),
            }),
            other => {
                intake.note(Rule::UnknownEvent, || other.to_owned());
                None
            }
        }
    }

    fn on_ready(&mut self, fields: &Fields<'_>, intake: &Intake<'_>) -> Option<Effect> {
        fields.whole_is("sample_rate", RATE_HZ, intake);
        fields.whole_is("frame_ms", FRAME_MS, intake);
        let session_id = fields.text("session_id", intake).unwrap_or_default().to_owned();
        if self.ready {
            intake.note(Rule::TurnOrder, || "ready came twice".to_owned());
            return None;
        }
        self.ready = true;
        Some(Effect::Ready { session_id })
    }

    fn on_started(&mut self, turn: u64, intake: &Intake<'_>) -> Option<Effect> {
        if let Some(speaking) = self.speaking {
            intake.note(Rule::TurnOrder, || format!("turn {turn} started while {speaking} is spoken"));
        }
        if let Some(last) = self.last_turn.filter(|last| *last > turn) {
            intake.note(Rule::TurnOrder, || format!("turn {turn} started after {last}"));
        }
        (self.speaking, self.last_turn) = (Some(turn), Some(turn));
        Some(Effect::BotStarted { turn })
    }

    fn on_stopped(&mut self, turn: u64, intake: &Intake<'_>) -> Option<Effect> {
        let speaking = self.speaking.take();
        // A turn that was interrupted has stopped; a server may say so again.
        if speaking != Some(turn) && self.interrupted != Some(turn) {
            intake.note(Rule::TurnOrder, || format!("turn {turn} stopped and was not spoken"));
        }
        Some(Effect::BotStopped { turn })
    }

    /// The audio is dropped even when the turn is wrong: the bot wants to be silent.
    fn on_interrupted(&mut self, turn: Option<u64>, heard: String, intake: &Intake<'_>) -> Effect {
        let Some(turn) = turn else { return Effect::Clear };
        if self.last_turn != Some(turn) {
            intake.note(Rule::TurnOrder, || format!("turn {turn} interrupted and was not the last to start"));
        }
        self.speaking = None;
        self.interrupted = Some(turn);
        Effect::Interrupted { turn, heard }
    }
}

fn transcript(fields: &Fields<'_>, intake: &Intake<'_>) -> Option<Effect> {
    let speaker = fields.text("speaker", intake);
    let text = fields.text("text", intake);
    let is_final = fields.boolean("final", intake);
    let interrupted = fields.boolean("interrupted", intake);
    let (started, ended) = (fields.millis("started_ms", intake), fields.millis("ended_ms", intake));
    if let Some(other) = speaker.filter(|speaker| !matches!(*speaker, "caller" | "bot" | "agent")) {
        fields.wrong("speaker", || format!("{other:?} instead of caller, bot or agent"), intake);
    }
    if let Some((started, ended)) = started.zip(ended).filter(|(started, ended)| ended < started) {
        fields.wrong("ended_ms", || format!("{ended}, before started_ms {started}"), intake);
    }
    Some(Effect::Transcript(Transcript {
        speaker: speaker?.to_owned(),
        text: text?.to_owned(),
        is_final: is_final.unwrap_or(true),
        interrupted: interrupted.unwrap_or(false),
        started_ms: started.unwrap_or(0.0),
        ended_ms: ended.unwrap_or(0.0),
    }))
}

fn metrics(fields: &Fields<'_>, intake: &Intake<'_>) -> Option<Effect> {
    let turn = fields.turn(intake);
    let total = fields.millis("total_ms", intake);
    let object = fields.object("parts", intake);
    let part =
        |name: &&str| Some((name.to_string(), object.as_ref()?.millis(&format!("{name}_ms"), intake)?));
    let further = FURTHER_PARTS
        .iter()
        .filter(|name| object.as_ref().is_some_and(|parts| parts.has(&format!("{name}_ms"))));
    let parts: Vec<(String, f64)> = PARTS.iter().chain(further).filter_map(part).collect();
    let sum: f64 = parts.iter().map(|(_, ms)| ms).sum();
    if let Some(total) =
        total.filter(|total| parts.len() >= PARTS.len() && (total - sum).abs() > SUM_TOLERANCE_MS)
    {
        intake.note(Rule::MetricsSum, || format!("the parts are {sum:.1} ms, total_ms is {total:.1}"));
    }
    Some(Effect::Metrics(Metrics { turn: turn?, parts, total_ms: total? }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{protocol::Scratch, violation::Ledger};

    fn check(messages: &[Value], expected: &[(Rule, u64)]) {
        let (ledger, mut scratch, mut codec) = (Ledger::default(), Scratch::default(), Talk::default());
        for message in messages {
            let mut intake = Intake { at_ms: 1.0, ledger: &ledger, scratch: &mut scratch };
            match message.as_u64() {
                Some(size) => codec.binary(&vec![0; size as usize], &mut intake),
                None => codec.text(&message.to_string(), &mut intake),
            };
        }
        let noted: Vec<_> = ledger.violations().into_iter().map(|noted| (noted.rule, noted.count)).collect();
        assert_eq!(noted, expected);
    }

    fn ready() -> Value {
        json!({"type": "ready", "session_id": "x", "sample_rate": 16_000, "frame_ms": 20})
    }

    fn metrics(total: f64) -> Value {
        let parts = json!({
            "endpoint_ms": 300, "stt_ms": 50.5, "llm_ms": 200, "sentence_ms": 20, "tts_ms": 100, "platform_ms": 3,
            "transport_ms": 1,
        });
        json!({"type": "metrics", "turn": 1, "parts": parts, "total_ms": total})
    }

    #[test]
    fn a_right_conversation() {
        let transcript = json!({
            "type": "transcript", "speaker": "bot", "text": "Hello", "final": true, "interrupted": false,
            "started_ms": 10, "ended_ms": 500.5,
        });
        let started = json!({"type": "bot_started", "turn": 1});
        let stopped = json!({"type": "bot_stopped", "turn": 1});
        let interrupted = json!({"type": "interrupted", "turn": 2, "heard": "Well"});
        let again = json!({"type": "bot_started", "turn": 2});
        let end = json!({"type": "hangup", "disconnected_by": "bot"});
        let call =
            [ready(), started, 640.into(), stopped, transcript, again, interrupted, metrics(674.5), end];
        check(&call, &[]);
    }

    #[test]
    fn nothing_comes_before_ready_and_ready_comes_once() {
        check(&[640.into(), json!({"type": "bot_started", "turn": 1})], &[(Rule::BeforeStart, 2)]);
        check(&[ready(), ready()], &[(Rule::TurnOrder, 1)]);
    }

    #[test]
    fn frames_have_one_size() {
        check(&[ready(), 320.into(), 641.into()], &[(Rule::OddPayload, 1), (Rule::PayloadSize, 2)]);
    }

    #[test]
    fn turns_are_in_order() {
        let started = |turn: u64| json!({"type": "bot_started", "turn": turn});
        let stopped = |turn: u64| json!({"type": "bot_stopped", "turn": turn});
        check(&[ready(), started(1), started(2)], &[(Rule::TurnOrder, 1)]);
        check(&[ready(), stopped(1)], &[(Rule::TurnOrder, 1)]);
        check(&[ready(), started(2), stopped(2), started(1)], &[(Rule::TurnOrder, 1)]);
    }

    #[test]
    fn parts_make_the_total() {
        check(&[ready(), metrics(700.0)], &[(Rule::MetricsSum, 1)]);
        let mut with_tool = metrics(774.5);
        with_tool["parts"]["tool_ms"] = 100.into();
        check(&[ready(), with_tool], &[]);
        check(
            &[ready(), json!({"type": "metrics", "turn": 1, "parts": {}, "total_ms": 5})],
            &[(Rule::MissingField, 7)],
        );
    }
}
