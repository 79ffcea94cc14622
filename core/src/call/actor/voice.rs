//! The bot's voice inside the actor: audio from the voice to the queue, to the line and the recording, and back to the
//! session as what was heard.

use std::time::Duration;

use super::{Actor, MARK_GRACE, Speaking, TAIL_WAIT, TICK};
use crate::courier::clips::Clip;
use crate::media::level::is_audible;
use crate::media::playout::{Chunk, Pacing};
use crate::media::trim::Trim;
use crate::provider::tts::{TtsEvent, UtteranceId, WordMark};
use crate::session::event::{Event, VoiceEvent};
use crate::transport::line::LineOut;

impl Actor {
    /// Audio goes to the queue; the session learns its length.
    pub(super) fn take_voice(&mut self, event: TtsEvent) {
        match event {
            TtsEvent::Ready => self.tell(VoiceEvent::Ready),
            TtsEvent::Audio { utterance, pcm } => {
                let pcm = self.trim(utterance).audio(&pcm);
                self.take_audio(utterance, &pcm);
                let words = self.trim(utterance).settled_words();
                self.take_words(utterance, words);
            }
            TtsEvent::Words { utterance, words } => {
                let words = self.trim(utterance).words(words);
                self.take_words(utterance, words);
            }
            TtsEvent::Done { utterance } => {
                let rest = self.trim(utterance).finish();
                self.take_audio(utterance, &rest);
                let words = self.trim(utterance).settled_words();
                self.take_words(utterance, words);
                self.queue.complete(utterance);
                // The last of it may have left before the voice said so.
                self.speaking.complete |= self.speaking.utterance == utterance && self.queue.samples() == 0;
                self.tell(VoiceEvent::Done { utterance });
            }
            TtsEvent::Usage { characters } => self.tell(VoiceEvent::Usage { characters }),
            TtsEvent::Failed(failure) => self.tell(VoiceEvent::Failed(failure)),
        }
    }

    fn trim(&mut self, utterance: UtteranceId) -> &mut Trim {
        if self.trim.0 != utterance {
            self.trim = (utterance, Trim::new(self.parts.rate_hz));
        }
        &mut self.trim.1
    }

    fn take_audio(&mut self, utterance: UtteranceId, pcm: &[i16]) {
        if pcm.is_empty() || !self.parts.session.is_saying(utterance) {
            return;
        }
        self.queue.push(utterance, pcm);
        self.pushed_at = self.elapsed_samples();
        let ms = self.arrived_ms(utterance, pcm.len());
        self.tell(VoiceEvent::Audio { utterance, ms });
    }

    fn take_words(&mut self, utterance: UtteranceId, words: Vec<WordMark>) {
        if !words.is_empty() {
            self.tell(VoiceEvent::Words { utterance, words });
        }
    }

    fn tell(&mut self, event: VoiceEvent) {
        self.events.push_back(Event::Voice(event));
    }

    /// The length of a piece, such that the pieces' lengths add up to that of the whole: the end of an utterance is told
    /// from its last millisecond.
    fn arrived_ms(&mut self, utterance: UtteranceId, samples: usize) -> u32 {
        if self.arrived.0 != utterance {
            self.arrived = (utterance, 0);
        }
        let before = self.length_ms(self.arrived.1 as usize);
        self.arrived.1 += samples as u64;
        self.length_ms(self.arrived.1 as usize) - before
    }

    /// Whole milliseconds, rounded down.
    fn length_ms(&self, samples: usize) -> u32 {
        u32::try_from(samples as u64 * 1000 / u64::from(self.parts.rate_hz)).unwrap_or(u32::MAX)
    }

    pub(super) fn phrase(&mut self, utterance: UtteranceId, text: String) {
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

    pub(super) fn stop_saying(&mut self, utterance: UtteranceId, fade: Duration) {
        self.parts.vendors.cancel_voice(utterance);
        self.carrier.forget(utterance);
        let now = self.elapsed_samples();
        let buffered = self.parts.traits.buffers && self.carrier.ahead(now) > 0;
        let fade = if self.parts.traits.buffers { 0 } else { self.samples(fade) };
        self.queue.stop(utterance, fade);
        if self.speaking.utterance == utterance {
            self.speaking.complete = true;
            self.speaking.mark = None;
        }
        if buffered {
            self.carrier.clear(now);
            if let Some(recorder) = &mut self.parts.recorder {
                recorder.clear_bot(now);
            }
            self.send(LineOut::Clear);
        } else {
            self.clear_due = self.speaking.utterance == utterance && self.speaking.sent > 0;
        }
    }

    /// Fill the carrier up to its lead. True when something was sent.
    pub(super) fn send_due(&mut self, now: u64) -> bool {
        let Pacing { chunk, lead } = self.parts.pacing;
        let mut sent = false;
        while self.carrier.ahead(now) < lead {
            let stalls =
                self.carrier.ahead(now) == 0 && now >= self.pushed_at + self.samples(TAIL_WAIT) as u64;
            let Some(next) = self.queue.take(chunk, stalls) else { break };
            let at = self.carrier.send(&next, now);
            if let Some(recorder) = &mut self.parts.recorder {
                recorder.bot(at, &next.pcm);
            }
            self.note_sent(&next);
            let ended = (next.last && next.samples > 0).then_some(next.utterance);
            self.send(LineOut::Audio(next.pcm));
            if let Some(utterance) = ended {
                self.mark_end(utterance, at + chunk as u64);
            }
            sent = true;
        }
        sent
    }

    /// The last of an utterance was sent, and is played until media time `until`. Its end counts as heard when the
    /// carrier echoes our mark; without marks when the frame that left just now has been played.
    fn mark_end(&mut self, utterance: UtteranceId, until: u64) {
        let name = format!("u{utterance}");
        let echoes = self.parts.traits.echoes_marks;
        let wait = self.samples(if echoes { MARK_GRACE } else { TICK }) as u64;
        self.speaking.mark = Some((name.clone(), until + wait));
        if echoes {
            self.send(LineOut::Mark(name));
        }
    }

    fn note_sent(&mut self, chunk: &Chunk) {
        if chunk.samples == 0 {
            return;
        }
        if self.speaking.utterance != chunk.utterance {
            self.speaking = Speaking { utterance: chunk.utterance, ..Speaking::default() };
        }
        if self.speaking.audible_from.is_none() {
            let frame = self.parts.rate_hz as usize / 50;
            let quiet = chunk.pcm.chunks(frame).take_while(|f| !is_audible(f)).count() * frame;
            if quiet < chunk.samples {
                self.speaking.audible_from = Some(self.speaking.sent + quiet as u64);
            }
        }
        self.speaking.sent += chunk.samples as u64;
        self.speaking.complete |= chunk.last;
    }

    /// Tell the session what has been played by media time `now`: the end of the frame that leaves now.
    pub(super) fn report_played(&mut self, now: u64) {
        let rate = u64::from(self.parts.rate_hz);
        for (utterance, samples) in self.carrier.played(now) {
            let audible = self.speaking.utterance != utterance
                || self.speaking.audible_from.is_some_and(|from| samples > from);
            let whole = self.speaking.utterance == utterance
                && self.speaking.complete
                && samples >= self.speaking.sent;
            let waits = whole && self.speaking.mark.is_some();
            let played_ms = (samples * 1000 / rate).saturating_sub(u64::from(waits));
            let played_ms = u32::try_from(played_ms).unwrap_or(u32::MAX);
            self.events.push_back(Event::Played { utterance, played_ms, audible });
        }
        if self.speaking.mark.as_ref().is_some_and(|(_, by)| now >= *by) {
            self.mark_echoed();
        }
    }

    pub(super) fn mark_echoed(&mut self) {
        self.speaking.mark = None;
        let played_ms = self.length_ms(self.speaking.sent as usize);
        self.events.push_back(Event::Played { utterance: self.speaking.utterance, played_ms, audible: true });
    }
}
