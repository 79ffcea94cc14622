//! The bot's mouth: all that is known of an utterance's sound between the voice and the caller's ear.
//!
//! It takes what the voice gives, the session's orders and the steps of the media clock; it gives messages for the line,
//! samples for the recording and facts for the session. It does no I/O and reads no clock: `now` is the media clock,
//! samples.

mod arriving;
mod leaving;
mod standstill;

use std::time::Duration;

use crate::media::bed::Bed;
use crate::media::playout::{Carrier, Chunk, Pacing, Queue};
use crate::media::tone::hold_tone;
use crate::provider::tts::{TtsEvent, UtteranceId, WordMark};
use crate::session::event::{Event, VoiceEvent};
use arriving::Arriving;
use leaving::Leaving;
use standstill::Standstill;

/// The media clock's step, as parts of a second.
const STEPS_PER_SECOND: u64 = 50;
/// A voice that gave nothing for this long does not fill the frame it began: what is there of it is sent.
const TAIL_WAIT: Duration = Duration::from_millis(150);
/// Audio waiting beyond this holds the voice back.
const QUEUE_LIMIT: Duration = Duration::from_secs(12);
/// How long an echo of our mark is waited for before the clock alone decides that the caller has heard it.
const MARK_GRACE: Duration = Duration::from_secs(1);

/// What is to be done with sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Send it; it is heard from media time `at` on.
    Play { at: u64, pcm: Vec<i16> },
    /// Ask the carrier to say when it has played what was sent.
    Mark(String),
    /// Have the carrier drop what it has not played; with `from` it was to be heard from that media time on.
    Clear { from: Option<u64> },
}

/// What a call of the mouth comes to. The owner keeps one and empties it, so that a frame costs no allocation here.
#[derive(Debug, Default)]
pub struct Given {
    pub orders: Vec<Order>,
    pub events: Vec<Event>,
}

impl Given {
    fn tell(&mut self, event: VoiceEvent) {
        self.events.push(Event::Voice(event));
    }
}

/// How a line takes sound.
#[derive(Clone, Copy, Debug)]
pub struct LineSound {
    pub rate_hz: u32,
    pub pacing: Pacing,
    /// The carrier buffers and can drop what it holds: a clear cuts, and a fade would come too late.
    pub buffers: bool,
    /// The carrier echoes marks.
    pub echoes_marks: bool,
}

/// The mouth of one call.
#[derive(Debug)]
pub struct Mouth {
    line: LineSound,
    /// From the voice.
    arriving: Arriving,
    /// Waiting to be sent.
    queue: Queue,
    /// Sent, with the carrier.
    carrier: Carrier,
    /// Until when the carrier has sound of ours that is no background, media time.
    voiced_until: u64,
    /// What lies under all that is said.
    bed: Option<Bed>,
    /// The utterance that is being sent.
    leaving: Leaving,
    /// A fade is on its way: tell the carrier to stop when it is out.
    clear_due: bool,
    underruns: u64,
    /// What is said is not heard before then.
    silent_until: u64,
    /// When the line takes nothing the mouth's time stands still, so that nothing counts as heard that waits. Below `now` is that time.
    standstill: Standstill,
}

impl Mouth {
    pub fn new(line: LineSound) -> Self {
        Self {
            line,
            arriving: Arriving::new(line.rate_hz),
            queue: Queue::default(),
            carrier: Carrier::default(),
            voiced_until: 0,
            bed: None,
            leaving: Leaving::default(),
            clear_due: false,
            underruns: 0,
            silent_until: 0,
            standstill: Standstill::default(),
        }
    }

    /// Enough waits to be played: the voice is held back.
    pub fn is_full(&self) -> bool {
        self.queue.samples() >= self.samples(QUEUE_LIMIT) as usize
    }

    /// Whether each step of the clock matters, as of the last one.
    pub fn is_busy(&self, now: u64) -> bool {
        let now = self.standstill.time(now);
        self.bed.is_some()
            || self.queue.samples() > 0
            || self.clear_due
            || self.leaving.mark.is_some()
            || self.carrier.plays_until() > now
    }

    /// Whether something that is said is heard now.
    pub fn is_heard(&self, now: u64) -> bool {
        !self.is_dry(self.standstill.time(now))
    }

    /// Times that the carrier ran dry within an utterance.
    pub fn underruns(&self) -> u64 {
        self.underruns
    }

    /// Take what the voice says. Its sound is dropped unless it is `wanted`.
    pub fn hear(&mut self, event: TtsEvent, wanted: bool, now: u64, given: &mut Given) {
        let now = self.standstill.time(now);
        match event {
            TtsEvent::Ready => given.tell(VoiceEvent::Ready),
            TtsEvent::Audio { utterance, pcm } => {
                let pcm = self.arriving.trim(utterance).audio(&pcm);
                self.take_audio(utterance, if wanted { &pcm } else { &[] }, now, given);
                self.take_words(utterance, Vec::new(), given);
            }
            TtsEvent::Words { utterance, words } => self.take_words(utterance, words, given),
            TtsEvent::Done { utterance } => {
                let rest = self.arriving.trim(utterance).finish();
                self.take_audio(utterance, if wanted { &rest } else { &[] }, now, given);
                self.take_words(utterance, Vec::new(), given);
                self.queue.complete(utterance);
                // The last of it may have left before the voice said so.
                self.leaving.complete |= self.leaving.utterance == utterance && self.queue.samples() == 0;
                given.tell(VoiceEvent::Done { utterance });
            }
            TtsEvent::Usage { .. } => {}
            TtsEvent::Failed(failure) => given.tell(VoiceEvent::Failed(failure)),
        }
    }

    /// Another voice speaks from now on. What the one before it gave is all there is; an unfinished utterance would block
    /// those behind it.
    pub fn change_voice(&mut self) {
        self.queue.complete_all();
        self.leaving.complete |= !self.queue.holds(self.leaving.utterance);
    }

    /// Have a background under all that is said, and between; with `None` there is none any more.
    pub fn lay(&mut self, bed: Option<Bed>) {
        self.bed = bed;
    }

    /// A short soft tone before all that waits.
    pub fn hold_tone(&mut self) {
        self.queue.interject(hold_tone(self.line.rate_hz));
    }

    /// Nothing of what waits, and comes, is heard before this media time. A fade is.
    pub fn keep_silent(&mut self, until: u64) {
        self.silent_until = self.standstill.time(until);
    }

    /// Stop this utterance: silent for the caller after `fade` where the line cannot drop what it holds, else at once.
    pub fn stop(&mut self, utterance: UtteranceId, fade: Duration, now: u64, given: &mut Given) {
        let now = self.standstill.time(now);
        self.carrier.forget(utterance);
        let buffers = self.line.buffers;
        let ahead = self.carrier.ahead(now);
        let buffered = buffers && !self.is_dry(now);
        let fade = if buffers { 0 } else { (self.samples(fade) as usize).saturating_sub(ahead) };
        self.queue.stop(utterance, fade);
        if self.leaving.utterance == utterance {
            self.leaving.complete = true;
            self.leaving.mark = None;
        }
        if buffered {
            self.carrier.clear(now);
            self.voiced_until = self.voiced_until.min(now);
            given.orders.push(Order::Clear { from: Some(self.standstill.media_time(now)) });
        } else {
            self.clear_due = self.leaving.utterance == utterance && self.leaving.sent > 0;
        }
    }

    /// The line takes nothing from now on: what waits, waits on.
    pub fn hold(&mut self, now: u64) {
        self.standstill.begin(now);
    }

    /// It takes sound again: what was being said goes on where it was.
    pub fn go_on(&mut self, now: u64) {
        self.standstill.end(now);
    }

    /// A step of the clock. True when something that is said was sent in it.
    pub fn step(&mut self, now: u64, given: &mut Given) -> bool {
        if self.standstill.is_on() {
            given.events.extend(self.standstill.step(now, u64::from(self.line.rate_hz)));
            return false;
        }
        let now = self.standstill.time(now);
        let sent = self.send_due(now, given);
        if sent {
            self.report_played(now, given);
            return true;
        }
        let fades = self.queue.samples() > 0 || self.voiced_until > now + self.frame();
        if self.clear_due && !fades {
            self.clear_due = false;
            given.orders.push(Order::Clear { from: None });
        } else if self.leaving.sent > 0 && !self.leaving.complete && self.is_dry(now) {
            self.underruns += 1;
        }
        self.report_played(now, given);
        false
    }

    /// Whether sound waits for a line that plays nothing: it need not wait for the clock's next step.
    pub fn may_begin(&self, now: u64) -> bool {
        let now = self.standstill.time(now);
        let waits = self.queue.samples() > 0 && !self.is_kept_silent(now);
        !self.standstill.is_on() && waits && self.carrier.ahead(now) == 0
    }

    fn is_kept_silent(&self, now: u64) -> bool {
        now < self.silent_until && !self.queue.fades()
    }

    /// Send between two steps what [`Mouth::may_begin`]. True when something was sent.
    pub fn begin(&mut self, now: u64, given: &mut Given) -> bool {
        let now = self.standstill.time(now);
        let sent = self.send_due(now, given);
        if sent {
            self.report_played(now, given);
        }
        sent
    }

    /// The carrier has played what was sent before this mark.
    pub fn mark(&mut self, name: &str, given: &mut Given) {
        if self.leaving.mark.as_ref().is_some_and(|(waiting, _)| waiting == name) {
            self.mark_echoed(given);
        }
    }

    fn take_audio(&mut self, utterance: UtteranceId, pcm: &[i16], now: u64, given: &mut Given) {
        if pcm.is_empty() {
            return;
        }
        self.queue.push(utterance, pcm);
        let ms = self.arriving.length_ms(utterance, pcm.len(), now);
        given.tell(VoiceEvent::Audio { utterance, ms });
    }

    fn take_words(&mut self, utterance: UtteranceId, words: Vec<WordMark>, given: &mut Given) {
        let words = self.arriving.trim(utterance).words(words);
        if !words.is_empty() {
            given.tell(VoiceEvent::Words { utterance, words });
        }
    }

    /// Fill the carrier up to its lead. True when something that is said was sent.
    fn send_due(&mut self, now: u64, given: &mut Given) -> bool {
        let Pacing { chunk, lead } = self.line.pacing;
        let mut sent = false;
        while self.carrier.ahead(now) < lead {
            let stalls = self.is_dry(now) && now >= self.arriving.newest_at + self.samples(TAIL_WAIT);
            let next = if self.is_kept_silent(now) { None } else { self.queue.take(chunk, stalls) };
            match next {
                Some(next) => {
                    self.send(next, now, given);
                    sent = true;
                }
                None if self.bed.is_some() => self.send_background(chunk, now, given),
                None => break,
            }
        }
        sent
    }

    fn send(&mut self, mut next: Chunk, now: u64, given: &mut Given) {
        let at = self.carrier.send(&next, now);
        let until = at + next.pcm.len() as u64;
        self.voiced_until = until;
        self.leaving.note(&next, self.line.rate_hz);
        if let Some(bed) = &mut self.bed {
            bed.mix(&mut next.pcm, true);
        }
        given.orders.push(Order::Play { at: self.standstill.media_time(at), pcm: next.pcm });
        if next.last && next.samples > 0 {
            self.mark_end(next.utterance, until, given);
        }
    }

    /// Nothing is said: what lies under it is heard alone, and counts as nothing.
    fn send_background(&mut self, chunk: usize, now: u64, given: &mut Given) {
        let mut next =
            Chunk { utterance: UtteranceId::default(), pcm: vec![0; chunk], samples: 0, last: false };
        let at = self.carrier.send(&next, now);
        if let Some(bed) = &mut self.bed {
            bed.mix(&mut next.pcm, false);
        }
        given.orders.push(Order::Play { at: self.standstill.media_time(at), pcm: next.pcm });
    }

    /// The carrier has played all that was said.
    fn is_dry(&self, now: u64) -> bool {
        self.voiced_until <= now
    }

    /// The last of an utterance was sent, and is played until media time `until`. Its end counts as heard when the
    /// carrier echoes our mark; without marks when the frame that left just now has been played.
    fn mark_end(&mut self, utterance: UtteranceId, until: u64, given: &mut Given) {
        let name = format!("u{utterance}");
        let echoes = self.line.echoes_marks;
        let wait = if echoes { self.samples(MARK_GRACE) } else { self.frame() };
        self.leaving.mark = Some((name.clone(), until + wait));
        if echoes {
            given.orders.push(Order::Mark(name));
        }
    }

    /// Tell what has been played when the frame that leaves now has been.
    fn report_played(&mut self, now: u64, given: &mut Given) {
        let until = now + self.frame();
        let rate = u64::from(self.line.rate_hz);
        for (utterance, samples) in self.carrier.played(until) {
            let (audible, whole) = self.leaving.state(utterance, samples);
            let waits = whole && self.leaving.mark.is_some();
            let played_ms = (samples * 1000 / rate).saturating_sub(u64::from(waits));
            let played_ms = u32::try_from(played_ms).unwrap_or(u32::MAX);
            self.standstill.note(utterance, played_ms, audible);
            given.events.push(Event::Played { utterance, played_ms, audible });
        }
        if self.leaving.mark.as_ref().is_some_and(|(_, by)| until >= *by) {
            self.mark_echoed(given);
        }
    }

    fn mark_echoed(&mut self, given: &mut Given) {
        self.leaving.mark = None;
        let utterance = self.leaving.utterance;
        let played_ms =
            u32::try_from(self.leaving.sent * 1000 / u64::from(self.line.rate_hz)).unwrap_or(u32::MAX);
        given.events.push(Event::Played { utterance, played_ms, audible: true });
    }

    fn samples(&self, length: Duration) -> u64 {
        (length.as_secs_f64() * f64::from(self.line.rate_hz)).round() as u64
    }

    fn frame(&self) -> u64 {
        u64::from(self.line.rate_hz) / STEPS_PER_SECOND
    }
}

#[cfg(test)]
mod background;
#[cfg(test)]
mod tests;
