//! The call's vendors: opened, fed and listened to on the session's orders.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use vox_shared::wire::config::RuntimeConfig;

use super::clips::{Clip, ClipKey, Clips};
use crate::provider::llm::{LlmEvent, LlmRequest, LlmStream};
use crate::provider::registry::Providers;
use crate::provider::stt::{SttEvent, SttInput, SttStream};
use crate::provider::tts::{TtsEvent, TtsInput, TtsStream, UtteranceId};
use crate::provider::{Failure, FailureClass};
use crate::session::event::RequestId;
use crate::session::rules::with_fallbacks;

/// Audio goes to the recogniser in pieces of at least this: half the messages of a 20 ms line, and well inside what vendors
/// advise.
const PIECE: Duration = Duration::from_millis(40);
/// Audio kept for a recogniser that is opened again.
const RING: Duration = Duration::from_secs(10);
/// A replay goes out in pieces of this length, so that it fits the stream's queue.
const REPLAY_PIECE_MS: usize = 250;
/// How long a recogniser may take to say what it billed.
const USAGE_WAIT: Duration = Duration::from_millis(500);

/// The caller's newest audio.
#[derive(Debug, Default)]
struct Ring {
    pieces: VecDeque<Arc<[i16]>>,
    samples: usize,
}

impl Ring {
    fn push(&mut self, pcm: Arc<[i16]>, limit: usize) {
        self.samples += pcm.len();
        self.pieces.push_back(pcm);
        while self.samples > limit {
            let Some(old) = self.pieces.pop_front() else { return };
            self.samples -= old.len();
        }
    }

    fn last(&self, samples: usize) -> Vec<i16> {
        let all: Vec<i16> = self.pieces.iter().flat_map(|p| p.iter().copied()).collect();
        all[all.len().saturating_sub(samples)..].to_vec()
    }
}

/// A phrase that is being synthesised and will be kept.
#[derive(Debug)]
struct Keeping {
    utterance: UtteranceId,
    key: ClipKey,
    clip: Clip,
}

/// The open streams of a call.
pub struct Outlets {
    providers: Arc<Providers>,
    config: Arc<RuntimeConfig>,
    clips: Clips,
    rate_hz: u32,
    /// The caller's newest audio, less than a piece.
    piece: Vec<i16>,
    ring: Ring,
    stt: Option<SttStream>,
    /// Media time of the stream's first sample.
    stt_from_ms: u64,
    /// Audio sent to recognisers, samples; what it costs when the vendor does not say.
    pub stt_samples: u64,
    pub stt_dropped: u64,
    llm: Option<(RequestId, LlmStream)>,
    voice: Option<TtsStream>,
    voice_index: usize,
    keeping: Option<Keeping>,
}

/// What a vendor said.
#[derive(Debug)]
pub enum Heard {
    Stt(SttEvent),
    Llm(RequestId, LlmEvent),
    Voice(TtsEvent),
}

impl Outlets {
    /// The vendors of a call; none is opened yet.
    pub fn new(providers: Arc<Providers>, config: Arc<RuntimeConfig>, clips: Clips, rate_hz: u32) -> Self {
        Self {
            providers,
            config,
            clips,
            rate_hz,
            piece: Vec::new(),
            ring: Ring::default(),
            stt: None,
            stt_from_ms: 0,
            stt_samples: 0,
            stt_dropped: 0,
            llm: None,
            voice: None,
            voice_index: 0,
            keeping: None,
        }
    }

    /// The next thing a vendor says. Waits for ever while nothing is open; cancel-safe. `hear_voice` is false while
    /// enough audio waits to be played: the voice is then held back by its own full queue.
    pub async fn next(&mut self, hear_voice: bool) -> Heard {
        let gone =
            |what: &str| Failure::new(FailureClass::Unavailable, format!("{what} ended without a word"));
        let (stt, llm, voice) = (&mut self.stt, &mut self.llm, &mut self.voice);
        tokio::select! {
            event = async { stt.as_mut().expect("guarded").events.recv().await }, if stt.is_some() => {
                let event = event.unwrap_or_else(|| SttEvent::Failed(gone("the recogniser")));
                if matches!(event, SttEvent::Failed(_)) {
                    self.stt = None;
                }
                Heard::Stt(self.on_media_clock(event))
            }
            event = async { llm.as_mut().expect("guarded").1.events.recv().await }, if llm.is_some() => {
                let event = event.unwrap_or_else(|| LlmEvent::Failed(gone("the model")));
                let request = self.llm.as_ref().map_or(0, |l| l.0);
                if matches!(event, LlmEvent::Failed(_) | LlmEvent::Done { .. }) {
                    self.llm = None;
                }
                Heard::Llm(request, event)
            }
            event = async { voice.as_mut().expect("guarded").events.recv().await }, if voice.is_some() && hear_voice => {
                let event = event.unwrap_or_else(|| TtsEvent::Failed(gone("the voice")));
                if matches!(event, TtsEvent::Failed(_)) {
                    self.voice = None;
                    self.keeping = None;
                }
                self.keep(&event);
                Heard::Voice(event)
            }
            else => std::future::pending().await,
        }
    }

    /// The caller's audio.
    pub fn hear(&mut self, pcm: &[i16]) {
        self.piece.extend_from_slice(pcm);
        if self.piece.len() >= self.samples(PIECE) {
            self.send_piece();
        }
    }

    fn send_piece(&mut self) {
        if self.piece.is_empty() {
            return;
        }
        let pcm: Arc<[i16]> = self.piece.as_slice().into();
        self.piece.clear();
        self.ring.push(pcm.clone(), self.samples(RING));
        self.send_audio(pcm);
    }

    fn send_audio(&mut self, pcm: Arc<[i16]>) {
        let Some(stt) = &self.stt else { return };
        let samples = pcm.len() as u64;
        match stt.input.try_send(SttInput::Audio(pcm)) {
            Ok(()) => self.stt_samples += samples,
            Err(_) => self.stt_dropped += samples,
        }
    }

    /// Open the recogniser with this index and give it the last `replay` of audio.
    pub fn open_stt(&mut self, index: usize, replay: Duration, now: Duration) -> Result<(), Failure> {
        self.send_piece();
        self.stt = None;
        let settings = *with_fallbacks(&self.config.stt, |s| s, |s| &s.fallbacks)
            .get(index)
            .unwrap_or(&&self.config.stt);
        let recogniser = self.providers.recogniser(settings)?;
        self.stt = Some(recogniser.open(self.rate_hz));
        let past = self.ring.last(self.samples(replay));
        let past_ms = past.len() as u64 * 1000 / u64::from(self.rate_hz);
        self.stt_from_ms = crate::session::report::ms(now).saturating_sub(past_ms);
        let piece = self.rate_hz as usize * REPLAY_PIECE_MS / 1000;
        for part in past.chunks(piece) {
            self.send_audio(part.into());
        }
        Ok(())
    }

    /// Ask the recogniser for its final words.
    pub fn finalize_stt(&mut self) {
        self.send_piece();
        if let Some(stt) = &self.stt {
            // A full queue means that it is stalled: the session's own deadline deals with that.
            let _stalled = stt.input.try_send(SttInput::Finalize);
        }
    }

    /// Have the model's connection ready by the first question.
    pub fn warm_up(&self) {
        // Settings that are refused are told when the model is asked.
        if let Ok(model) = self.providers.language_model(&self.config.llm) {
            model.warm_up();
        }
    }

    /// Ask the model with this index.
    pub fn ask(&mut self, request: RequestId, index: usize, ask: LlmRequest) -> Result<(), Failure> {
        let settings = *with_fallbacks(&self.config.llm, |s| s, |s| &s.fallbacks)
            .get(index)
            .unwrap_or(&&self.config.llm);
        let model = self.providers.language_model(settings)?;
        self.llm = Some((request, model.ask(ask)));
        Ok(())
    }

    /// Drop a request.
    pub fn cancel_ask(&mut self, request: RequestId) {
        self.llm.take_if(|l| l.0 == request);
    }

    /// Open the voice with this index.
    pub fn open_voice(&mut self, index: usize) -> Result<(), Failure> {
        self.voice = None;
        self.keeping = None;
        self.voice_index = index;
        let settings = *with_fallbacks(&self.config.tts, |s| s, |s| &s.fallbacks)
            .get(index)
            .unwrap_or(&&self.config.tts);
        let voice = self.providers.voice(settings)?;
        self.voice = Some(voice.open(self.rate_hz));
        Ok(())
    }

    /// Send text, its end, or a cancellation to the voice.
    pub fn tell_voice(&mut self, input: TtsInput) -> Result<(), Failure> {
        let Some(voice) = &self.voice else {
            return Err(Failure::new(FailureClass::Unavailable, "no voice is open"));
        };
        let full = |_| Failure::new(FailureClass::Unavailable, "the voice takes no more text");
        voice.input.try_send(input).map_err(full)
    }

    /// The phrase as sound, if it is kept.
    pub fn clip(&self, text: &str) -> Option<Clip> {
        self.clips.load(&self.clip_key(text))
    }

    /// Have a phrase synthesised, and keep it when it is whole.
    pub fn synthesise_phrase(&mut self, utterance: UtteranceId, text: String) -> Result<(), Failure> {
        let key = self.clip_key(&text);
        self.tell_voice(TtsInput::Speak { utterance, text })?;
        self.tell_voice(TtsInput::End { utterance })?;
        self.keeping = Some(Keeping { utterance, key, clip: Clip::default() });
        Ok(())
    }

    /// The reply was stopped.
    pub fn cancel_voice(&mut self, utterance: UtteranceId) {
        self.keeping.take_if(|k| k.utterance == utterance);
        if let Some(voice) = &self.voice {
            let _stalled = voice.input.try_send(TtsInput::Cancel { utterance });
        }
    }

    /// Close everything; the seconds the recogniser billed, if it says so in time.
    pub async fn close(mut self) -> Option<f64> {
        self.llm = None;
        self.voice = None;
        self.send_piece();
        let stt = self.stt.take()?;
        let SttStream { input, mut events, task: _task } = stt;
        drop(input);
        let usage = async {
            while let Some(event) = events.recv().await {
                if let SttEvent::Usage { seconds } = event {
                    return Some(seconds);
                }
            }
            None
        };
        timeout(USAGE_WAIT, usage).await.ok().flatten()
    }

    fn clip_key(&self, text: &str) -> ClipKey {
        let settings = with_fallbacks(&self.config.tts, |s| s, |s| &s.fallbacks);
        ClipKey::new(settings.get(self.voice_index).unwrap_or(&settings[0]), self.rate_hz, text)
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
                let clips = self.clips.clone();
                tokio::task::spawn_blocking(move || {
                    if let Err(error) = clips.store(&done.key, &done.clip) {
                        tracing::warn!(%error, "a phrase could not be kept; it will be synthesised again");
                    }
                });
            }
            _ => {}
        }
    }

    fn on_media_clock(&self, mut event: SttEvent) -> SttEvent {
        if let SttEvent::Final { words, .. } = &mut event {
            for word in words {
                word.started_ms += self.stt_from_ms;
                word.ended_ms += self.stt_from_ms;
            }
        }
        event
    }

    fn samples(&self, length: Duration) -> usize {
        (length.as_secs_f64() * f64::from(self.rate_hz)) as usize
    }
}
