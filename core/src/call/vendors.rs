//! The call's vendors: opened, fed and listened to on the session's orders; and the phrases that need none.

mod next;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use vox_shared::model::bot::SttSettings;
use vox_shared::wire::answers::Service;
use vox_shared::wire::config::RuntimeConfig;
use vox_shared::wire::permit::Beside as Ear;
use vox_shared::wire::result::Usage;

use super::asked::{Asked, Trace};
use super::beside::{Beside, Got};
use super::billed::Billed;
use super::ears::{Opened, together};
use super::feed::{Feed, Recognised};
use super::lookout::Lookout;
use super::permits::{self, Permits};
use super::record;
use super::spoken::{Counted, Spoken};
use crate::courier::clips::{Clip, Phrase, Stable};
use crate::courier::sounds::{RECORDED_PATIENCE, Sounds};
use crate::courier::{Begun, Courier};
use crate::provider::health::Health;
use crate::provider::llm::{LanguageModel, LlmEvent, LlmRequest, LlmStream};
use crate::provider::registry::Providers;
use crate::provider::stt::SttEvent;
use crate::provider::tts::{TtsEvent, TtsInput, TtsStream, UtteranceId};
use crate::provider::{Failure, FailureClass};
use crate::session::event::RequestId;
use crate::session::rules::with_fallbacks;
use next::Next;

/// A phrase that is looked for longer than this is synthesised: whoever waits on the line must not wait for a disk.
const CLIP_PATIENCE: Duration = Duration::from_millis(100);

/// A phrase that is being synthesised and will be kept.
#[derive(Debug)]
struct Keeping {
    utterance: UtteranceId,
    phrase: Phrase,
    clip: Clip,
}

/// A phrase that the courier looks for.
#[derive(Debug)]
struct Wanted {
    utterance: UtteranceId,
    text: String,
    until: Instant,
    answer: JoinHandle<Option<Clip>>,
}

/// The open streams of a call.
pub struct Vendors {
    providers: Arc<Providers>,
    config: Arc<RuntimeConfig>,
    /// The same in the bot's first language.
    own: Arc<RuntimeConfig>,
    courier: Arc<Courier>,
    rate_hz: u32,
    /// The greeting as sound, if it is kept.
    greeting: Option<(String, Clip)>,
    /// What may be kept as sound.
    stable: Stable,
    sounds: Sounds,
    beside: Beside,
    wanted: VecDeque<Wanted>,
    /// The recogniser.
    pub feed: Feed,
    /// The bot's models in their order, made when first needed: they learn what their server does not take.
    models: Vec<Option<Arc<dyn LanguageModel>>>,
    llm: Option<(RequestId, LlmStream)>,
    /// The same was asked of the same model once more.
    second: Option<(RequestId, LlmStream)>,
    voice: Option<TtsStream>,
    voice_index: usize,
    counted: Counted,
    /// Whose what is counted is.
    pub billed: Billed,
    /// Of another bot, which may take the call over.
    next: Option<Box<Next>>,
    keeping: Option<Keeping>,
    trace: Trace,
    /// How they do.
    pub lookout: Lookout,
    /// Whether they may be asked.
    permits: Permits,
}

/// What a vendor said.
#[derive(Debug)]
pub enum Heard {
    Stt(SttEvent),
    Llm(RequestId, LlmEvent),
    Voice(TtsEvent),
    /// A phrase that was kept, whole.
    Phrase(UtteranceId, Clip),
    /// A sound that is heard beside the voice.
    Beside(Got),
}

impl Vendors {
    /// The vendors of a call; none is opened yet.
    pub fn new(
        (providers, health): (Arc<Providers>, Arc<Health>),
        courier: Arc<Courier>,
        begun: Begun,
        rate_hz: u32,
    ) -> Self {
        Self {
            beside: Beside::begin(&courier, &begun.sounds, rate_hz),
            lookout: Lookout::new(health, &begun.config),
            billed: Billed::of(&begun.config),
            next: None,
            permits: Permits::new(courier.clone(), &begun),
            sounds: begun.sounds,
            providers,
            own: begun.config.clone(),
            config: begun.config,
            courier,
            rate_hz,
            greeting: begun.greeting,
            stable: begun.stable,
            wanted: VecDeque::new(),
            feed: Feed::new(rate_hz),
            models: Vec::new(),
            llm: None,
            second: None,
            voice: None,
            voice_index: 0,
            counted: Counted::default(),
            keeping: None,
            trace: Trace::default(),
        }
    }

    /// The next thing a vendor says. Waits for ever while nothing is open; cancel-safe. `hear_voice` is false while
    /// enough audio waits to be played: the voice is then held back by its own full queue.
    pub async fn next(&mut self, hear_voice: bool) -> Heard {
        let gone =
            |what: &str| Failure::new(FailureClass::Unavailable, format!("{what} ended without a word"));
        let (feed, voice) = (&mut self.feed, &mut self.voice);
        let (llm, second) = (&mut self.llm, &mut self.second);
        tokio::select! {
            got = self.beside.next(), if self.beside.is_awaited() => Heard::Beside(got),
            clip = found(self.wanted.front_mut()), if !self.wanted.is_empty() => self.on_found(clip),
            event = feed.next(), if feed.is_open() => {
                let event = event.unwrap_or_else(|| SttEvent::Failed(gone("the recogniser")));
                self.trace.heard(&event);
                if matches!(event, SttEvent::Failed(_)) {
                    self.feed.shut();
                }
                Heard::Stt(event)
            }
            event = async { llm.as_mut().expect("guarded").1.events.recv().await }, if llm.is_some() => {
                let event = event.unwrap_or_else(|| LlmEvent::Failed(gone("the model")));
                self.trace.thought(&event);
                let request = self.llm.as_ref().map_or(0, |l| l.0);
                if matches!(event, LlmEvent::Failed(_) | LlmEvent::Done { .. }) {
                    self.llm = None;
                }
                Heard::Llm(request, event)
            }
            event = async { second.as_mut().expect("guarded").1.events.recv().await }, if second.is_some() => {
                let event = event.unwrap_or_else(|| LlmEvent::Failed(gone("the model")));
                let request = self.second.as_ref().map_or(0, |l| l.0);
                if matches!(event, LlmEvent::Failed(_) | LlmEvent::Done { .. }) {
                    self.second = None;
                }
                Heard::Llm(request, event)
            }
            event = async { voice.as_mut().expect("guarded").events.recv().await }, if voice.is_some() && hear_voice => {
                let event = event.unwrap_or_else(|| TtsEvent::Failed(gone("the voice")));
                self.trace.spoke(&event);
                if matches!(event, TtsEvent::Failed(_)) {
                    self.voice = None;
                    self.keeping = None;
                }
                if let TtsEvent::Usage { characters } = event {
                    self.counted.billed(characters);
                }
                self.keep(&event);
                Heard::Voice(event)
            }
            else => std::future::pending().await,
        }
    }

    /// Open the recogniser with this index and give it the last `replay` of audio.
    pub fn open_stt(&mut self, index: usize, replay: Duration) -> Result<(), Failure> {
        self.feed.shut();
        let settings = self.hearing(index);
        let recogniser = self.providers.recogniser(settings)?;
        self.trace.hearing = Some(Asked::recogniser(&settings.provider, &settings.model));
        let replay = replay.min(recogniser.replay_most());
        self.lookout.asked(Service::Stt, index);
        let stream = match self.permits.before(Service::Stt, index) {
            None => recogniser.open(self.rate_hz),
            Some(asking) => permits::open_stt(asking, recogniser, self.rate_hz),
        };
        self.feed.open(self.billed.hearing(index), stream, replay);
        Ok(())
    }

    /// Open the recogniser with this index for an ear beside the caller's.
    pub fn open_beside(&mut self, ear: Ear, index: usize) -> Result<Opened, Failure> {
        let recogniser = self.providers.recogniser(self.hearing(index))?;
        self.lookout.asked(Service::Stt, index);
        let (place, replay_most) = (self.billed.hearing(index), recogniser.replay_most());
        let stream = match self.permits.before_ear(ear, index) {
            None => recogniser.open(self.rate_hz),
            Some(asking) => permits::open_stt(asking, recogniser, self.rate_hz),
        };
        Ok(Opened { place, stream, replay_most })
    }

    /// Nobody speaks into that ear for a while.
    pub fn shut_beside(&self, ear: Ear) {
        self.permits.ear_is_shut(ear);
    }

    fn hearing(&self, index: usize) -> &SttSettings {
        let all = with_fallbacks(&self.config.stt, |s| s, |s| &s.fallbacks);
        all.get(index).copied().unwrap_or(&self.config.stt)
    }

    /// Have the model's connection ready by the first question.
    pub fn warm_up(&mut self) {
        // Settings that are refused are told when the model is asked.
        if let Ok(model) = self.model(0) {
            model.warm_up();
        }
    }

    /// Ask the model with this index.
    pub fn ask(&mut self, request: RequestId, index: usize, ask: LlmRequest) -> Result<(), Failure> {
        let model = self.model(index)?;
        let all = with_fallbacks(&self.config.llm, |s| s, |s| &s.fallbacks);
        let settings = all.get(index).unwrap_or(&all[0]);
        self.trace.thinking = Some(Asked::model(&settings.provider, &settings.model));
        self.llm = Some((request, self.put(model, index, ask)));
        self.second = None;
        Ok(())
    }

    /// Ask the model with this index the same once more, beside the request that is under way.
    pub fn ask_second(&mut self, request: RequestId, index: usize, ask: LlmRequest) -> Result<(), Failure> {
        let model = self.model(index)?;
        self.second = Some((request, self.put(model, index, ask)));
        Ok(())
    }

    /// Ask the model with this index, once the call may.
    fn put(&mut self, model: Arc<dyn LanguageModel>, index: usize, ask: LlmRequest) -> LlmStream {
        self.lookout.asked(Service::Llm, index);
        match self.permits.before(Service::Llm, index) {
            None => model.ask(ask),
            Some(asking) => permits::ask(asking, model, ask),
        }
    }

    /// Ask the first model something that is no part of the conversation. Its permits hold for that too.
    pub fn ask_beside(&mut self, ask: LlmRequest) -> Result<LlmStream, Failure> {
        let model = self.model(0)?;
        Ok(self.put(model, 0, ask))
    }

    fn model(&mut self, index: usize) -> Result<Arc<dyn LanguageModel>, Failure> {
        let all = with_fallbacks(&self.config.llm, |s| s, |s| &s.fallbacks);
        let index = if index < all.len() { index } else { 0 };
        self.models.resize(all.len(), None);
        if let Some(model) = &self.models[index] {
            return Ok(model.clone());
        }
        let model = self.providers.language_model(all[index])?;
        self.models[index] = Some(model.clone());
        Ok(model)
    }

    /// Whether the vendor at this place was not asked, because its key serves as many calls as it may.
    pub fn is_full(&self, service: Service, place: usize) -> bool {
        self.permits.is_full(service, place)
    }

    /// Drop a request.
    pub fn cancel_ask(&mut self, request: RequestId) {
        self.second.take_if(|l| l.0 == request);
        if self.llm.take_if(|l| l.0 == request).is_some() {
            self.trace.thinking = None;
        }
    }

    /// Open the voice with this index.
    pub fn open_voice(&mut self, index: usize) -> Result<(), Failure> {
        self.voice = None;
        self.keeping = None;
        self.trace.speaking = None;
        self.voice_index = index;
        self.counted.open(self.billed.speaking(index));
        let settings = *with_fallbacks(&self.config.tts, |s| s, |s| &s.fallbacks)
            .get(index)
            .unwrap_or(&&self.config.tts);
        let voice = self.providers.voice(settings)?;
        self.lookout.asked(Service::Tts, index);
        self.voice = Some(match self.permits.before(Service::Tts, index) {
            None => voice.open(self.rate_hz),
            Some(asking) => permits::open_voice(asking, voice, self.rate_hz),
        });
        Ok(())
    }

    /// Send text, its end, or a cancellation to the voice.
    pub fn tell_voice(&mut self, input: TtsInput) -> Result<(), Failure> {
        let Some(voice) = &self.voice else {
            return Err(Failure::new(FailureClass::Unavailable, "no voice is open"));
        };
        let full = |_| Failure::new(FailureClass::Unavailable, "the voice takes no more text");
        let room = voice.input.try_reserve().map_err(full)?;
        if let TtsInput::Speak { utterance, text } = &input {
            self.counted.sent(*utterance, text);
            self.lookout.asked(Service::Tts, self.voice_index);
            if self.trace.speaking.as_ref().is_none_or(|(of, _)| of != utterance) {
                let all = with_fallbacks(&self.config.tts, |s| s, |s| &s.fallbacks);
                let settings = all.get(self.voice_index).unwrap_or(&all[0]);
                self.trace.speaking = Some((*utterance, Asked::voice(&settings.provider, &settings.model)));
            }
        }
        room.send(input);
        Ok(())
    }

    /// Have a phrase said: its sound at once if it is at hand. Else it is looked for, or synthesised and kept.
    pub fn phrase(&mut self, utterance: UtteranceId, text: String) -> Result<Option<Clip>, Failure> {
        let at_hand = self.greeting.take_if(|(greeting, _)| self.voice_index == 0 && *greeting == text);
        if let Some((_, clip)) = at_hand {
            return Ok(Some(clip));
        }
        let recorded = self.recorded(&text).map(|answer| (answer, RECORDED_PATIENCE));
        let kept = || Some((self.courier.find(self.keepable(&text)?), CLIP_PATIENCE));
        match recorded.or_else(kept) {
            Some((answer, patience)) => {
                let until = Instant::now() + patience;
                self.wanted.push_back(Wanted { utterance, text, until, answer });
                Ok(None)
            }
            None => self.synthesise(utterance, text).map(|()| None),
        }
    }

    fn on_found(&mut self, clip: Option<Clip>) -> Heard {
        let Wanted { utterance, text, .. } = self.wanted.pop_front().expect("it was waited for");
        match clip {
            Some(clip) => Heard::Phrase(utterance, clip),
            None => match self.synthesise(utterance, text) {
                // The voice will be heard; meanwhile this says nothing.
                Ok(()) => Heard::Phrase(utterance, Clip::default()),
                Err(failure) => Heard::Voice(TtsEvent::Failed(failure)),
            },
        }
    }

    /// A phrase that a person has recorded, on its way.
    fn recorded(&self, text: &str) -> Option<JoinHandle<Option<Clip>>> {
        let id = self.stable.recorded(self.voice_index, text)?.clone();
        let (sounds, rate_hz) = (self.sounds.clone(), self.rate_hz);
        let got = async move { sounds.get(&id, rate_hz).await.map(|pcm| Clip { pcm, words: Vec::new() }) };
        Some(self.courier.get(got))
    }

    fn keepable(&self, text: &str) -> Option<Phrase> {
        self.stable.phrase(self.voice_index, self.rate_hz, text)
    }

    fn synthesise(&mut self, utterance: UtteranceId, text: String) -> Result<(), Failure> {
        let phrase = self.keepable(&text);
        self.tell_voice(TtsInput::Speak { utterance, text })?;
        self.tell_voice(TtsInput::End { utterance })?;
        self.keeping = phrase.map(|phrase| Keeping { utterance, phrase, clip: Clip::default() });
        Ok(())
    }

    /// The reply was stopped.
    pub fn cancel_voice(&mut self, utterance: UtteranceId) {
        self.keeping.take_if(|k| k.utterance == utterance);
        self.wanted.retain(|w| w.utterance != utterance);
        self.trace.speaking.take_if(|(of, _)| *of == utterance);
        if let Some(voice) = &self.voice {
            let _stalled = voice.input.try_send(TtsInput::Cancel { utterance });
        }
    }

    /// What recognisers and voices were used for until now, those of the ears `beside` the caller's with them.
    pub fn metered(&self, beside: Vec<Recognised>) -> Vec<Usage> {
        let heard = together(self.feed.heard_so_far(), beside);
        record::metered(&self.billed, &heard, &self.counted.so_far())
    }

    /// Close everything; what each recogniser heard and each voice was given.
    pub async fn close(self) -> (Vec<Recognised>, Vec<Spoken>) {
        let Self { feed, counted, llm, second, voice, .. } = self;
        drop((llm, second, voice));
        (feed.close().await, counted.finish())
    }

    fn keep(&mut self, event: &TtsEvent) {
        let Some(keeping) = &mut self.keeping else { return };
        match event {
            TtsEvent::Audio { utterance, pcm } if *utterance == keeping.utterance => {
                keeping.clip.pcm.extend(pcm)
            }
            TtsEvent::Words { utterance, words } if *utterance == keeping.utterance => {
                keeping.clip.words.extend(words.iter().cloned());
            }
            TtsEvent::Done { utterance } if *utterance == keeping.utterance => {
                let Some(done) = self.keeping.take() else { return };
                self.courier.store(done.phrase, done.clip);
            }
            _ => {}
        }
    }
}

/// What became of the search, in time.
async fn found(wanted: Option<&mut Wanted>) -> Option<Clip> {
    let Some(wanted) = wanted else { return std::future::pending().await };
    let answer = timeout_at(wanted.until, &mut wanted.answer).await;
    answer.ok().and_then(Result::ok).flatten()
}
