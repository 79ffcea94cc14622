//! Before a vendor is asked whose key serves only so many calls at once, the call must have a permit. It has those of the vendors that it
//! begins with; for a fall-back it is asked for when the ladder comes to it. Decision 0081.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use vox_shared::ids::{BotId, SessionId};
use vox_shared::wire::answers::Service;
use vox_shared::wire::permit::{Beside, Permit, PermitRequest};
use vox_shared::wire::proof::Proof;

use crate::courier::held::{Held, OfCall};
use crate::courier::{Begun, Courier};
use crate::provider::llm::{LanguageModel, LlmEvent, LlmRequest, LlmStream};
use crate::provider::stt::{Recogniser, SttEvent, SttStream};
use crate::provider::tts::{TtsEvent, TtsStream, Voice};
use crate::provider::{AUDIO_DEPTH, Failure, FailureClass, STREAM_DEPTH, TaskGuard};

/// A caller waits for a permit no longer than this; a bridge that says nothing refuses nothing.
const PATIENCE: Duration = Duration::from_millis(300);
/// A vendor that is full is passed over for this long. Whoever comes to it again within that has nobody else to ask, and asks.
const FULL_FOR: Duration = Duration::from_secs(5);

/// Whether the bridge gives a permit.
pub type Asking = JoinHandle<bool>;

/// The permits of a call.
#[derive(Debug)]
pub struct Permits {
    courier: Arc<Courier>,
    session_id: SessionId,
    bot_id: Option<BotId>,
    proof: Proof,
    all: Vec<Permit>,
    /// What the process says of them to the bridge; no more when this is dropped.
    held: OfCall,
}

impl Permits {
    pub fn new(courier: Arc<Courier>, begun: &Begun) -> Self {
        let config = &begun.config;
        let call_token = config.call_token.as_ref().map(|token| token.expose().to_owned());
        let held = config.permits.iter().filter(|permit| permit.held).map(|permit| permit.name.clone());
        let held = Held::of_call(courier.held(), held.collect());
        Self {
            session_id: config.session_id.clone(),
            bot_id: config.bot_id.clone(),
            proof: Proof { call_token, bridge_url: begun.bridge_url.clone(), ..Proof::default() },
            all: config.permits.clone(),
            held,
            courier,
        }
    }

    /// Another bot has the call: the permits of its vendors, by the same proof. Those of the bot before are given back.
    pub fn go_over(&mut self, begun: &Begun) {
        let proof = self.proof.clone();
        *self = Self { proof, ..Self::new(self.courier.clone(), begun) };
    }

    /// What is to be waited for before the vendor at this place is asked; `None` where nothing is.
    pub fn before(&self, service: Service, place: usize) -> Option<Asking> {
        self.ask_for(&self.at(service, place)?.name)
    }

    /// The same before the recogniser at this place is opened for an ear beside the caller's.
    pub fn before_ear(&self, ear: Beside, place: usize) -> Option<Asking> {
        self.ask_for(&of_ear(ear, self.at(Service::Stt, place)?))
    }

    /// Nobody speaks into that ear any more.
    pub fn ear_is_shut(&self, ear: Beside) {
        self.held.give_back(|name| Beside::of(name).1 == Some(ear));
    }

    fn at(&self, service: Service, place: usize) -> Option<&Permit> {
        self.all.iter().find(|permit| (permit.service, permit.place) == (service, place))
    }

    fn ask_for(&self, name: &str) -> Option<Asking> {
        if self.held.has(name) {
            return None;
        }
        if self.held.was_refused(name, Instant::now(), FULL_FOR) {
            // The key's limit is no reason to lose the call.
            self.held.add(name.to_owned());
            return None;
        }
        let wanted = PermitRequest { name: name.to_owned(), bot_id: self.bot_id.clone() };
        let asked = self.courier.permit(&self.session_id, wanted, &self.proof);
        let (held, name) = (self.held.clone_books(), name.to_owned());
        Some(tokio::spawn(async move {
            let answer = timeout(PATIENCE, asked).await;
            // Nobody said no.
            let granted = answer.ok().and_then(Result::ok).flatten().unwrap_or(true);
            match granted {
                true => held.add(name),
                false => held.note_refused(name, Instant::now()),
            }
            granted
        }))
    }
}

impl Permits {
    /// Whether the bridge said just now that the vendor at this place has no room, for the call or for an ear of it.
    pub fn is_full(&self, service: Service, place: usize) -> bool {
        let Some(permit) = self.at(service, place) else { return false };
        let (now, ears) = (Instant::now(), Beside::ALL.map(|ear| of_ear(ear, permit)));
        let mut names = std::iter::once(&permit.name).chain(&ears);
        names.any(|name| self.held.was_refused(name, now, FULL_FOR))
    }
}

/// Which permit an ear needs where the caller's recogniser needs this one. Where requests are limited the ear's connections are in the
/// call's share of them.
fn of_ear(ear: Beside, permit: &Permit) -> String {
    match permit.requests_per_minute {
        Some(_) => permit.name.clone(),
        None => ear.name(&permit.name),
    }
}

fn full() -> Failure {
    Failure {
        retry_after: Some(FULL_FOR),
        ..Failure::new(FailureClass::OverLimit, "its key serves as many calls as it may (the stated limit)")
    }
}

async fn granted(asking: Asking) -> bool {
    asking.await.unwrap_or(true)
}

/// Open a recogniser when it may be.
pub fn open_stt(asking: Asking, recogniser: Arc<dyn Recogniser>, rate_hz: u32) -> SttStream {
    let (input, orders) = mpsc::channel(AUDIO_DEPTH);
    let (events, heard) = mpsc::channel(STREAM_DEPTH);
    let task = tokio::spawn(async move {
        if !granted(asking).await {
            let _gone = events.send(SttEvent::Failed(full())).await;
            return;
        }
        let SttStream { input, events: inner, task } = recogniser.open(rate_hz);
        pass_on((orders, input), (inner, events)).await;
        drop(task);
    });
    SttStream { input, events: heard, task: TaskGuard::new(task) }
}

/// Open a voice when it may be.
pub fn open_voice(asking: Asking, voice: Arc<dyn Voice>, rate_hz: u32) -> TtsStream {
    let (input, orders) = mpsc::channel(STREAM_DEPTH);
    let (events, heard) = mpsc::channel(STREAM_DEPTH);
    let task = tokio::spawn(async move {
        if !granted(asking).await {
            let _gone = events.send(TtsEvent::Failed(full())).await;
            return;
        }
        let TtsStream { input, events: inner, task } = voice.open(rate_hz);
        pass_on((orders, input), (inner, events)).await;
        drop(task);
    });
    TtsStream { input, events: heard, task: TaskGuard::new(task) }
}

/// Ask a model when it may be.
pub fn ask(asking: Asking, model: Arc<dyn LanguageModel>, request: LlmRequest) -> LlmStream {
    let (events, heard) = mpsc::channel(STREAM_DEPTH);
    let task = tokio::spawn(async move {
        if !granted(asking).await {
            let _gone = events.send(LlmEvent::Failed(full())).await;
            return;
        }
        let LlmStream { events: inner, task } = model.ask(request);
        forward(inner, events).await;
        drop(task);
    });
    LlmStream { events: heard, task: TaskGuard::new(task) }
}

/// Both ways, until both are over.
async fn pass_on<I, E>(
    (orders, input): (mpsc::Receiver<I>, mpsc::Sender<I>),
    (inner, events): (mpsc::Receiver<E>, mpsc::Sender<E>),
) {
    tokio::join!(forward(orders, input), forward(inner, events));
}

async fn forward<T>(mut from: mpsc::Receiver<T>, to: mpsc::Sender<T>) {
    while let Some(next) = from.recv().await {
        if to.send(next).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::tts::TtsInput;

    struct Echo;

    impl Voice for Echo {
        fn open(&self, _: u32) -> TtsStream {
            let (input, mut orders) = mpsc::channel::<TtsInput>(1);
            let (events, heard) = mpsc::channel(1);
            let task = tokio::spawn(async move {
                while let Some(order) = orders.recv().await {
                    if events.send(TtsEvent::Done { utterance: order.utterance() }).await.is_err() {
                        return;
                    }
                }
            });
            TtsStream { input, events: heard, task: TaskGuard::new(task) }
        }

        fn name(&self) -> &'static str {
            "echo"
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_said_meanwhile_is_said_when_the_permit_is_there() {
        let asking = tokio::spawn(async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            true
        });
        let TtsStream { input, mut events, task: _task } = open_voice(asking, Arc::new(Echo), 8_000);
        for utterance in 1..=9 {
            input.try_send(TtsInput::End { utterance }).unwrap();
        }
        for utterance in 1..=9 {
            assert_eq!(events.recv().await, Some(TtsEvent::Done { utterance }));
        }
        drop(input);
        assert_eq!(events.recv().await, None);
    }

    #[test]
    fn an_ear_is_a_stream_more_and_no_share_more() {
        let permit = |requests_per_minute| Permit {
            service: Service::Stt,
            place: 0,
            name: "vendor:stt:deepgram:00".into(),
            held: true,
            requests_per_minute,
        };
        assert_eq!(of_ear(Beside::Aloud, &permit(None)), "vendor:stt:deepgram:00::aloud");
        assert_eq!(of_ear(Beside::Whispered, &permit(Some(20))), "vendor:stt:deepgram:00");
    }

    #[tokio::test]
    async fn a_vendor_that_is_full_fails_and_says_when_it_may_be_asked_again() {
        let asking = tokio::spawn(async { false });
        let mut stream = open_voice(asking, Arc::new(Echo), 8_000);
        let Some(TtsEvent::Failed(failure)) = stream.events.recv().await else { panic!("it opened") };
        assert_eq!((failure.class, failure.retry_after), (FailureClass::OverLimit, Some(FULL_FOR)));
        assert_eq!(stream.events.recv().await, None);
    }
}
