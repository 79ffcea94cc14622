//! The keyless voice: flite in a process of its own.

mod desk;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use vox_engines::{EngineBinary, EngineError, FliteClient, FliteEvent, FliteVoice};
use vox_shared::catalogue::FLITE;
use vox_shared::model::bot::TtsSettings;

use self::desk::{Desk, Order};
use super::{TtsEvent, TtsInput, TtsStream, Voice};
use crate::provider::engine::{failure, no_binary};
use crate::provider::extra::check;
use crate::provider::outlet::Outlet;
use crate::provider::{Failure, FailureClass, STREAM_DEPTH, TaskGuard};

const NAME: &str = FLITE.name;

/// One of flite's voices.
#[derive(Clone, Debug)]
pub struct Flite {
    binary: EngineBinary,
    voice: FliteVoice,
}

impl Flite {
    /// Check the settings; nothing is started yet. `voice`: `slt` (a woman, 16 kHz, the default) or `kal` (a man, 8 kHz).
    ///
    /// # Errors
    /// `NotInstalled` without the engine's program, `Refused` for a voice or language that it has not.
    pub fn from_settings(settings: &TtsSettings, binary: Option<&EngineBinary>) -> Result<Self, Failure> {
        check(&FLITE, FLITE.language_fault(&settings.language))?;
        check(&FLITE, FLITE.voice_fault(&settings.voice))?;
        let voice = if settings.voice.trim() == "kal" { FliteVoice::Kal8k } else { FliteVoice::Slt16k };
        let binary = binary.ok_or_else(|| no_binary(NAME))?.clone();
        Ok(Self { binary, voice })
    }

    async fn run(self, rate_hz: u32, input: mpsc::Receiver<TtsInput>, events: mpsc::Sender<TtsEvent>) {
        let started = tokio::select! {
            started = FliteClient::spawn(&self.binary, self.voice) => started,
            () = events.closed() => return,
        };
        let mut outlet = Outlet::new(events);
        let last = match started {
            Ok(client) => speak(client, Desk::new(self.voice.rate(), rate_hz), input, &mut outlet).await,
            Err(error) => Some(failure(&error)),
        };
        outlet.finish(last.map(TtsEvent::Failed)).await;
    }
}

/// Serve a running engine until the input ends, the reader goes or the engine fails; the failure, if that was it.
async fn speak(
    mut client: FliteClient,
    mut desk: Desk,
    mut input: mpsc::Receiver<TtsInput>,
    outlet: &mut Outlet<TtsEvent>,
) -> Option<Failure> {
    outlet.push(TtsEvent::Ready);
    loop {
        // While the sound is far enough ahead of the ear the engine is not read, and waits at its full pipe.
        let resume_at = desk.resume_at(Instant::now());
        tokio::select! {
            next = input.recv() => {
                let next = next?;
                if let TtsInput::Cancel { utterance } = next {
                    outlet.retain(|event| !is_of(event, utterance));
                }
                desk.take(next);
            }
            event = client.next_event(), if outlet.is_empty() && resume_at.is_none() => match event {
                Some(FliteEvent::Failed { id: None, message }) => {
                    return Some(Failure::new(FailureClass::Unavailable, message));
                }
                // The engine says which text, by its number, and why; the text itself is not in its message.
                Some(FliteEvent::Failed { id: Some(_), message }) => {
                    return Some(Failure::new(FailureClass::Refused, format!("{NAME}: {message}")));
                }
                Some(event) => desk.hear(event, Instant::now()),
                None => return Some(Failure::new(FailureClass::Unavailable, "the voice has ended")),
            },
            delivered = outlet.run() => if delivered.is_err() { return None },
            () = sleep_until(resume_at.unwrap_or_else(Instant::now)), if resume_at.is_some() => {}
        }
        if let Err(error) = carry_out(&mut client, desk.orders()).await {
            return Some(failure(&error));
        }
        desk.events().for_each(|event| outlet.push(event));
    }
}

fn is_of(event: &TtsEvent, cancelled: u64) -> bool {
    match event {
        TtsEvent::Audio { utterance, .. }
        | TtsEvent::Words { utterance, .. }
        | TtsEvent::Done { utterance } => *utterance == cancelled,
        TtsEvent::Ready | TtsEvent::Usage { .. } | TtsEvent::Failed(_) => false,
    }
}

async fn carry_out(client: &mut FliteClient, orders: Vec<Order>) -> Result<(), EngineError> {
    for order in orders {
        match order {
            Order::Synthesise { id, text } => client.synthesise(id, &text).await?,
            Order::Cancel { id } => client.cancel(id).await?,
        }
    }
    Ok(())
}

impl Voice for Flite {
    fn open(&self, rate_hz: u32) -> TtsStream {
        let (input, input_end) = mpsc::channel(STREAM_DEPTH);
        let (events_end, events) = mpsc::channel(STREAM_DEPTH);
        let task = tokio::spawn(self.clone().run(rate_hz, input_end, events_end));
        TtsStream { input, events, task: TaskGuard::new(task) }
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_or_language_it_has_not_is_refused() {
        for (voice, language, class, hint) in [
            ("rms", "en", FailureClass::Refused, "use slt or kal"),
            ("slt", "hi", FailureClass::Refused, "another provider"),
            ("", "en-GB", FailureClass::NotInstalled, "cargo build -p vox-engines"),
        ] {
            let settings =
                TtsSettings { voice: voice.into(), language: language.into(), ..TtsSettings::default() };
            let failure = Flite::from_settings(&settings, None).unwrap_err();
            assert_eq!(failure.class, class);
            assert!(failure.detail.contains(hint), "{failure}");
        }
    }
}
