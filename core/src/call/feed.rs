//! The caller's audio on its way to the recogniser: cut into pieces, remembered for the next one, and the recogniser's clock,
//! which counts only what it was sent, brought back to the call's.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::provider::stt::{SttEvent, SttInput, SttStream};

/// Audio goes out in pieces of at least this: half the messages of a 20 ms line, and well inside what vendors advise.
const PIECE: Duration = Duration::from_millis(40);
/// Audio kept for a recogniser that is opened again.
const RING: Duration = Duration::from_secs(10);
/// A replay goes out in pieces of this length, so that it fits the stream's queue.
const REPLAY_PIECE: Duration = Duration::from_millis(250);
/// How long a recogniser may take to say what it billed.
const USAGE_WAIT: Duration = Duration::from_millis(500);
/// The two clocks may differ by this much before it counts: jitter of the line.
const SLACK_MS: u64 = 100;
/// Places remembered where the clocks went apart; words are seldom older than the newest few.
const MAX_ANCHORS: usize = 64;

/// A piece of the caller's audio, and where it stands on the call's clock, milliseconds.
type Placed = (u64, Arc<[i16]>);

/// The caller's newest audio.
#[derive(Debug, Default)]
struct Ring {
    pieces: VecDeque<Placed>,
    samples: usize,
}

impl Ring {
    fn push(&mut self, piece: Placed, limit: usize) {
        self.samples += piece.1.len();
        self.pieces.push_back(piece);
        while self.samples > limit {
            let Some((_, old)) = self.pieces.pop_front() else { return };
            self.samples -= old.len();
        }
    }

    fn last(&self, samples: usize) -> Vec<i16> {
        let all: Vec<i16> = self.pieces.iter().flat_map(|(_, p)| p.iter().copied()).collect();
        all[all.len().saturating_sub(samples)..].to_vec()
    }

    /// The same in parts of about `part` samples, each at the place where it was heard: a part ends where the line paused.
    fn last_placed(&self, samples: usize, part: usize, rate_hz: u32) -> Vec<(u64, Vec<i16>)> {
        let ms = |samples: usize| samples as u64 * 1000 / u64::from(rate_hz);
        let mut skip = self.samples.saturating_sub(samples);
        let mut parts: Vec<(u64, Vec<i16>)> = Vec::new();
        for (at_ms, pcm) in &self.pieces {
            let cut = skip.min(pcm.len());
            skip -= cut;
            let (at_ms, pcm) = (at_ms + ms(cut), &pcm[cut..]);
            match parts.last_mut() {
                Some((began, whole)) if whole.len() < part && !apart(*began + ms(whole.len()), at_ms) => {
                    whole.extend_from_slice(pcm);
                }
                _ if pcm.is_empty() => {}
                _ => parts.push((at_ms, pcm.to_vec())),
            }
        }
        parts
    }
}

/// Whether two times differ by more than the jitter of a line.
fn apart(one_ms: u64, other_ms: u64) -> bool {
    one_ms.abs_diff(other_ms) > SLACK_MS
}

/// Where a stream's own time stands on the call's. A line that sends nothing for a while, or audio that found no room, moves
/// all that follows.
#[derive(Debug, Default)]
struct StreamClock {
    /// (stream, call), milliseconds, ascending.
    anchors: VecDeque<(u64, u64)>,
}

impl StreamClock {
    /// Audio that is sent at `stream_ms` was heard at `call_ms`.
    fn note(&mut self, stream_ms: u64, call_ms: u64) {
        if self.anchors.is_empty() || apart(self.on_call(stream_ms), call_ms) {
            self.anchors.push_back((stream_ms, call_ms));
            if self.anchors.len() > MAX_ANCHORS {
                self.anchors.pop_front();
            }
        }
    }

    fn on_call(&self, stream_ms: u64) -> u64 {
        let anchor = self.anchors.iter().rev().find(|(stream, _)| *stream <= stream_ms);
        let (stream, call) = anchor.or(self.anchors.front()).copied().unwrap_or_default();
        (call + stream_ms).saturating_sub(stream)
    }

    /// Where a word lies that was heard from `began` to `ended` of the stream. Recognisers place words to some ten milliseconds,
    /// so one may reach over a place where the clocks went apart: nobody speaks across it, and the word is where most of it is.
    fn word_on_call(&self, began: u64, ended: u64) -> (u64, u64) {
        let within = |(stream, _): &&(u64, u64)| began < *stream && *stream < ended;
        let Some(&(stream, call)) = self.anchors.iter().find(within) else {
            return (self.on_call(began), self.on_call(ended));
        };
        if stream - began < ended - stream {
            (call, self.on_call(ended).max(call))
        } else {
            let before = self.on_call(began);
            (before, before + (stream - began))
        }
    }
}

/// What one of the bot's recognisers heard of the call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recognised {
    /// Its place among the recognisers of the call: [`super::billed::Billed`].
    pub index: usize,
    /// As it bills them if it says so, else as they were sent.
    pub seconds: f64,
    /// How often it was opened.
    pub streams: u64,
}

/// The open recogniser, and what it is fed.
pub struct Feed {
    rate_hz: u32,
    /// Less than a piece, and when it was heard.
    piece: Vec<i16>,
    piece_ms: u64,
    ring: Ring,
    stream: Option<SttStream>,
    clock: StreamClock,
    /// Sent to the open stream, samples.
    sent: u64,
    /// What the open stream bills, if it has said so.
    billed: Option<f64>,
    /// Whose stream is open.
    index: usize,
    /// What streams before it heard.
    recognised: Vec<Recognised>,
    /// Found no room in any stream's queue.
    dropped: u64,
}

impl Feed {
    pub fn new(rate_hz: u32) -> Self {
        Self {
            rate_hz,
            piece: Vec::new(),
            piece_ms: 0,
            ring: Ring::default(),
            stream: None,
            clock: StreamClock::default(),
            sent: 0,
            billed: None,
            index: 0,
            recognised: Vec::new(),
            dropped: 0,
        }
    }

    /// The caller's audio, as it stands in the recording from media time `from` on.
    pub fn hear(&mut self, pcm: &[i16], from: Duration) {
        let from_ms = from.as_millis() as u64;
        // A piece has one place on the call's clock: what came before a stall does not wait for what comes after it.
        if apart(self.piece_ms + self.ms(self.piece.len() as u64), from_ms) {
            self.send_piece();
        }
        if self.piece.is_empty() {
            self.piece_ms = from_ms;
        }
        self.piece.extend_from_slice(pcm);
        if self.piece.len() >= self.samples(PIECE) {
            self.send_piece();
        }
    }

    /// Feed this recogniser, the bot's with this index, from now on, beginning with the last `replay` of audio.
    pub fn open(&mut self, index: usize, stream: SttStream, replay: Duration) {
        self.send_piece();
        self.shut();
        self.stream = Some(stream);
        self.index = index;
        let (replay, part) = (self.samples(replay), self.samples(REPLAY_PIECE));
        for (at_ms, pcm) in self.ring.last_placed(replay, part, self.rate_hz) {
            self.send(pcm.into(), at_ms);
        }
    }

    /// The caller's newest audio, at most so much and at most what the ring holds: for a turn model.
    pub fn heard_last(&self, length: Duration) -> Vec<i16> {
        self.ring.last(self.samples(length))
    }

    /// Feed nobody.
    pub fn shut(&mut self) {
        if self.stream.take().is_some() {
            self.note_heard();
        }
        self.clock = StreamClock::default();
    }

    /// The open stream has ended: what it heard is its vendor's.
    fn note_heard(&mut self) {
        let sent = std::mem::take(&mut self.sent) as f64 / f64::from(self.rate_hz);
        let seconds = self.billed.take().unwrap_or(sent);
        match self.recognised.iter_mut().find(|r| r.index == self.index) {
            Some(known) => {
                known.seconds += seconds;
                known.streams += 1;
            }
            None => self.recognised.push(Recognised { index: self.index, seconds, streams: 1 }),
        }
    }

    /// What each recogniser heard until now, the open one too.
    pub fn heard_so_far(&self) -> Vec<Recognised> {
        let mut heard = self.recognised.clone();
        if self.stream.is_some() {
            let sent = self.sent as f64 / f64::from(self.rate_hz);
            let seconds = self.billed.unwrap_or_default().max(sent);
            heard.push(Recognised { index: self.index, seconds, streams: 1 });
        }
        heard
    }

    /// Ask the recogniser for its final words.
    pub fn finalize(&mut self) {
        self.send_piece();
        if let Some(stream) = &self.stream {
            // A full queue means that it is stalled: the session's own deadline deals with that.
            let _stalled = stream.input.try_send(SttInput::Finalize);
        }
    }

    /// Whether a recogniser is open.
    pub fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// What the recogniser says next, its words on the call's clock; `None` when it ended without a word. Waits for ever
    /// while none is open; cancel-safe.
    pub async fn next(&mut self) -> Option<SttEvent> {
        let Some(stream) = &mut self.stream else { return std::future::pending().await };
        let mut event = loop {
            match stream.events.recv().await? {
                SttEvent::Usage { seconds } => self.billed = Some(seconds),
                event => break event,
            }
        };
        if let SttEvent::Final { words, .. } = &mut event {
            for word in words {
                (word.started_ms, word.ended_ms) = self.clock.word_on_call(word.started_ms, word.ended_ms);
            }
        }
        Some(event)
    }

    /// Close the recogniser; what each one heard, as the last bills it if it says so in time.
    pub async fn close(mut self) -> Vec<Recognised> {
        self.send_piece();
        if self.dropped > 0 {
            tracing::warn!(
                samples = self.dropped,
                "recognisers were too slow to take all of the caller's audio"
            );
        }
        let Some(stream) = self.stream.take() else { return self.recognised };
        let SttStream { input, mut events, task: _task } = stream;
        drop(input);
        let billed = async {
            while let Some(event) = events.recv().await {
                if let SttEvent::Usage { seconds } = event {
                    return Some(seconds);
                }
            }
            None
        };
        let billed = timeout(USAGE_WAIT, billed).await.ok().flatten();
        self.billed = billed.or(self.billed);
        self.note_heard();
        self.recognised
    }

    fn send_piece(&mut self) {
        if self.piece.is_empty() {
            return;
        }
        let pcm: Arc<[i16]> = self.piece.as_slice().into();
        self.piece.clear();
        self.ring.push((self.piece_ms, pcm.clone()), self.samples(RING));
        self.send(pcm, self.piece_ms);
    }

    fn send(&mut self, pcm: Arc<[i16]>, heard_ms: u64) {
        let Some(stream) = &self.stream else { return };
        let samples = pcm.len() as u64;
        if stream.input.try_send(SttInput::Audio(pcm)).is_err() {
            self.dropped += samples;
            return;
        }
        self.clock.note(self.ms(self.sent), heard_ms);
        self.sent += samples;
    }

    fn ms(&self, samples: u64) -> u64 {
        samples * 1000 / u64::from(self.rate_hz)
    }

    fn samples(&self, length: Duration) -> usize {
        (length.as_secs_f64() * f64::from(self.rate_hz)) as usize
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;
    use vox_shared::wire::result::Word;

    use super::*;
    use crate::provider::TaskGuard;

    const FRAME: [i16; 160] = [5; 160];

    /// A recogniser with room for so many pieces, and its ends.
    fn stream(room: usize) -> (SttStream, mpsc::Receiver<SttInput>, mpsc::Sender<SttEvent>) {
        let (input, pieces) = mpsc::channel(room);
        let (says, events) = mpsc::channel(8);
        (SttStream { input, events, task: TaskGuard::new(tokio::spawn(async {})) }, pieces, says)
    }

    /// Twenty milliseconds after twenty milliseconds, from one time to another.
    fn hear(feed: &mut Feed, from_ms: u64, to_ms: u64) {
        for at in (from_ms..to_ms).step_by(20) {
            feed.hear(&FRAME, Duration::from_millis(at));
        }
    }

    async fn word_at(feed: &mut Feed, says: &mpsc::Sender<SttEvent>, ms: u64) -> u64 {
        let words = vec![Word { text: "yes".into(), started_ms: ms, ended_ms: ms + 10 }];
        let text = "yes".to_owned();
        let event =
            SttEvent::Final { text, confidence: None, words, from_finalize: false, utterance_end: false };
        says.send(event).await.unwrap();
        let Some(SttEvent::Final { words, .. }) = feed.next().await else { panic!("a final was sent") };
        words[0].started_ms
    }

    #[tokio::test]
    async fn words_keep_their_place_over_a_line_that_paused() {
        let (stream, _pieces, says) = stream(1_000);
        let mut feed = Feed::new(8_000);
        feed.open(0, stream, Duration::ZERO);
        hear(&mut feed, 320, 1_320);
        hear(&mut feed, 6_320, 7_320);
        assert_eq!(word_at(&mut feed, &says, 500).await, 820);
        assert_eq!(word_at(&mut feed, &says, 1_500).await, 6_820, "five seconds of nothing lie between");
    }

    #[tokio::test]
    async fn a_frame_from_before_a_pause_does_not_take_the_words_behind_it_along() {
        let (stream, _pieces, says) = stream(1_000);
        let mut feed = Feed::new(8_000);
        feed.open(0, stream, Duration::ZERO);
        // Half a piece waits when the line pauses.
        hear(&mut feed, 320, 1_340);
        hear(&mut feed, 3_000, 4_000);
        assert_eq!(word_at(&mut feed, &says, 1_020).await, 3_000);
        assert_eq!(
            word_at(&mut feed, &says, 1_018).await,
            3_000,
            "the recogniser hears it begin two milliseconds early"
        );
        assert_eq!(word_at(&mut feed, &says, 1_012).await, 1_332, "most of it is before the pause");
        assert_eq!(word_at(&mut feed, &says, 1_000).await, 1_320);
    }

    #[tokio::test]
    async fn a_new_recogniser_places_the_past_where_it_was_heard() {
        let mut feed = Feed::new(8_000);
        hear(&mut feed, 0, 1_000);
        hear(&mut feed, 6_000, 7_000);
        let (second, _pieces, says) = stream(1_000);
        feed.open(1, second, Duration::from_millis(1_500));
        hear(&mut feed, 9_000, 10_000);
        assert_eq!(word_at(&mut feed, &says, 100).await, 600);
        assert_eq!(word_at(&mut feed, &says, 600).await, 6_100);
        assert_eq!(word_at(&mut feed, &says, 1_600).await, 9_100);
    }

    #[tokio::test]
    async fn words_keep_their_place_when_a_slow_recogniser_lost_audio() {
        let (stream, mut pieces, says) = stream(10);
        let mut feed = Feed::new(8_000);
        feed.open(0, stream, Duration::ZERO);
        hear(&mut feed, 0, 1_000);
        while pieces.try_recv().is_ok() {}
        hear(&mut feed, 1_000, 1_400);
        assert_eq!(word_at(&mut feed, &says, 300).await, 300);
        assert_eq!(word_at(&mut feed, &says, 500).await, 1_100, "0.6 s found no room");
    }

    #[tokio::test]
    async fn a_new_recogniser_gets_the_past_and_all_seconds_are_counted() {
        let mut feed = Feed::new(8_000);
        let (first, _first_pieces, _) = stream(1_000);
        feed.open(0, first, Duration::ZERO);
        hear(&mut feed, 0, 4_000);
        let (second, mut pieces, says) = stream(1_000);
        feed.open(1, second, Duration::from_secs(2));
        assert_eq!(word_at(&mut feed, &says, 1_000).await, 3_000);
        let mut replayed = 0;
        while let Ok(SttInput::Audio(pcm)) = pieces.try_recv() {
            replayed += pcm.len();
        }
        assert_eq!((replayed, feed.heard_last(Duration::from_secs(3)).len()), (16_000, 24_000));
        drop(says);
        let heard = |index, seconds| Recognised { index, seconds, streams: 1 };
        assert_eq!(feed.close().await, [heard(0, 4.0), heard(1, 2.0)]);
    }

    #[tokio::test]
    async fn what_a_recogniser_bills_counts_for_its_own_stream_only() {
        let mut feed = Feed::new(8_000);
        let (first, _first_pieces, says) = stream(1_000);
        feed.open(0, first, Duration::ZERO);
        hear(&mut feed, 0, 2_000);
        says.send(SttEvent::Usage { seconds: 9.5 }).await.unwrap();
        assert_eq!(word_at(&mut feed, &says, 100).await, 100, "the bill is no word");
        let (second, _pieces, _says) = stream(1_000);
        feed.open(1, second, Duration::ZERO);
        hear(&mut feed, 2_000, 3_000);
        let (again, _pieces, says) = stream(1_000);
        feed.open(0, again, Duration::ZERO);
        hear(&mut feed, 3_000, 4_000);
        says.send(SttEvent::Usage { seconds: 0.5 }).await.unwrap();
        drop(says);
        let heard = |index, seconds, streams| Recognised { index, seconds, streams };
        assert_eq!(feed.close().await, [heard(0, 10.0, 2), heard(1, 1.0, 1)]);
    }
}
