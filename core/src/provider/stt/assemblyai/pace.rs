//! Audio no faster than it was spoken: AssemblyAI closes the session of who sends faster (3007). What waits for its time, waits here
//! and then with whoever sends it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use vox_audio::pcm;

use super::super::pieces::Pieces;
use crate::provider::link::Wishes;
use crate::provider::stt::SttEvent;

/// What one message holds, milliseconds; the vendor takes 50 to 1000.
const PIECE_MS: (u32, u32) = (50, 250);
/// How far the audio may be ahead of the clock: as far as the longest message takes it in any case.
const AHEAD: Duration = Duration::from_secs(1);
/// With so much waiting nothing more is taken.
const HELD_MOST: Duration = Duration::from_secs(1);

/// Something that goes to the vendor in its turn.
#[derive(Debug)]
enum Waiting {
    Audio(Vec<i16>),
    Text(&'static str),
}

/// The way up.
#[derive(Debug)]
pub(super) struct Pace {
    rate_hz: u32,
    pieces: Pieces,
    waiting: VecDeque<Waiting>,
    held: usize,
    /// The end of what was sent, as if it were spoken without a pause; `None` before there is a connection.
    spoken_until: Option<Instant>,
}

impl Pace {
    pub fn new(rate_hz: u32) -> Self {
        let pieces = Pieces::new(rate_hz, PIECE_MS);
        Self { rate_hz, pieces, waiting: VecDeque::new(), held: 0, spoken_until: None }
    }

    pub fn audio(&mut self, samples: &[i16]) {
        self.pieces.push(samples);
        while let Some(piece) = self.pieces.next() {
            self.held += piece.len();
            self.waiting.push_back(Waiting::Audio(piece));
        }
    }

    /// Say this after all audio so far. What is too short for a message waits for more: it is silence, as nothing is asked for while
    /// somebody speaks.
    pub fn say(&mut self, text: &'static str) {
        self.waiting.push_back(Waiting::Text(text));
    }

    pub fn has_room(&self) -> bool {
        self.length(self.held) < HELD_MOST
    }

    /// There is a connection from now on.
    pub fn start(&mut self, now: Instant) {
        self.spoken_until = Some(now);
    }

    /// Send what may go.
    pub fn go(&mut self, now: Instant, wishes: &mut Wishes<SttEvent>) {
        while self.due().is_some_and(|due| due <= now) {
            match self.waiting.pop_front() {
                Some(Waiting::Audio(piece)) => {
                    self.held -= piece.len();
                    let begins = self.spoken_until.map_or(now, |until| until.max(now));
                    self.spoken_until = Some(begins + self.length(piece.len()));
                    wishes.send_bytes(pcm::to_bytes(&piece));
                }
                Some(Waiting::Text(text)) => wishes.send(text),
                None => return,
            }
        }
    }

    /// When the next may go; a moment that is over for what need not wait.
    pub fn due(&self) -> Option<Instant> {
        let until = self.spoken_until?;
        let ahead = match self.waiting.front()? {
            Waiting::Text(_) => AHEAD,
            Waiting::Audio(piece) => AHEAD.saturating_sub(self.length(piece.len())),
        };
        Some(until.checked_sub(ahead).unwrap_or(until))
    }

    /// What is left when nothing more comes.
    pub fn give_up(&mut self) {
        self.waiting.clear();
        self.held = 0;
    }

    fn length(&self, samples: usize) -> Duration {
        Duration::from_secs_f64(samples as f64 / f64::from(self.rate_hz))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::link::Outgoing;

    fn sent(pace: &mut Pace, now: Instant) -> Vec<String> {
        let mut wishes = Wishes::default();
        pace.go(now, &mut wishes);
        let told = |message| match message {
            Outgoing::Text(text) => text,
            Outgoing::Binary(bytes) => format!("{} ms", bytes.len() / 2),
        };
        wishes.messages.into_iter().map(told).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_held_goes_no_faster_than_it_was_spoken() {
        let mut pace = Pace::new(1000);
        let now = Instant::now();
        pace.audio(&[0; 40]);
        assert_eq!((pace.due(), sent(&mut pace, now)), (None, vec![]));
        pace.start(now);
        pace.audio(&[0; 1360]);
        pace.say("end");
        assert!(!pace.has_room());
        assert_eq!(sent(&mut pace, now), ["250 ms"; 4]);
        assert_eq!(pace.due(), Some(now + Duration::from_millis(250)));
        assert_eq!(sent(&mut pace, now + Duration::from_millis(249)), [""; 0]);
        assert_eq!(sent(&mut pace, now + Duration::from_millis(250)), ["250 ms"]);
        let later = now + Duration::from_millis(400);
        assert_eq!(sent(&mut pace, later), ["150 ms", "end"]);
        assert!(pace.has_room() && pace.due().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_saves_nothing_up() {
        let mut pace = Pace::new(1000);
        let now = Instant::now();
        pace.start(now);
        let later = now + Duration::from_secs(60);
        pace.audio(&[0; 2000]);
        assert_eq!(sent(&mut pace, later), ["250 ms"; 4]);
    }
}
