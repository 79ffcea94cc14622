//! Utterances: audio in, what was understood out.

use std::rc::Rc;

use vox_engines::message::{Failure, FailureKind, HeardWord, Readiness, Reply, SphinxSettings, Transcript};

use super::ear::{Ear, Piece};
use super::grammar::Grammar;
use super::model::Model;
use super::score::{accepted, confidence, probability, without_digits_penalty};
use super::upsample::Upsampler;
use crate::ffi::pocketsphinx::{Pocketsphinx, Refused};
use crate::pipe::bad_request;

/// Samples given to the decoders at once: 20 ms of the model's 16 kHz.
const CHUNK_SAMPLES: usize = 320;

/// Milliseconds of one chunk.
const CHUNK_MS: u32 = 20;

/// Chunks between two looks for a partial result: 200 ms.
const PARTIAL_CHUNKS: u32 = 10;

/// Decoders over one stream of audio. They keep their channel estimate from utterance to utterance.
pub struct Hearing {
    upsampler: Option<Upsampler>,
    expected: Option<Expected>,
    free: Option<Ear>,
    pending: Vec<i16>,
    utterance: Option<Utterance>,
}

/// The decoder of expected phrases and its yardstick.
struct Expected {
    words: Ear,
    phones: Ear,
    has_digits: bool,
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
                words: Ear::new(model.expected(library, &grammar, jsgf).map_err(engine)?),
                phones: Ear::new(model.phone_loop(library).map_err(engine)?),
                has_digits: grammar.has_digits,
            }),
            None if settings.free => None,
            None => return Err(bad_request("the dictionary lacks words of every expected phrase")),
        };
        let free = if settings.free {
            model.has_language_model()?;
            Some(Ear::new(model.free(library).map_err(engine)?))
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
        for ear in self.ears() {
            ear.end()?;
        }
        let expected = self.expected.as_mut().and_then(Expected::transcript);
        let free = self.free.as_mut().filter(|_| expected.is_none()).map(open_speech);
        Ok(expected.or(free).unwrap_or_default())
    }

    fn ears(&mut self) -> impl Iterator<Item = &mut Ear> {
        let expected =
            self.expected.iter_mut().flat_map(|expected| [&mut expected.words, &mut expected.phones]);
        expected.chain(self.free.iter_mut())
    }

    /// Search one chunk; answers with a partial text when it is time for one and it changed.
    fn search(&mut self, chunk: &[i16]) -> Result<Option<String>, Refused> {
        let first = self.utterance.is_none();
        let utterance = self.utterance.get_or_insert_default();
        utterance.chunks = utterance.chunks.saturating_add(1);
        let chunks = utterance.chunks;
        for ear in self.ears() {
            if first {
                ear.start()?;
            }
            ear.process(chunk, chunks.saturating_mul(CHUNK_MS))?;
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
        if let Some(transcript) = self.expected.as_mut().and_then(Expected::transcript) {
            return transcript.text;
        }
        self.free.as_mut().map(|free| joined(&free.pieces())).unwrap_or_default()
    }
}

impl Expected {
    /// The expected words, if they are what was said (so far).
    fn transcript(&mut self) -> Option<Transcript> {
        let (mut words_score, phones_score) = (self.words.score()?, self.phones.score()?);
        let pieces = self.words.pieces();
        let words: Vec<&Piece> = pieces.iter().filter(|piece| !piece.word.is_empty()).collect();
        if self.has_digits {
            words_score = without_digits_penalty(words_score, i32::try_from(words.len()).unwrap_or(i32::MAX));
        }
        let frames = words.iter().map(|piece| piece.frames).sum();
        let confidence = confidence(words_score, phones_score, frames);
        accepted(confidence).then(|| transcript(&pieces, confidence, |_| confidence))
    }
}

fn open_speech(ear: &mut Ear) -> Transcript {
    let pieces = ear.pieces();
    let certain = |piece: &Piece| probability(piece.posterior);
    let words: Vec<f32> = pieces.iter().filter(|piece| !piece.word.is_empty()).map(certain).collect();
    let mean = words.iter().sum::<f32>() / words.len().max(1) as f32;
    transcript(&pieces, mean, certain)
}

fn transcript(pieces: &[Piece], confidence: f32, certain: impl Fn(&Piece) -> f32) -> Transcript {
    let words = pieces.iter().filter(|piece| !piece.word.is_empty()).map(|piece| HeardWord {
        text: piece.word.clone(),
        start_ms: piece.start_ms,
        end_ms: piece.end_ms,
        confidence: certain(piece),
    });
    Transcript { text: joined(pieces), confidence, words: words.collect() }
}

fn joined(pieces: &[Piece]) -> String {
    let words = pieces.iter().map(|piece| piece.word.as_str()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}
