//! What the server sends, and what the line makes of it.

use std::time::Duration;

use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{self, Message};

use super::Line;
use crate::{
    event::{EndedBy, Event},
    protocol::{Effect, Intake},
    violation::Rule,
};

/// Audio that was on its way when the caller hung up is not the server's fault for so long.
const IN_FLIGHT: Duration = Duration::from_millis(500);
/// A hole in the bot's speech beyond this is a violation and not only a figure.
const STARVED_MS: u64 = 100;

impl Line {
    /// One message of the socket, or its end.
    pub(super) async fn receive(&mut self, message: Option<Result<Message, tungstenite::Error>>) {
        let now = Instant::now();
        match message {
            Some(Ok(Message::Text(text))) => self.take(now, |codec, intake| codec.text(&text, intake)).await,
            Some(Ok(Message::Binary(bytes))) => {
                self.take(now, |codec, intake| codec.binary(&bytes, intake)).await
            }
            Some(Ok(Message::Close(frame))) => self.on_close(frame),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Err(tungstenite::Error::Capacity(error))) => {
                self.note(Rule::Oversized, || error.to_string());
                self.lose("a message was too large".to_owned());
            }
            Some(Err(error)) => self.lose(error.to_string()),
            None => self.lose("the connection ended".to_owned()),
        }
    }

    async fn take(
        &mut self,
        now: Instant,
        read: impl FnOnce(&mut crate::protocol::Codec, &mut Intake<'_>) -> Option<Effect>,
    ) {
        let at_ms = self.at_ms(now);
        let mut intake = Intake { at_ms, ledger: &self.shared.ledger, scratch: &mut self.scratch };
        let effect = read(&mut self.codec, &mut intake);
        self.server_lives |= self.codec.is_open();
        match (effect, self.ending.is_some()) {
            (Some(effect), false) => self.apply(effect, now).await,
            (effect, true) => self.apply_after_the_end(effect.as_ref(), now),
            (None, false) => {}
        }
        while let Some(reply) = self.codec.reply() {
            self.send(reply).await;
        }
    }

    async fn apply(&mut self, effect: Effect, now: Instant) {
        match effect {
            Effect::Audio => self.hear(now),
            Effect::Clear => self.clear(now).await,
            Effect::Mark(name) => self.marks.push_back((self.played_up_to(now), name)),
            Effect::HungUp { reason } => self.bot_hung_up(reason).await,
            Effect::Interrupted { turn, heard } => {
                self.clear(now).await;
                self.tell(Event::Interrupted { turn, heard });
            }
            Effect::Ready { session_id } => {
                self.log.session_id = Some(session_id.clone());
                self.tell(Event::Ready { session_id });
            }
            Effect::Transcript(transcript) => {
                self.log.transcript(&transcript);
                self.tell(Event::Transcript(transcript));
            }
            Effect::Metrics(metrics) => {
                self.log.metrics(&metrics);
                self.tell(Event::Metrics(metrics));
            }
            Effect::BotStarted { turn } => self.tell(Event::BotStarted { turn }),
            Effect::BotStopped { turn } => self.tell(Event::BotStopped { turn }),
            Effect::Transfer { to } => self.tell(Event::Transfer { to }),
            Effect::ServerError { code, detail } => {
                self.log.last_error = Some(format!("{code}: {detail}"));
                self.tell(Event::ServerError { code, detail });
            }
        }
        self.echo_marks(self.position(now)).await;
    }

    /// After the end nothing may come but the farewell itself.
    fn apply_after_the_end(&mut self, effect: Option<&Effect>, now: Instant) {
        let Some(ending) = &mut self.ending else { return };
        let in_flight = ending.end.by != EndedBy::Bot && now - ending.since < IN_FLIGHT;
        match effect {
            Some(Effect::HungUp { reason }) if ending.end.by == EndedBy::Caller => {
                ending.end.reason = format!("{}; disconnected_by {reason:?}", ending.end.reason);
            }
            Some(Effect::Transcript(transcript)) => {
                self.log.transcript(transcript);
                self.tell(Event::Transcript(transcript.clone()));
            }
            Some(Effect::Metrics(metrics)) => {
                self.log.metrics(metrics);
                self.tell(Event::Metrics(metrics.clone()));
            }
            Some(Effect::Audio | Effect::Clear | Effect::Mark(_) | Effect::HungUp { .. }) if !in_flight => {
                self.note(Rule::AfterHangup, || "audio or an event after the end of the call".to_owned());
            }
            _ => {}
        }
    }

    /// Play a piece of audio, and judge its pace.
    fn hear(&mut self, now: Instant) {
        let rate = u64::from(self.options.protocol.rate_hz());
        let of_ms = |samples: u64| samples * 1_000 / rate;
        let samples = &self.scratch.samples;
        let placed = self.ear.bot_arrives(self.position(now), samples);
        // How far ahead it was before this piece: the piece itself may be as long as the carrier takes.
        let ahead_ms = of_ms(placed.ahead.saturating_sub(samples.len() as u64));
        if u128::from(ahead_ms) > self.options.ahead_max.as_millis() {
            self.note(Rule::TooFarAhead, || format!("{ahead_ms} ms ahead of real time"));
        }
        if let Some(gap_ms) = placed.gap.map(of_ms).filter(|gap_ms| *gap_ms > STARVED_MS) {
            self.note(Rule::Starved, || format!("{gap_ms} ms of silence in the middle of speech"));
        }
    }

    async fn clear(&mut self, now: Instant) {
        let unheard = self.ear.clear(self.position(now));
        let unheard_ms = unheard as f64 * 1_000.0 / f64::from(self.options.protocol.rate_hz());
        self.tell(Event::Cleared { at_ms: self.at_ms(now), unheard_ms });
        // Outstanding marks come back at once: the audio before them is gone.
        for (position, _) in &mut self.marks {
            *position = 0;
        }
    }

    /// Where everything that was sent so far will have been played.
    fn played_up_to(&self, now: Instant) -> u64 {
        self.ear.queued_until().max(self.position(now))
    }
}
