//! The utterance that is being sent to the line.

use crate::media::level::is_audible;
use crate::media::playout::Chunk;
use crate::provider::tts::UtteranceId;

#[derive(Debug, Default)]
pub(super) struct Leaving {
    pub(super) utterance: UtteranceId,
    /// Samples sent to the line.
    pub(super) sent: u64,
    /// Its first audible sample.
    audible_from: Option<u64>,
    /// All of it was sent and its end is not heard yet: the mark whose echo says so, and the media time from which the
    /// clock alone decides.
    pub(super) mark: Option<(String, u64)>,
    pub(super) complete: bool,
}

impl Leaving {
    /// A chunk was sent.
    pub(super) fn note(&mut self, chunk: &Chunk, rate_hz: u32) {
        if chunk.samples == 0 {
            return;
        }
        if self.utterance != chunk.utterance {
            *self = Self { utterance: chunk.utterance, ..Self::default() };
        }
        if self.audible_from.is_none() {
            let frame = rate_hz as usize / 50;
            let quiet = chunk.pcm.chunks(frame).take_while(|f| !is_audible(f)).count() * frame;
            if quiet < chunk.samples {
                self.audible_from = Some(self.sent + quiet as u64);
            }
        }
        self.sent += chunk.samples as u64;
        self.complete |= chunk.last;
    }

    /// Of an utterance of which so many samples were played: whether something audible was, and whether all was.
    pub(super) fn state(&self, utterance: UtteranceId, played: u64) -> (bool, bool) {
        if self.utterance != utterance {
            return (true, false);
        }
        let audible = self.audible_from.is_some_and(|from| played > from);
        (audible, self.complete && played >= self.sent)
    }
}
