//! The courier: a thread of its own for everything that is no sound. It asks the bridge for configs, keeps calls' ends,
//! delivers results and recordings, adopts what dead workers left, and reads and writes the phrase cache; the thread of the
//! audio hands it tasks and waits, if at all, for an answer.
//!
//! Why a thread: a delivery, a hash or a file that is read between two frames makes the second one late. Its own file work is
//! done on further threads: a disk that hangs holds up what needs it, and not the rest.

mod adopt;
mod cabinet;
pub mod clips;
mod deliver;
pub mod desk;
mod direct;
pub mod held;
pub mod keep;
pub mod live;
mod lost;
mod siblings;
pub mod sounds;
mod upload;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{self, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use vox_shared::ids::{BotId, SessionId};
use vox_shared::wire::config::{ConfigRequest, RuntimeConfig};
use vox_shared::wire::permit::PermitRequest;
use vox_shared::wire::proof::Proof;

use crate::bridge::ConfigError;
use crate::wreck::offers::Offer;
use clips::{Clip, Phrase, Stable};
use deliver::Round;
use desk::{Books, Desk};
use held::Held;
use keep::Ending;
use live::{Teller, Watched};
use sounds::{RECORDED_PATIENCE, Sounds};

pub use upload::has_sound;

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
    /// Another bridge than the worker's own.
    pub bridge_url: Option<String>,
}

/// The answer: what the call goes by, and its greeting if it is kept as sound.
#[derive(Clone, Debug)]
pub struct Begun {
    pub config: Arc<RuntimeConfig>,
    pub stable: Stable,
    /// With its text.
    pub greeting: Option<(String, Clip)>,
    /// The bridge that the config is of, where it is not the worker's own.
    pub bridge_url: Option<String>,
    /// Sounds of the bot.
    pub sounds: Sounds,
}

/// The handle that the audio's thread holds.
#[derive(Debug)]
pub struct Courier {
    desk: Arc<Desk>,
    runtime: Handle,
    /// Ends of calls that are being put away.
    endings: TaskTracker,
    running: Mutex<Option<Running>>,
}

/// The thread, and the way to end it.
#[derive(Debug)]
struct Running {
    stop: oneshot::Sender<oneshot::Sender<()>>,
    thread: JoinHandle<()>,
}

impl Courier {
    /// Start the thread; it delivers and adopts from now on.
    pub fn start(desk: Desk) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(MAX_BLOCKING_THREADS)
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let (desk, handle, endings) = (Arc::new(desk), runtime.handle().clone(), TaskTracker::new());
        let (own, put_away) = (desk.clone(), endings.clone());
        let thread =
            std::thread::Builder::new().name("courier".into()).stack_size(STACK_BYTES).spawn(move || {
                runtime.block_on(work(own, put_away, stopped));
                // A hung disk must not keep the process.
                runtime.shutdown_background();
            })?;
        let running = Mutex::new(Some(Running { stop, thread }));
        Ok(Self { desk, runtime: handle, endings, running })
    }

    /// What is in hand.
    pub fn books(&self) -> &Books {
        &self.desk.books
    }

    /// Calls of dead workers that this one is to go on with, once.
    pub fn offers(&self) -> Option<mpsc::Receiver<Offer>> {
        self.desk.offers.open()
    }

    /// What a call begins with, from a config that is known.
    pub async fn prepare(&self, config: RuntimeConfig, bridge_url: Option<String>) -> Option<Begun> {
        let desk = self.desk.clone();
        let prepared = async move {
            let config = Arc::new(config);
            let sounds = desk.shelf.of_call(&config, desk.bridge_at(bridge_url.as_deref()), None);
            Begun { stable: Stable::of(&config), config, greeting: None, bridge_url, sounds }
        };
        self.runtime.spawn(prepared).await.ok()
    }

    /// Run something beside the audio for as long as the process lives.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// The config of a call.
    pub async fn begin(&self, ask: Ask) -> Result<Begun, ConfigError> {
        let desk = self.desk.clone();
        let begun = self.runtime.spawn(async move { begin(&desk, ask).await }.in_current_span());
        let answered = timeout(BEGIN_PATIENCE, begun).await.ok().and_then(Result::ok);
        let gone = || Err(ConfigError::Unreachable("the worker's courier does not answer".into()));
        answered.unwrap_or_else(gone)
    }

    /// Look for a phrase. The answer comes soon, whatever the disk does.
    pub fn find(&self, phrase: Phrase) -> task::JoinHandle<Option<Clip>> {
        let clips = self.desk.clips.clone();
        self.runtime.spawn(async move { clips.find(phrase).await })
    }

    /// The permits of the running call.
    pub fn held(&self) -> &Arc<Held> {
        &self.desk.held
    }

    /// Ask for a permit of the running call; `None`: the bridge said nothing.
    pub fn permit(
        &self,
        call: &SessionId,
        wanted: PermitRequest,
        proof: &Proof,
    ) -> task::JoinHandle<Option<bool>> {
        let bridge = self.desk.bridge_of(proof);
        let (call, proof) = (call.clone(), proof.clone());
        self.runtime.spawn(async move {
            let answer = bridge.permit(&call, &wanted, &proof).await;
            answer.inspect_err(|error| tracing::debug!(%error, "no word on a permit")).ok()
        })
    }

    /// Have a sound of a bot got. The answer may take as long as the bridge.
    pub fn get<T: Send + 'static>(
        &self,
        sound: impl Future<Output = Option<T>> + Send + 'static,
    ) -> task::JoinHandle<Option<T>> {
        self.runtime.spawn(sound)
    }

    /// Keep a phrase for later calls. A busy disk does not: it will be synthesised again.
    pub fn store(&self, phrase: Phrase, clip: Clip) {
        let clips = self.desk.clips.clone();
        self.runtime.spawn(async move { clips.keep(phrase, clip) });
    }

    /// Tell of a call while it runs, until what this answers is dropped.
    pub fn watch(&self, call: Watched) -> Teller {
        let bridge = self.desk.bridge_of(&call.proof);
        let (teller, report) = live::watch(bridge, self.desk.live.clone(), call);
        self.spawn(report);
        teller
    }

    /// Put the end of a call away. Returns when it is durable, or after a few seconds: from then on the courier alone
    /// answers for it, and holds it until the disk or the bridge has it.
    pub async fn keep(&self, ending: Ending) {
        self.desk.books.hold();
        let desk = self.desk.clone();
        let putting = async move {
            keep::keep(&desk, ending).await;
            desk.books.let_go();
            desk.news.notify_one();
        };
        match timeout(KEEP_PATIENCE, self.endings.spawn_on(putting, &self.runtime)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                self.desk.books.let_go();
                tracing::error!(%error, "the end of a call is lost: the courier is gone");
            }
            Err(_) => {
                tracing::error!(
                    "the end of a call is not on disk yet; it waits in memory, and the worker goes on"
                );
            }
        }
    }

    /// Deliver what is left for this long, give the outbox back, and end the thread.
    pub async fn stop(&self, within: Duration) {
        let Some(Running { stop, thread }) =
            self.running.lock().unwrap_or_else(PoisonError::into_inner).take()
        else {
            return;
        };
        let (done, stopped) = oneshot::channel();
        let asked = stop.send(done).is_ok();
        if !asked || timeout(within, stopped).await.is_err() {
            let held = self.desk.books.held();
            return match held {
                0 => tracing::info!("what was not delivered is left to the host's other workers"),
                _ => {
                    tracing::error!(held, "ends of calls are lost: neither the disk nor the bridge took them")
                }
            };
        }
        // It has said that it is done; what is left is to return.
        let _panicked = thread.join();
    }
}

/// What goes on for as long as the worker lives; then what is left is delivered, and that is told.
async fn work(desk: Arc<Desk>, endings: TaskTracker, stopped: oneshot::Receiver<oneshot::Sender<()>>) {
    let (own, other) = (desk.clone(), desk.clone());
    let mut standing = JoinSet::new();
    standing.spawn(for_ever("delivery", move || deliver_own(own.clone())));
    standing.spawn(for_ever("adoption", move || adopt::run(other.clone())));
    let Ok(done) = stopped.await else { return };
    standing.shutdown().await;
    endings.close();
    endings.wait().await;
    Round::new(&desk, &desk.outbox).until_empty().await;
    if let Err(error) = desk.outbox.remove_if_empty().await {
        tracing::debug!(%error, "the outbox stays for adoption");
    }
    let _gave_up = done.send(());
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
    let bridge = desk.bridge_at(ask.bridge_url.as_deref());
    let config = Arc::new(bridge.fetch_config(&ask.bot_id, &ask.request).await?);
    let stable = Stable::of(&config);
    let sounds = desk.shelf.of_call(&config, bridge, ask.request.claim);
    let greeting = match stable.recorded_greeting() {
        Some((text, id)) => {
            let found = timeout(RECORDED_PATIENCE, sounds.get(id, ask.rate_hz)).await.ok().flatten();
            found.map(|pcm| (text.to_owned(), Clip { pcm, words: Vec::new() }))
        }
        None => match stable.greeting(ask.rate_hz) {
            Some(phrase) => desk.clips.find(phrase.clone()).await.map(|clip| (phrase.text, clip)),
            None => None,
        },
    };
    if !config.sounds.is_empty() {
        tokio::spawn(sounds.clone().fetch_all(ask.rate_hz));
    }
    Ok(Begun { config, stable, greeting, bridge_url: ask.bridge_url, sounds })
}
