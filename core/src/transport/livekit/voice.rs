//! The bot's voice in the room: what the call sends is sent on in its time, and what was sent is known.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use vox_livekit::Microphone;

use crate::transport::line::LineIn;

/// Frames and marks on their way. The call sends a frame every 20 ms, two ahead: more wait only while media does not flow.
const QUEUE: usize = 16;
/// How long the last words may take to leave.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// From the last packet to the listener's ear: network, their buffer, and for telephones the gateway (150 ms measured).
const TAIL: Duration = Duration::from_millis(400);

#[derive(Debug)]
struct Item {
    /// What was sent before a clear is not said after it.
    epoch: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    Frame(Vec<i16>),
    /// The call is told when all before it was sent.
    Mark(String),
    /// We are.
    Said(oneshot::Sender<()>),
}

/// What is to be said, in its order.
#[derive(Debug)]
struct Words {
    items: mpsc::Sender<Item>,
    epoch: Arc<AtomicU64>,
    /// Frames that nobody will hear: media did not flow.
    lost: u64,
    /// Some of them were of what the next mark stands behind.
    has_gap: bool,
}

/// The voice. It falls silent when it is dropped.
#[derive(Debug)]
pub(super) struct Voice {
    words: Words,
    microphone: Arc<Microphone>,
    sending: JoinHandle<()>,
    /// Music, while whoever listens waits.
    playing: Option<JoinHandle<()>>,
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.sending.abort();
        self.stop_music();
        if self.words.lost > 0 {
            tracing::warn!(
                frames = self.words.lost,
                "a part of what the bot said was not sent: the room's media stood still"
            );
        }
    }
}

impl Voice {
    /// Say into this what comes; marks are told to the call.
    pub(super) fn new(microphone: Microphone, to_call: mpsc::Sender<LineIn>) -> Self {
        let (items, received) = mpsc::channel(QUEUE);
        let (microphone, epoch) = (Arc::new(microphone), Arc::<AtomicU64>::default());
        let sending = tokio::spawn(send(received, microphone.clone(), epoch.clone(), to_call));
        Self { words: Words { items, epoch, lost: 0, has_gap: false }, microphone, sending, playing: None }
    }

    /// Say a frame.
    pub(super) fn say(&mut self, pcm: Vec<i16>) {
        self.words.say(pcm);
    }

    /// Tell the call when what was said so far has left, unless a part of it never will.
    pub(super) fn mark(&mut self, name: String) {
        self.words.mark(name);
    }

    /// Throw away what has not left.
    pub(super) async fn clear(&mut self) {
        self.words.clear();
        self.microphone.clear().await;
    }

    /// Play music from its beginning, over and over, until [`Voice::talk`]. What is said meanwhile would be heard beside it, so nothing is.
    pub(super) async fn play(&mut self, music: Arc<[i16]>) {
        if self.playing.is_some() {
            return;
        }
        self.clear().await;
        let microphone = self.microphone.clone();
        self.playing = Some(tokio::spawn(async move {
            let frame = microphone.rate().frame();
            let mut at = 0;
            loop {
                let next = (0..frame).map(|n| music[(at + n) % music.len()]).collect();
                at = (at + frame) % music.len();
                // It waits for room, which is there every 20 ms.
                if microphone.write(next).await.is_err() {
                    return;
                }
            }
        }));
    }

    /// Music ends.
    pub(super) async fn talk(&mut self) {
        if self.playing.is_some() {
            self.stop_music();
            self.clear().await;
        }
    }

    fn stop_music(&mut self) {
        if let Some(playing) = self.playing.take() {
            playing.abort();
        }
    }

    /// Let the last words be heard.
    pub(super) async fn finish(&self) {
        let (said, all) = oneshot::channel();
        let wait = async {
            self.words.items.send(self.words.item(What::Said(said))).await.ok()?;
            all.await.ok()
        };
        if let Ok(Some(())) = timeout(LAST_WORDS, wait).await {
            sleep(TAIL).await;
        }
    }
}

impl Words {
    fn say(&mut self, pcm: Vec<i16>) {
        if self.items.try_send(self.item(What::Frame(pcm))).is_err() {
            self.lost += 1;
            self.has_gap = true;
        }
    }

    fn mark(&mut self, name: String) {
        // What was not sent was not heard, and where there is no room for the mark nothing leaves: the call's own clock decides.
        if !std::mem::take(&mut self.has_gap) {
            let _full = self.items.try_send(self.item(What::Mark(name)));
        }
    }

    fn clear(&mut self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
        self.has_gap = false;
    }

    fn item(&self, what: What) -> Item {
        Item { epoch: self.epoch.load(Ordering::Relaxed), what }
    }
}

async fn send(
    mut items: mpsc::Receiver<Item>,
    microphone: Arc<Microphone>,
    epoch: Arc<AtomicU64>,
    to_call: mpsc::Sender<LineIn>,
) {
    while let Some(Item { epoch: of, what }) = items.recv().await {
        match what {
            What::Frame(pcm) if of == epoch.load(Ordering::Relaxed) => {
                if let Err(error) = microphone.write(pcm).await {
                    return tracing::debug!(%error, "the bot's voice ends");
                }
            }
            What::Frame(_) => {}
            // What was thrown away was not heard.
            What::Mark(_) if of != epoch.load(Ordering::Relaxed) => {}
            What::Mark(name) => {
                microphone.drained().await;
                if of == epoch.load(Ordering::Relaxed) && to_call.send(LineIn::Mark(name)).await.is_err() {
                    return;
                }
            }
            What::Said(said) => {
                microphone.drained().await;
                let _gone = said.send(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(received: &mut mpsc::Receiver<Item>) -> Vec<String> {
        let items = std::iter::from_fn(|| received.try_recv().ok());
        items.filter_map(|item| if let What::Mark(name) = item.what { Some(name) } else { None }).collect()
    }

    #[test]
    fn words_of_which_a_part_was_lost_are_not_marked_as_heard() {
        let (items, mut received) = mpsc::channel(QUEUE);
        let mut words = Words { items, epoch: Arc::default(), lost: 0, has_gap: false };
        // Media stands still, and flows again before the end.
        for _ in 0..QUEUE + 2 {
            words.say(vec![0; 320]);
        }
        assert_eq!(words.lost, 2);
        assert!(marks(&mut received).is_empty());
        words.say(vec![0; 320]);
        words.mark("u1".into());
        assert!(marks(&mut received).is_empty());
        // The next ones are whole.
        words.say(vec![0; 320]);
        words.mark("u2".into());
        assert_eq!(marks(&mut received), ["u2"]);
        // What was thrown away has no mark that a gap could take.
        for _ in 0..=QUEUE {
            words.say(vec![0; 320]);
        }
        words.clear();
        assert!(marks(&mut received).is_empty());
        words.mark("u3".into());
        assert_eq!(marks(&mut received), ["u3"]);
    }
}
