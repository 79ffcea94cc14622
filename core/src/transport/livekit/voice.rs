//! The bot's voice in the room: what the call sends is sent on in its time, and what was sent is known.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use vox_livekit::Microphone;

use crate::transport::line::LineIn;

/// Frames and marks on their way. The call sends a frame every 20 ms, two ahead: more wait only while media does not flow.
const QUEUE: usize = 16;
/// With so many of them nothing flows, and the call is told to wait; with so few it does again.
const STANDS_AT: usize = 8;
const FLOWS_AT: usize = 2;
/// How often the second is looked at while nothing comes.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
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
    to_call: mpsc::Sender<LineIn>,
    /// The call was told that nothing flows.
    stands: Arc<AtomicBool>,
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
        let (microphone, epoch, stands) = (Arc::new(microphone), Arc::default(), Arc::default());
        let words = Words { items, epoch, to_call, stands, lost: 0, has_gap: false };
        let way = Way {
            received,
            epoch: words.epoch.clone(),
            to_call: words.to_call.clone(),
            stands: words.stands.clone(),
        };
        let sending = tokio::spawn(way.send(microphone.clone()));
        Self { words, microphone, sending, playing: None }
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
        self.watch();
    }

    /// Tell the call when nothing flows: what it says would be lost, and it would take that for heard.
    fn watch(&self) {
        let waiting = self.items.max_capacity() - self.items.capacity();
        // A call that is too far behind to be told is told with the next frame.
        if waiting >= STANDS_AT
            && !self.stands.load(Ordering::Acquire)
            && self.to_call.try_send(LineIn::Stands).is_ok()
        {
            self.stands.store(true, Ordering::Release);
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

/// From the queue into the room.
struct Way {
    received: mpsc::Receiver<Item>,
    epoch: Arc<AtomicU64>,
    to_call: mpsc::Sender<LineIn>,
    stands: Arc<AtomicBool>,
}

/// A mark whose words are on their way.
struct Passing {
    epoch: u64,
    name: String,
    gone: oneshot::Receiver<()>,
}

impl Way {
    async fn send(mut self, microphone: Arc<Microphone>) {
        // What is written behind a mark does not wait for it: a background that did would be later with each.
        let mut passing = VecDeque::<Passing>::new();
        loop {
            let goes_on = tokio::select! {
                biased;
                () = gone(passing.front_mut()), if !passing.is_empty() => {
                    let passed = passing.pop_front().expect("it was waited for");
                    self.tell_mark(passed).await
                }
                item = timeout(LOOK_AGAIN, self.received.recv()) => match item {
                    Ok(Some(Item { epoch, what: What::Mark(name) })) => {
                        if self.is_current(epoch) {
                            passing.push_back(Passing { epoch, name, gone: microphone.mark().await });
                        }
                        true
                    }
                    Ok(Some(item)) => self.pass_on(item, &microphone).await,
                    Ok(None) => false,
                    // The call may have been told to wait in the moment in which the last frame left.
                    Err(_) => true,
                },
            };
            if !goes_on || (self.goes_on() && self.to_call.send(LineIn::Flows).await.is_err()) {
                return;
            }
        }
    }

    fn is_current(&self, epoch: u64) -> bool {
        epoch == self.epoch.load(Ordering::Relaxed)
    }

    /// What was thrown away was not heard. False when nobody is there any more.
    async fn tell_mark(&self, Passing { epoch, name, .. }: Passing) -> bool {
        !self.is_current(epoch) || self.to_call.send(LineIn::Mark(name)).await.is_ok()
    }

    /// False when nobody is there any more.
    async fn pass_on(&self, Item { epoch: of, what }: Item, microphone: &Microphone) -> bool {
        match what {
            What::Frame(pcm) if self.is_current(of) => {
                if let Err(error) = microphone.write(pcm).await {
                    tracing::debug!(%error, "the bot's voice ends");
                    return false;
                }
            }
            // What was thrown away was not heard.
            What::Frame(_) | What::Mark(_) => {}
            What::Said(said) => {
                microphone.drained().await;
                let _gone = said.send(());
            }
        }
        true
    }

    /// Whether what waited has gone, and the call is to be told.
    fn goes_on(&self) -> bool {
        self.received.len() <= FLOWS_AT && self.stands.swap(false, Ordering::AcqRel)
    }
}

/// The words of a mark have left, or never will.
async fn gone(passing: Option<&mut Passing>) {
    let Some(passing) = passing else { return std::future::pending().await };
    let _ended = (&mut passing.gone).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(received: &mut mpsc::Receiver<Item>) -> Vec<String> {
        let items = std::iter::from_fn(|| received.try_recv().ok());
        items.filter_map(|item| if let What::Mark(name) = item.what { Some(name) } else { None }).collect()
    }

    /// Words, their way, and what the call is told.
    fn way() -> (Words, Way, mpsc::Receiver<LineIn>) {
        let (items, received) = mpsc::channel(QUEUE);
        let (to_call, told) = mpsc::channel(4);
        let (epoch, stands) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let way = Way { received, epoch: epoch.clone(), to_call: to_call.clone(), stands: stands.clone() };
        (Words { items, epoch, to_call, stands, lost: 0, has_gap: false }, way, told)
    }

    /// It was said into the void, and the call took it for heard.
    #[test]
    fn a_call_whose_voice_does_not_leave_is_told_so_once_and_when_it_does() {
        let (mut words, mut way, mut told) = way();
        (1..STANDS_AT).for_each(|_| words.say(vec![0; 320]));
        assert!(told.try_recv().is_err(), "a few are always on their way");
        words.say(vec![0; 320]);
        words.say(vec![0; 320]);
        assert_eq!(told.try_recv(), Ok(LineIn::Stands));
        assert!(told.try_recv().is_err() && !way.goes_on());
        while way.received.len() > FLOWS_AT {
            way.received.try_recv().unwrap();
        }
        assert!(way.goes_on() && !way.goes_on(), "once");
        // One that is too far behind to be told is told later.
        (0..4).for_each(|_| words.to_call.try_send(LineIn::Answered).unwrap());
        (0..STANDS_AT).for_each(|_| words.say(vec![0; 320]));
        while told.try_recv().is_ok_and(|told| told == LineIn::Answered) {}
        words.say(vec![0; 320]);
        assert_eq!((told.try_recv(), words.lost), (Ok(LineIn::Stands), 0));
    }

    #[test]
    fn words_of_which_a_part_was_lost_are_not_marked_as_heard() {
        let (mut words, Way { mut received, .. }, _told) = way();
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
