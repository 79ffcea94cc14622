//! The bot's own sound, from the voice or kept, on its way to the mouth.

use std::time::Duration;

use super::Actor;
use crate::call::beside::Got;
use crate::courier::clips::Clip;
use crate::provider::tts::{TtsEvent, UtteranceId};

impl Actor {
    /// Sound of the voice, or of a kept phrase, goes to the mouth as far as it is still wanted.
    pub(super) fn take_voice(&mut self, event: TtsEvent) {
        let now = self.elapsed_samples();
        let wanted = match &event {
            TtsEvent::Audio { utterance, .. } | TtsEvent::Done { utterance } => {
                self.parts.session.is_saying(*utterance)
            }
            _ => true,
        };
        self.mouth.hear(event, wanted, now, &mut self.given);
        self.take_given();
    }

    pub(super) fn phrase(&mut self, utterance: UtteranceId, text: String) {
        if let Some(screener) = &mut self.screener {
            screener.says(&text);
        }
        match self.parts.vendors.phrase(utterance, text) {
            Ok(Some(clip)) => self.take_clip(utterance, clip),
            Ok(None) => {}
            Err(failure) => self.voice_result(Err(failure)),
        }
    }

    /// A phrase that was kept as sound. One without sound is being synthesised.
    pub(super) fn take_clip(&mut self, utterance: UtteranceId, clip: Clip) {
        if clip.pcm.is_empty() {
            return;
        }
        self.take_voice(TtsEvent::Words { utterance, words: clip.words });
        self.take_voice(TtsEvent::Audio { utterance, pcm: clip.pcm });
        self.take_voice(TtsEvent::Done { utterance });
    }

    /// A sound beside the voice is there. Who has handed the call over is heard no more, nor what lay under them.
    pub(super) fn take_beside(&mut self, got: Got) {
        match got {
            Got::Background(_) if self.parts.session.is_handed_over() => {}
            Got::Background(bed) => self.mouth.lay(Some(bed)),
            Got::Hold(music) => self.hold_music = Some(music),
        }
    }

    pub(super) fn stop_saying(&mut self, utterance: UtteranceId, fade: Duration) {
        self.parts.vendors.cancel_voice(utterance);
        let now = self.elapsed_samples();
        self.mouth.stop(utterance, fade, now, &mut self.given);
        self.take_given();
    }
}
