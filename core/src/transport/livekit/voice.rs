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

struct Item {
    /// What was sent before a clear is not said after it.
    epoch: u64,
    what: What,
}

enum What {
    Frame(Vec<i16>),
    /// The call is told when all before it was sent.
    Mark(String),
    /// We are.
    Said(oneshot::Sender<()>),
}

/// The voice. It falls silent when it is dropped.
pub(super) struct Voice {
    items: mpsc::Sender<Item>,
    microphone: Arc<Microphone>,
    epoch: Arc<AtomicU64>,
    sending: JoinHandle<()>,
    /// Frames that nobody will hear: media did not flow.
    lost: u64,
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.sending.abort();
        if self.lost > 0 {
            tracing::warn!(
                frames = self.lost,
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
        Self { items, microphone, epoch, sending, lost: 0 }
    }

    /// Say a frame.
    pub(super) fn say(&mut self, pcm: Vec<i16>) {
        let sent = self.items.try_send(self.item(What::Frame(pcm)));
        self.lost += u64::from(sent.is_err());
    }

    /// Tell the call when what was said so far has left.
    pub(super) fn mark(&self, name: String) {
        // Where there is no room for it nothing leaves: the call's own clock decides.
        let _full = self.items.try_send(self.item(What::Mark(name)));
    }

    /// Throw away what has not left.
    pub(super) async fn clear(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
        self.microphone.clear().await;
    }

    /// Let the last words be heard.
    pub(super) async fn finish(&self) {
        let (said, all) = oneshot::channel();
        let wait = async {
            self.items.send(self.item(What::Said(said))).await.ok()?;
            all.await.ok()
        };
        if let Ok(Some(())) = timeout(LAST_WORDS, wait).await {
            sleep(TAIL).await;
        }
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
            What::Mark(name) => {
                microphone.drained().await;
                if to_call.send(LineIn::Mark(name)).await.is_err() {
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
