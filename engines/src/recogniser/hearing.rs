//! Utterances: audio in, what was understood out.

use std::rc::Rc;

use vox_engines::message::{Failure, FailureKind, HeardWord, Readiness, Reply, SphinxSettings, Transcript};

use super::grammar::Grammar;
use super::model::Model;
use super::score::{accepted, confidence, probability};
use super::upsample::Upsampler;
use crate::ffi::pocketsphinx::{Decoder, Pocketsphinx, Refused, Segment};
use crate::pipe::bad_request;

/// Samples given to the decoders at once: 20 ms of the model's 16 kHz.
const CHUNK_SAMPLES: usize = 320;

/// Chunks between two looks for a partial result: 200 ms.
const PARTIAL_CHUNKS: u32 = 10;

/// Longest utterance that is searched, 60 s; the search keeps its history, so memory grows with it.
const MAX_CHUNKS: u32 = 3_000;

/// Length of a decoder's frame.
const FRAME_MS: u32 = 10;

/// Decoders over one stream of audio. They keep their channel estimate from utterance to utterance.
pub struct Hearing {
    upsampler: Option<Upsampler>,
    expected: Option<Expected>,
    free: Option<Decoder>,
    pending: Vec<i16>,
    utterance: Option<Utterance>,
}

/// The decoder of expected phrases and its yardstick.
struct Expected {
    words: Decoder,
    phones: Decoder,
}

#[derive(Default)]
struct Utterance {
    chunks: u32,
    partial: String,
}

impl Hearing {
    /// Load what these settings need.
    pub fn start(
        library: &Rc<Pocketsphinx>,
        model: &Model,
        settings: &SphinxSettings,
    ) -> Result<(Self, Readiness), Failure> {
        let engine =
            |error: Refused| Failure { id: None, kind: FailureKind::Engine, message: error.to_string() };
        let grammar = Grammar::new(&settings.expected, model.dictionary())
            .map_err(|error| bad_request(format!("the dictionary cannot be read: {error}")))?;
        let expected = match &grammar.jsgf {
            Some(jsgf) => Some(Expected {
                words: model.expected(library, &grammar, jsgf).map_err(engine)?,
                phones: model.phone_loop(library).map_err(engine)?,
            }),
            None if settings.free => None,
            None => return Err(bad_request("the dictionary lacks words of every expected phrase")),
        };
        let free = if settings.free {
            model.has_language_model()?;
            Some(model.free(library).map_err(engine)?)
        } else {
            None
        };
        let upsampler = (settings.rate == 8_000).then(Upsampler::default);
        let hearing = Self { upsampler, expected, free, pending: Vec::new(), utterance: None };
        Ok((hearing, grammar.readiness))
    }

    /// Take the next audio; answers with a partial result when there is a new one.
    pub fn hear(&mut self, pcm: &[i16]) -> Result<Option<Reply>, Refused> {
        match &mut self.upsampler {
            Some(upsampler) => self.pending.extend(upsampler.process(pcm)),
            None => self.pending.extend_from_slice(pcm),
        }
        let mut partial = None;
        let pending = std::mem::take(&mut self.pending);
        let mut chunks = pending.chunks_exact(CHUNK_SAMPLES);
        for chunk in &mut chunks {
            partial = self.search(chunk)?.or(partial);
        }
        self.pending.extend_from_slice(chunks.remainder());
        Ok(partial.map(|text| Reply::Partial { text }))
    }

    /// End the utterance and say what it was.
    pub fn finalize(&mut self) -> Result<Transcript, Refused> {
        let rest = std::mem::take(&mut self.pending);
        if !rest.is_empty() {
            self.search(&rest)?;
        }
        if self.utterance.take().is_none() {
            return Ok(Transcript::default());
        }
        for decoder in self.decoders() {
            decoder.end_utterance()?;
        }
        let expected = self.expected.as_mut().and_then(Expected::transcript);
        let free = self.free.as_mut().filter(|_| expected.is_none()).map(open_speech);
        Ok(expected.or(free).unwrap_or_default())
    }

    fn decoders(&mut self) -> impl Iterator<Item = &mut Decoder> {
        let expected =
            self.expected.iter_mut().flat_map(|expected| [&mut expected.words, &mut expected.phones]);
        expected.chain(self.free.iter_mut())
    }

    /// Search one chunk; answers with a partial text when it is time for one and it changed.
    fn search(&mut self, chunk: &[i16]) -> Result<Option<String>, Refused> {
        let first = self.utterance.is_none();
        let chunks = self.utterance.as_ref().map_or(0, |utterance| utterance.chunks) + 1;
        self.utterance.get_or_insert_default().chunks = chunks;
        if chunks > MAX_CHUNKS {
            return Ok(None);
        }
        for decoder in self.decoders() {
            if first {
                decoder.start_utterance()?;
            }
            decoder.process(chunk)?;
        }
        if !chunks.is_multiple_of(PARTIAL_CHUNKS) {
            return Ok(None);
        }
        let text = self.partial();
        let utterance = self.utterance.get_or_insert_default();
        if text.is_empty() || text == utterance.partial {
            return Ok(None);
        }
        utterance.partial.clone_from(&text);
        Ok(Some(text))
    }

    fn partial(&mut self) -> String {
        let expected = self.expected.as_mut().and_then(Expected::transcript);
        let free = self.free.as_mut().filter(|_| expected.is_none());
        match (expected, free) {
            (Some(transcript), _) => transcript.text,
            (None, Some(free)) => joined(&free.segments()),
            (None, None) => String::new(),
        }
    }
}

impl Expected {
    /// The expected words, if they are what was said (so far).
    fn transcript(&mut self) -> Option<Transcript> {
        let words_score = self.words.hypothesis()?.score;
        let phones_score = self.phones.hypothesis()?.score;
        let segments = self.words.segments();
        let frames = segments.iter().filter(|segment| is_word(segment)).map(frames).sum();
        let confidence = confidence(words_score, phones_score, frames);
        if !accepted(confidence) {
            return None;
        }
        let words = heard_words(&segments, |_| confidence);
        Some(Transcript { text: joined(&segments), confidence, words })
    }
}

fn open_speech(decoder: &mut Decoder) -> Transcript {
    let segments = decoder.segments();
    let words = heard_words(&segments, |segment| probability(segment.posterior));
    let total: f32 = words.iter().map(|word| word.confidence).sum();
    let confidence = if words.is_empty() { 0.0 } else { total / words.len() as f32 };
    Transcript { text: joined(&segments), confidence, words }
}

fn heard_words(segments: &[Segment], confidence: impl Fn(&Segment) -> f32) -> Vec<HeardWord> {
    let words = segments.iter().filter(|segment| is_word(segment));
    words
        .map(|segment| HeardWord {
            text: plain(&segment.word).to_owned(),
            start_ms: segment.frames.0 * FRAME_MS,
            end_ms: (segment.frames.1 + 1) * FRAME_MS,
            confidence: confidence(segment),
        })
        .collect()
}

fn joined(segments: &[Segment]) -> String {
    let words = segments.iter().filter(|segment| is_word(segment)).map(|segment| plain(&segment.word));
    words.collect::<Vec<_>>().join(" ")
}

fn frames(segment: &Segment) -> u32 {
    (segment.frames.1 + 1).saturating_sub(segment.frames.0)
}

/// Silence, noises and the empty steps of a grammar are no words.
fn is_word(segment: &Segment) -> bool {
    !segment.word.starts_with(['<', '[', '+', '('])
}

/// The word without the number of its pronunciation: `the(2)` is `the`.
fn plain(word: &str) -> &str {
    word.split_once('(').map_or(word, |(plain, _)| plain)
}
