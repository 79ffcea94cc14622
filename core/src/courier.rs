//! The courier: a thread of its own for everything that is no sound. It asks the bridge for configs, keeps calls' ends,
//! delivers results and recordings, adopts what dead workers left, and reads and writes the phrase cache; the thread of the
//! audio sends it messages and waits, if at all, for an answer.
//!
//! Why a thread: a delivery, a hash or a file that is read between two frames makes the second one late. Its own file work is
//! done on further threads: a disk that hangs holds up what needs it, and not the rest.

mod adopt;
pub mod clips;
mod deliver;
pub mod desk;
pub mod keep;
mod upload;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use vox_shared::ids::BotId;
use vox_shared::wire::config::{ConfigRequest, RuntimeConfig};

use crate::bridge::ConfigError;
use clips::{Clip, Phrase, Stable};
use deliver::Round;
use desk::{Books, Desk};
use keep::Ending;

pub use upload::has_sound;

/// Messages waiting for the courier: a call sends a handful in its life.
const INBOX: usize = 32;
/// The thread's stack; what is large lives on the heap.
const STACK_BYTES: usize = 512 * 1024;
/// File work at a time: an upload, adoptions and the look for them, clips, recordings that are being closed. More than all of
/// them together, so that a disk that hangs over them does not hold up the look for the bridge's name.
const MAX_BLOCKING_THREADS: usize = 24;
/// How long a call waits for its config. The bridge's client gives up before, so the courier itself is stuck then.
const BEGIN_PATIENCE: Duration = Duration::from_secs(7);
/// How long the audio waits for the end of its call to be kept before the slot is free for the next.
const KEEP_PATIENCE: Duration = Duration::from_secs(5);
/// After a part of the courier broke off.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// A call that asks for its config.
#[derive(Clone, Debug)]
pub struct Ask {
    pub bot_id: BotId,
    pub request: ConfigRequest,
    /// Of the line: the greeting is looked for at this rate.
    pub rate_hz: u32,
}

/// The answer: what the call goes by, and its greeting if it is kept as sound.
#[derive(Clone, Debug)]
pub struct Begun {
    pub config: Arc<RuntimeConfig>,
    pub stable: Stable,
    /// With its text.
    pub greeting: Option<(String, Clip)>,
}

enum Errand {
    Begin(Box<Ask>, oneshot::Sender<Result<Begun, ConfigError>>),
    Find(Phrase, oneshot::Sender<Option<Clip>>),
    Store(Phrase, Clip),
    Keep(Box<Ending>, oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
}

/// The handle that the audio's thread holds.
#[derive(Debug)]
pub struct Courier {
    errands: mpsc::Sender<Errand>,
    books: Arc<Books>,
    runtime: Handle,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Courier {
    /// Start the thread; it delivers and adopts from now on.
    pub fn start(desk: Desk) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(MAX_BLOCKING_THREADS)
            .build()?;
        let (errands, inbox) = mpsc::channel(INBOX);
        let (handle, books) = (runtime.handle().clone(), desk.books.clone());
        let thread =
            std::thread::Builder::new().name("courier".into()).stack_size(STACK_BYTES).spawn(move || {
                runtime.block_on(work(Arc::new(desk), inbox));
                // A hung disk must not keep the process.
                runtime.shutdown_background();
            })?;
        Ok(Self { errands, books, runtime: handle, thread: Mutex::new(Some(thread)) })
    }

    /// What is in hand.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// Run something beside the audio for as long as the process lives.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// The config of a call.
    pub async fn begin(&self, ask: Ask) -> Result<Begun, ConfigError> {
        let (answer, begun) = oneshot::channel();
        let asked = async {
            self.errands.send(Errand::Begin(Box::new(ask), answer)).await.ok()?;
            begun.await.ok()
        };
        let answered = timeout(BEGIN_PATIENCE, asked).await.ok().flatten();
        let gone = || Err(ConfigError::Unreachable("the worker's courier does not answer".into()));
        answered.unwrap_or_else(gone)
    }

    /// Look for a phrase; `None` when the courier has its hands full.
    pub fn find(&self, phrase: Phrase) -> Option<oneshot::Receiver<Option<Clip>>> {
        let (answer, clip) = oneshot::channel();
        self.errands.try_send(Errand::Find(phrase, answer)).ok().map(|()| clip)
    }

    /// Keep a phrase for later calls. A busy courier does not: it will be synthesised again.
    pub fn store(&self, phrase: Phrase, clip: Clip) {
        let _kept_another_time = self.errands.try_send(Errand::Store(phrase, clip));
    }

    /// Put the end of a call away. Returns when it is durable, or after a few seconds: from then on the courier alone
    /// answers for it, and holds it until the disk or the bridge has it.
    pub async fn keep(&self, ending: Ending) {
        let (done, kept) = oneshot::channel();
        self.books.hold();
        if self.errands.send(Errand::Keep(Box::new(ending), done)).await.is_err() {
            self.books.let_go();
            return tracing::error!("the end of a call is lost: the courier is gone");
        }
        if timeout(KEEP_PATIENCE, kept).await.is_err() {
            tracing::error!(
                "the end of a call is not on disk yet; it waits in memory, and the worker goes on"
            );
        }
    }

    /// Deliver what is left for this long, give the outbox back, and end the thread.
    pub async fn stop(&self, within: Duration) {
        let (done, stopped) = oneshot::channel();
        let asked = self.errands.send(Errand::Stop(done)).await.is_ok();
        if !asked || timeout(within, stopped).await.is_err() {
            let held = self.books.held();
            return match held {
                0 => tracing::info!("what was not delivered is left to the host's other workers"),
                _ => {
                    tracing::error!(held, "ends of calls are lost: neither the disk nor the bridge took them")
                }
            };
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // It has said that it is done; what is left is to return.
            let _panicked = thread.join();
        }
    }
}

async fn work(desk: Arc<Desk>, mut inbox: mpsc::Receiver<Errand>) {
    let (own, other) = (desk.clone(), desk.clone());
    let mut standing = JoinSet::new();
    standing.spawn(for_ever("delivery", move || deliver_own(own.clone())));
    standing.spawn(for_ever("adoption", move || adopt::run(other.clone())));
    let mut endings = JoinSet::new();
    while let Some(errand) = inbox.recv().await {
        while endings.try_join_next().is_some() {}
        match errand {
            Errand::Begin(ask, answer) => {
                let desk = desk.clone();
                // A caller who has gone needs no answer.
                tokio::spawn(async move { answer.send(begin(&desk, *ask).await) });
            }
            Errand::Find(phrase, answer) => {
                let clips = desk.clips.clone();
                tokio::spawn(async move { answer.send(clips.find(phrase).await) });
            }
            Errand::Store(phrase, clip) => desk.clips.keep(phrase, clip),
            Errand::Keep(ending, done) => {
                let desk = desk.clone();
                endings.spawn(async move {
                    keep::keep(&desk, *ending).await;
                    desk.books.let_go();
                    desk.news.notify_one();
                    // The call has waited long enough, perhaps.
                    let _late = done.send(());
                });
            }
            Errand::Stop(done) => {
                standing.shutdown().await;
                while endings.join_next().await.is_some() {}
                Round::new(&desk, &desk.outbox).until_empty().await;
                if let Err(error) = desk.outbox.remove_if_empty().await {
                    tracing::debug!(%error, "the outbox stays for adoption");
                }
                let _gave_up = done.send(());
                return;
            }
        }
    }
}

async fn deliver_own(desk: Arc<Desk>) {
    Round::new(&desk, &desk.outbox).for_ever(&desk.news).await;
}

/// Run a standing task again when it broke off: without it nothing would be delivered any more, and nobody would notice.
async fn for_ever<F>(what: &'static str, task: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        // Aborted together with whoever waits for it.
        let mut running = JoinSet::new();
        running.spawn(task());
        if let Some(Err(error)) = running.join_next().await {
            tracing::error!(%error, what, "a part of the courier broke off; it is started again");
        }
        sleep(RESTART_PAUSE).await;
    }
}

async fn begin(desk: &Desk, ask: Ask) -> Result<Begun, ConfigError> {
    let config = Arc::new(desk.bridge.fetch_config(&ask.bot_id, &ask.request).await?);
    let stable = Stable::of(&config);
    let greeting = match stable.greeting(ask.rate_hz) {
        Some(phrase) => desk.clips.find(phrase.clone()).await.map(|clip| (phrase.text, clip)),
        None => None,
    };
    Ok(Begun { config, stable, greeting })
}
