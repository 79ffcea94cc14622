//! One live session: audio and control messages in, recognition out.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;
use vox_shared::clock::Clock;

use super::{
    events::{Voice, schema_error},
    query::{Wanted, too_many_keyterms},
    script::Script,
};
use crate::vendor::{
    hearing::{Decoder, Finding, Recogniser},
    line::{Heard, Line},
};

/// The vendor drains a stream no faster than this.
const SPEED_CAP: f64 = 1.25;
/// A burst of this much is not yet speeding (a connection's start-up backlog).
const SPEED_SLACK_S: f64 = 2.0;
/// The vendor's advice on frame length.
const LONGEST_FRAME_MS: f64 = 250.0;

/// A control message. Unknown fields are let be, as the vendor does; unknown types are not.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Control {
    KeepAlive {},
    Finalize { channel: Option<usize> },
    CloseStream {},
    Configure { keyterms: Option<Vec<String>>, features: Option<serde_json::Map<String, Value>> },
}

pub(crate) struct Session {
    line: Line,
    script: Arc<Script>,
    voice: Voice,
    decoder: Decoder,
    /// One per reported channel, made when the sample rate is known.
    recognisers: Vec<Recogniser>,
    keyterms: Vec<String>,
    configuring_until: Option<Instant>,
    began: Instant,
    last_heard: Instant,
    samples: u64,
    closing: bool,
}

impl Session {
    pub(crate) fn new(line: Line, script: Arc<Script>, wanted: Wanted, ids: [String; 2]) -> Self {
        let [request_id, model_uuid] = ids;
        let now = Instant::now();
        Self {
            decoder: Decoder::new(wanted.encoding, wanted.sample_rate, wanted.channels),
            keyterms: wanted.keyterms.clone(),
            voice: Voice { request_id, model_uuid, wanted, reported_channels: 1 },
            line,
            script,
            recognisers: Vec::new(),
            configuring_until: None,
            began: now,
            last_heard: now,
            samples: 0,
            closing: false,
        }
    }

    pub(crate) async fn run(mut self, clock: &Clock) {
        let idle = Duration::from_millis(self.script.idle_timeout_ms);
        loop {
            let idle_at = (!self.line.is_mute() && !self.closing).then_some(self.last_heard + idle);
            match self.line.hear(idle_at).await {
                Heard::Text(text) => self.control(&text, clock),
                Heard::Binary(bytes) if bytes.is_empty() => self.close_stream(clock),
                Heard::Binary(bytes) => self.audio(bytes).await,
                Heard::Due => {
                    self.line.record.violation("no audio and no KeepAlive within the time limit (NET-0001)");
                    self.closing = true;
                    self.line
                        .close(1011, "NET-0001: no audio data or text message within the timeout window");
                }
                Heard::Over => return,
            }
            self.last_heard = Instant::now();
        }
    }

    async fn audio(&mut self, bytes: Bytes) {
        if self.closing {
            self.line.record.violation("audio after the stream was closed");
            return;
        }
        if bytes.starts_with(b"{\"type\"") {
            self.line.record.violation("a control message was sent as a binary frame");
        }
        let Ok(samples) = self.decoder.decode(&bytes) else {
            self.line.record.violation("the payload is not audio of the promised encoding (DATA-0000)");
            self.closing = true;
            self.line.close(1008, "DATA-0000");
            return;
        };
        self.account(&bytes, samples.len());
        if self.script.enforce_speed_cap {
            let due = self.began + Duration::from_secs_f64(self.audio_s() / SPEED_CAP);
            tokio::time::sleep_until(due).await;
        }
        if samples.is_empty() {
            return;
        }
        self.prepare();
        for (channel, own) in self.by_channel(&samples).into_iter().enumerate() {
            let found = self.recognisers[channel].push(&own);
            self.report(channel, &found);
        }
    }

    /// Count what arrived and note what the vendor advises against.
    fn account(&mut self, bytes: &Bytes, samples: usize) {
        let per_channel = (samples / usize::from(self.decoder.channels.max(1))) as u64;
        self.samples += per_channel;
        let record = &self.line.record;
        record.edit(|exchange| {
            exchange.audio_bytes += bytes.len() as u64;
            exchange.audio_samples += per_channel;
        });
        if self.decoder.is_split() {
            record.violation("a frame ended inside a sample");
        }
        let frame_ms = per_channel as f64 * 1_000.0 / f64::from(self.decoder.sample_rate.max(1));
        if frame_ms > LONGEST_FRAME_MS {
            record.note("a frame of more than 250 ms of audio");
        }
        if self.audio_s() > self.began.elapsed().as_secs_f64() * SPEED_CAP + SPEED_SLACK_S {
            record.note("audio came faster than 1.25 times real time");
        }
    }

    fn audio_s(&self) -> f64 {
        self.samples as f64 / f64::from(self.decoder.sample_rate.max(1))
    }

    /// The recognisers, once the audio has told its format.
    fn prepare(&mut self) {
        if !self.recognisers.is_empty() {
            return;
        }
        let wanted = &self.voice.wanted;
        let count = if wanted.multichannel { usize::from(self.decoder.channels) } else { 1 };
        let (rate, rules) = (self.decoder.sample_rate, wanted.rules());
        let hearing = Arc::new(self.script.hearing());
        self.recognisers = (0..count).map(|_| Recogniser::new(hearing.clone(), rules, rate)).collect();
        self.voice.reported_channels = count;
    }

    /// Interleaved samples as one run per recogniser; without `multichannel` the channels are averaged.
    fn by_channel(&self, samples: &[i16]) -> Vec<Vec<i16>> {
        let channels = usize::from(self.decoder.channels.max(1));
        if self.recognisers.len() > 1 {
            let own = |channel: usize| samples.iter().skip(channel).step_by(channels).copied().collect();
            return (0..self.recognisers.len()).map(own).collect();
        }
        let mix =
            |frame: &[i16]| (frame.iter().map(|&s| i64::from(s)).sum::<i64>() / frame.len() as i64) as i16;
        vec![samples.chunks(channels).map(mix).collect()]
    }

    fn control(&mut self, text: &str, clock: &Clock) {
        if self.closing {
            self.line.record.violation("a message after the stream was closed");
            return;
        }
        match serde_json::from_str(text) {
            Ok(Control::KeepAlive {}) => {}
            Ok(Control::Finalize { channel }) => self.finalize(channel),
            Ok(Control::CloseStream {}) => self.close_stream(clock),
            Ok(Control::Configure { keyterms, features }) => self.configure(keyterms, features),
            Err(error) => {
                self.line.record.violation(format!("a text message that is no control message: {error}"));
                let description = format!("Could not deserialize last text message: {error}");
                self.line.say(&schema_error(&description, text));
            }
        }
    }

    fn finalize(&mut self, only: Option<usize>) {
        for channel in 0..self.recognisers.len() {
            if only.is_none_or(|wanted| wanted == channel) {
                let found = self.recognisers[channel].finalize();
                self.report(channel, &found);
            }
        }
    }

    fn close_stream(&mut self, clock: &Clock) {
        self.closing = true;
        for channel in 0..self.recognisers.len() {
            let found = self.recognisers[channel].close();
            self.report(channel, &found);
        }
        let created = clock.now().to_string();
        let metadata = self.voice.metadata(&created, self.audio_s(), self.decoder.channels);
        self.line.say(&metadata);
        self.line.close(1000, "");
    }

    fn configure(&mut self, keyterms: Option<Vec<String>>, features: Option<serde_json::Map<String, Value>>) {
        let now = Instant::now();
        let refusal = if self.configuring_until.is_some_and(|until| now < until) {
            Some(("CONFIGURE_ALREADY_PENDING", "Another Configure message is still pending."))
        } else if !self.voice.wanted.is_nova_3() && keyterms.is_some() {
            Some(("CONFIGURE_KEYTERMS_NOT_SUPPORTED", "The model does not support keyterm updates."))
        } else if keyterms.as_deref().is_some_and(too_many_keyterms) {
            Some(("CONFIGURE_KEYTERM_LIMIT_EXCEEDED", "The keyterms exceed the 500-token limit."))
        } else {
            None
        };
        if let Some((code, description)) = refusal {
            self.line.record.violation(format!("Configure refused: {code}"));
            self.line.say(&self.voice.not_configured(code, description));
            return;
        }
        if features.is_some_and(|features| features.values().any(|value| !value.is_boolean())) {
            self.line.record.violation("Configure: every feature must be true or false");
        }
        self.keyterms = keyterms.unwrap_or_else(|| self.keyterms.clone());
        let delay = Duration::from_millis(self.script.configure_delay_ms);
        self.configuring_until = Some(now + delay);
        self.line.say_after(&self.voice.configured(&self.keyterms), delay);
    }

    fn report(&mut self, channel: usize, found: &[Finding]) {
        for finding in found {
            let delay_ms = match finding {
                Finding::Results(heard) if heard.is_final => self.script.final_delay_ms,
                Finding::Results(_) => self.script.interim_delay_ms,
                Finding::SpeechStarted { .. } | Finding::UtteranceEnd { .. } => 0,
            };
            let event = self.voice.event(channel, finding);
            self.line.say_after(&event, Duration::from_millis(delay_ms));
        }
    }
}
