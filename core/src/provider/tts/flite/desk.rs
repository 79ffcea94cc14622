//! Which texts the engine gets when, and what its sound means on the replies' clocks.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;
use vox_engines::FliteEvent;

use crate::media::resample::Resampler;
use crate::provider::tts::{TtsEvent, TtsInput, UtteranceId, WordMark};

/// How far the sound may be ahead of the ear: enough for a stalled process, little enough to throw away on a barge-in.
pub(super) const LOOK_AHEAD: Duration = Duration::from_secs(4);

/// Texts the engine holds at once: the next is made while the last one's sound is on its way.
const MAX_OPEN: usize = 2;

/// Cancelled replies remembered, for texts that cross with the cancel.
const MAX_CANCELLED: usize = 16;

/// An order to the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Synthesise { id: u64, text: String },
    Cancel { id: u64 },
}

/// Takes texts in and hands sound out, in order.
#[derive(Debug)]
pub(super) struct Desk {
    engine_hz: u32,
    rate_hz: u32,
    /// Texts that wait for the engine.
    waiting: VecDeque<(UtteranceId, String)>,
    /// Texts the engine has, with their replies.
    open: BTreeMap<u64, UtteranceId>,
    last_id: u64,
    replies: BTreeMap<UtteranceId, Reply>,
    cancelled: VecDeque<UtteranceId>,
    orders: Vec<Order>,
    events: Vec<TtsEvent>,
}

/// A reply that is not done.
#[derive(Debug)]
struct Reply {
    resampler: Resampler,
    /// Samples of the engine so far, all texts together.
    samples: u64,
    /// The same when the text that is being spoken began.
    piece_start: u64,
    piece: Option<u64>,
    first_sound_at: Option<Instant>,
    characters: u64,
    is_ended: bool,
}

impl Desk {
    pub fn new(engine_hz: u32, rate_hz: u32) -> Self {
        Self {
            engine_hz,
            rate_hz,
            waiting: VecDeque::new(),
            open: BTreeMap::new(),
            last_id: 0,
            replies: BTreeMap::new(),
            cancelled: VecDeque::new(),
            orders: Vec::new(),
            events: Vec::new(),
        }
    }

    /// What the engine shall do now.
    pub fn orders(&mut self) -> Vec<Order> {
        while self.open.len() < MAX_OPEN
            && let Some((utterance, text)) = self.waiting.pop_front()
        {
            self.last_id += 1;
            self.open.insert(self.last_id, utterance);
            self.orders.push(Order::Synthesise { id: self.last_id, text });
        }
        std::mem::take(&mut self.orders)
    }

    /// What the reader shall get now.
    pub fn events(&mut self) -> impl Iterator<Item = TtsEvent> {
        std::mem::take(&mut self.events).into_iter()
    }

    pub fn take(&mut self, input: TtsInput) {
        match input {
            TtsInput::Speak { utterance, text } if !self.cancelled.contains(&utterance) => {
                let (from, to) = (self.engine_hz, self.rate_hz);
                let reply = self.replies.entry(utterance).or_insert_with(|| Reply::new(from, to));
                reply.characters += text.chars().count() as u64;
                if text.chars().any(char::is_alphanumeric) {
                    self.waiting.push_back((utterance, text));
                }
            }
            TtsInput::End { utterance } if !self.cancelled.contains(&utterance) => {
                let (from, to) = (self.engine_hz, self.rate_hz);
                self.replies.entry(utterance).or_insert_with(|| Reply::new(from, to)).is_ended = true;
                self.finish(utterance);
            }
            TtsInput::Cancel { utterance } => self.cancel(utterance),
            TtsInput::Speak { .. } | TtsInput::End { .. } => {}
        }
    }

    fn cancel(&mut self, utterance: UtteranceId) {
        self.cancelled.push_back(utterance);
        if self.cancelled.len() > MAX_CANCELLED {
            self.cancelled.pop_front();
        }
        self.waiting.retain(|(of, _)| *of != utterance);
        let ids = self.open.iter().filter(|(_, of)| **of == utterance).map(|(id, _)| *id);
        self.orders.extend(ids.map(|id| Order::Cancel { id }));
        if let Some(reply) = self.replies.remove(&utterance) {
            self.events.extend(reply.usage());
        }
    }

    /// Take what the engine says; failures are the caller's.
    pub fn hear(&mut self, event: FliteEvent, now: Instant) {
        match event {
            FliteEvent::Words { id, words } => {
                let engine_hz = self.engine_hz;
                if let Some((utterance, reply)) = self.reply(id) {
                    let offset_ms = reply.begin(id, engine_hz);
                    let mark = |word: vox_engines::WordTime| WordMark {
                        text: word.text,
                        started_ms: offset_ms + word.start_ms,
                        ended_ms: offset_ms + word.end_ms,
                    };
                    let words = words.into_iter().map(mark).collect();
                    self.events.push(TtsEvent::Words { utterance, words });
                }
            }
            FliteEvent::Audio { id, pcm, .. } => {
                let engine_hz = self.engine_hz;
                if let Some((utterance, reply)) = self.reply(id) {
                    reply.begin(id, engine_hz);
                    reply.samples += pcm.len() as u64;
                    reply.first_sound_at.get_or_insert(now);
                    let mut out = Vec::new();
                    reply.resampler.push(&pcm, &mut out);
                    self.push_audio(utterance, out);
                }
            }
            FliteEvent::Done { id } => {
                if let Some(utterance) = self.open.remove(&id) {
                    self.finish(utterance);
                }
            }
            FliteEvent::Failed { .. } => {}
        }
    }

    fn reply(&mut self, id: u64) -> Option<(UtteranceId, &mut Reply)> {
        let utterance = *self.open.get(&id)?;
        Some((utterance, self.replies.get_mut(&utterance)?))
    }

    fn push_audio(&mut self, utterance: UtteranceId, pcm: Vec<i16>) {
        if !pcm.is_empty() {
            self.events.push(TtsEvent::Audio { utterance, pcm });
        }
    }

    /// Close a reply whose last text was spoken.
    fn finish(&mut self, utterance: UtteranceId) {
        let is_spoken = !self.waiting.iter().any(|(of, _)| *of == utterance)
            && !self.open.values().any(|of| *of == utterance);
        if !is_spoken || !self.replies.get(&utterance).is_some_and(|reply| reply.is_ended) {
            return;
        }
        if let Some(mut reply) = self.replies.remove(&utterance) {
            let mut out = Vec::new();
            if reply.samples > 0 {
                reply.resampler.finish(&mut out);
            }
            self.push_audio(utterance, out);
            self.events.extend(reply.usage());
            self.events.push(TtsEvent::Done { utterance });
        }
    }

    /// Until when the engine shall wait, if the sound is far enough ahead of the ear.
    pub fn resume_at(&self, now: Instant) -> Option<Instant> {
        let speaking = self.open.values().find_map(|utterance| self.replies.get(utterance))?;
        let given = Duration::from_millis(speaking.samples * 1000 / u64::from(self.engine_hz));
        let resume_at = speaking.first_sound_at? + given.saturating_sub(LOOK_AHEAD);
        (resume_at > now).then_some(resume_at)
    }
}

impl Reply {
    fn new(engine_hz: u32, rate_hz: u32) -> Self {
        Self {
            resampler: Resampler::new(engine_hz, rate_hz),
            samples: 0,
            piece_start: 0,
            piece: None,
            first_sound_at: None,
            characters: 0,
            is_ended: false,
        }
    }

    /// The text `id` is being spoken; where it began in the reply, milliseconds.
    fn begin(&mut self, id: u64, engine_hz: u32) -> u32 {
        if self.piece != Some(id) {
            self.piece = Some(id);
            self.piece_start = self.samples;
        }
        u32::try_from(self.piece_start * 1000 / u64::from(engine_hz)).unwrap_or(u32::MAX)
    }

    fn usage(&self) -> Option<TtsEvent> {
        (self.characters > 0).then_some(TtsEvent::Usage { characters: self.characters })
    }
}

#[cfg(test)]
mod tests {
    use vox_engines::WordTime;

    use super::*;

    fn desk() -> Desk {
        Desk::new(16_000, 8_000)
    }

    fn speak(desk: &mut Desk, utterance: UtteranceId, text: &str) {
        desk.take(TtsInput::Speak { utterance, text: text.into() });
    }

    fn sound(desk: &mut Desk, id: u64, ms: usize, now: Instant) {
        desk.hear(FliteEvent::Audio { id, pcm: vec![100; 16 * ms], rate: 16_000 }, now);
    }

    fn order(id: u64, text: &str) -> Order {
        Order::Synthesise { id, text: text.into() }
    }

    fn given_ms(events: &[TtsEvent]) -> usize {
        events
            .iter()
            .map(|event| if let TtsEvent::Audio { pcm, .. } = event { pcm.len() / 8 } else { 0 })
            .sum()
    }

    #[tokio::test(start_paused = true)]
    async fn texts_are_spoken_in_order_and_the_end_follows_the_last() {
        let (mut desk, now) = (desk(), Instant::now());
        speak(&mut desk, 7, "One.");
        speak(&mut desk, 7, "Two.");
        speak(&mut desk, 7, "Three.");
        desk.take(TtsInput::End { utterance: 7 });
        assert_eq!(desk.orders(), [order(1, "One."), order(2, "Two.")]);
        for id in 1..=3 {
            let words = vec![WordTime { text: "word".into(), start_ms: 10, end_ms: 90 }];
            desk.hear(FliteEvent::Words { id, words }, now);
            sound(&mut desk, id, 100, now);
            desk.hear(FliteEvent::Done { id }, now);
            let next = if id == 1 { vec![order(3, "Three.")] } else { vec![] };
            assert_eq!(desk.orders(), next);
        }
        let events: Vec<TtsEvent> = desk.events().collect();
        let starts: Vec<u32> = events
            .iter()
            .filter_map(|event| {
                if let TtsEvent::Words { words, .. } = event { Some(words[0].started_ms) } else { None }
            })
            .collect();
        assert_eq!(starts, [10, 110, 210]);
        assert!((295..=305).contains(&given_ms(&events)), "{}", given_ms(&events));
        let end = [TtsEvent::Usage { characters: 14 }, TtsEvent::Done { utterance: 7 }];
        assert_eq!(events[events.len() - 2..], end);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_reply_gives_nothing_more() {
        let (mut desk, now) = (desk(), Instant::now());
        speak(&mut desk, 1, "One.");
        speak(&mut desk, 1, "Two.");
        speak(&mut desk, 1, "Three.");
        desk.orders();
        desk.take(TtsInput::Cancel { utterance: 1 });
        speak(&mut desk, 1, "Four.");
        desk.take(TtsInput::End { utterance: 1 });
        speak(&mut desk, 2, "Five.");
        assert_eq!(desk.orders(), [Order::Cancel { id: 1 }, Order::Cancel { id: 2 }]);
        sound(&mut desk, 1, 100, now);
        desk.hear(FliteEvent::Done { id: 1 }, now);
        assert_eq!(desk.orders(), [order(3, "Five.")]);
        assert_eq!(desk.events().collect::<Vec<_>>(), [TtsEvent::Usage { characters: 14 }]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_sound_stays_within_reach_of_the_ear() {
        let (mut desk, now) = (desk(), Instant::now());
        speak(&mut desk, 1, "A long story.");
        desk.orders();
        assert_eq!(desk.resume_at(now), None);
        sound(&mut desk, 1, 3_900, now);
        assert_eq!(desk.resume_at(now), None);
        sound(&mut desk, 1, 1_100, now);
        assert_eq!(desk.resume_at(now), Some(now + Duration::from_secs(1)));
        assert_eq!(desk.resume_at(now + Duration::from_secs(1)), None);
        desk.take(TtsInput::Cancel { utterance: 1 });
        assert_eq!(desk.resume_at(now), None, "what was cancelled holds nothing up");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_without_words_is_done_at_once() {
        let mut desk = desk();
        speak(&mut desk, 3, " ... ");
        desk.take(TtsInput::End { utterance: 3 });
        assert_eq!(desk.orders(), []);
        assert!(desk.events().any(|event| event == TtsEvent::Done { utterance: 3 }));
    }
}
