//! The keyless recogniser: pocketsphinx in a process of its own, good at the phrases a bot expects.

mod ear;

use tokio::sync::mpsc;
use vox_engines::{EngineBinary, EngineError, SphinxClient, SphinxEvent, SphinxSettings};
use vox_shared::catalogue::POCKETSPHINX;
use vox_shared::model::bot::SttSettings;

use self::ear::{Ear, Order};
use super::{Recogniser, SttEvent, SttInput, SttStream};
use crate::provider::engine::{failure, no_binary};
use crate::provider::extra::{Extra, check};
use crate::provider::outlet::Outlet;
use crate::provider::{AUDIO_DEPTH, Failure, FailureClass, STREAM_DEPTH, TaskGuard};

const NAME: &str = POCKETSPHINX.name;

/// What a bot expects to hear.
#[derive(Clone, Debug)]
pub struct Pocketsphinx {
    binary: EngineBinary,
    expected: Vec<String>,
    free: bool,
}

impl Pocketsphinx {
    /// Check the settings; nothing is started yet. `extra`: `expected` (phrases; what is said is the nearest of them or
    /// nothing), `free` (also try open speech; on when nothing is expected).
    ///
    /// # Errors
    /// `NotInstalled` without the engine's program, `Refused` for a setting that cannot be.
    pub fn from_settings(settings: &SttSettings, binary: Option<&EngineBinary>) -> Result<Self, Failure> {
        check(&POCKETSPHINX, POCKETSPHINX.language_fault(&settings.language))?;
        let extra = Extra::new(&POCKETSPHINX, &settings.extra)?;
        let expected: Vec<String> = extra.texts("expected").into_iter().map(str::to_owned).collect();
        let free = extra.flag("free").unwrap_or(expected.is_empty());
        if expected.is_empty() && !free {
            return Err(refused(
                "extra.expected is empty and extra.free is off: nothing could be heard".into(),
            ));
        }
        let binary = binary.ok_or_else(|| no_binary(NAME))?.clone();
        Ok(Self { binary, expected, free })
    }

    async fn run(self, rate_hz: u32, input: mpsc::Receiver<SttInput>, events: mpsc::Sender<SttEvent>) {
        let ear = Ear::new(rate_hz);
        let settings = SphinxSettings { rate: ear.engine_hz(), expected: self.expected, free: self.free };
        let started = tokio::select! {
            started = SphinxClient::spawn(&self.binary, settings) => started,
            () = events.closed() => return,
        };
        let mut outlet = Outlet::new(events);
        let last = match started {
            Ok(client) => listen(client, ear, input, &mut outlet).await,
            Err(error) => Some(failure(&error)),
        };
        outlet.finish(last.map(SttEvent::Failed)).await;
    }
}

fn refused(problem: String) -> Failure {
    Failure::new(FailureClass::Refused, format!("{NAME}: {problem}"))
}

/// Signs of life for each second of audio.
const HEARTBEATS: usize = 2;

/// Serve a running engine until the input ends, the reader goes or the engine fails; the failure, if that was it.
async fn listen(
    mut client: SphinxClient,
    mut ear: Ear,
    mut input: mpsc::Receiver<SttInput>,
    outlet: &mut Outlet<SttEvent>,
) -> Option<Failure> {
    outlet.push(SttEvent::Ready);
    if !client.skipped_phrases().is_empty() {
        tracing::warn!(
            provider = NAME,
            phrases = client.skipped_phrases().len(),
            unknown_words = client.unknown_words().len(),
            "some expected phrases hold words that the dictionary lacks; they cannot be heard"
        );
    }
    let sign_of_life = ear.engine_hz() as usize / HEARTBEATS;
    let mut heard = 0;
    loop {
        tokio::select! {
            next = input.recv() => {
                let orders = ear.take(next?);
                heard += orders.iter().map(Order::samples).sum::<usize>();
                if let Err(error) = carry_out(&client, orders).await {
                    return Some(failure(&error));
                }
                // A grammar may have no words for long: the engine took the sound, so it lives.
                if heard >= sign_of_life && outlet.is_empty() {
                    heard = 0;
                    outlet.push(SttEvent::Partial { text: String::new() });
                }
            }
            event = client.next_event(), if outlet.is_empty() => match event {
                Some(SphinxEvent::Partial { text }) => ear.partial(text).into_iter().for_each(|event| outlet.push(event)),
                Some(SphinxEvent::Final(transcript)) => ear.transcript(transcript).into_iter().for_each(|event| outlet.push(event)),
                Some(SphinxEvent::Failed { message }) => {
                    return Some(Failure::new(FailureClass::Unavailable, message));
                }
                None => return Some(Failure::new(FailureClass::Unavailable, "the recogniser has ended")),
            },
            delivered = outlet.run() => if delivered.is_err() { return None },
        }
    }
}

async fn carry_out(client: &SphinxClient, orders: Vec<Order>) -> Result<(), EngineError> {
    for order in orders {
        match order {
            Order::Hear(pcm) => client.audio(&pcm).await?,
            Order::Finalize => client.finalize().await?,
        }
    }
    Ok(())
}

impl Recogniser for Pocketsphinx {
    fn open(&self, rate_hz: u32) -> SttStream {
        let (input, input_end) = mpsc::channel(AUDIO_DEPTH);
        let (events_end, events) = mpsc::channel(STREAM_DEPTH);
        let task = tokio::spawn(self.clone().run(rate_hz, input_end, events_end));
        SttStream { input, events, task: TaskGuard::new(task) }
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vox_engines::message::{MAX_PHRASE_BYTES, MAX_PHRASES};
    use vox_shared::catalogue::Form;

    use super::*;

    fn settings(language: &str, expected: serde_json::Value, free: serde_json::Value) -> SttSettings {
        let mut settings = SttSettings { language: language.into(), ..SttSettings::default() };
        settings.extra.insert("expected".into(), expected);
        settings.extra.insert("free".into(), free);
        settings
    }

    fn check_refused(settings: &SttSettings, class: FailureClass, hint: &str) {
        let failure = Pocketsphinx::from_settings(settings, None).unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
        assert!(failure.detail.contains(hint), "{failure}");
    }

    #[test]
    fn the_catalogue_allows_as_many_phrases_as_the_engine() {
        let form = POCKETSPHINX.setting("expected").map(|setting| setting.form);
        assert_eq!(form, Some(Form::Texts { most: MAX_PHRASES, bytes: MAX_PHRASE_BYTES }));
    }

    #[test]
    fn settings_that_cannot_be_are_refused() {
        let refused = FailureClass::Refused;
        check_refused(&settings("fr", json!(["oui"]), json!(false)), refused, "use en");
        check_refused(&settings("en", json!([]), json!(false)), refused, "nothing could be heard");
        check_refused(&settings("en", json!("yes"), json!(false)), refused, "must be a list");
        check_refused(&settings("en", json!([1]), json!(false)), refused, "must be a list");
        check_refused(&settings("en", json!(vec!["yes"; 501]), json!(false)), refused, "at most 500");
        check_refused(&settings("en", json!(["yes"]), json!("no")), refused, "free");
    }

    #[test]
    fn without_its_program_it_says_what_to_build() {
        let good = settings("en-US", json!(["yes"]), json!(null));
        check_refused(&good, FailureClass::NotInstalled, "cargo build -p vox-engines");
    }
}
