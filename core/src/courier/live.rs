//! What a running call tells the bridge as it happens, for who watches. The call never waits for it and may lose it: it puts
//! a fact into a bounded queue, and everything else happens on the courier's thread. The outbox has the truth.

mod backlog;
pub mod counts;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use vox_shared::clock::Clock;
use vox_shared::ids::{SessionId, WorkerId};
use vox_shared::wire::live::LiveReport;
use vox_shared::wire::proof::Proof;
use vox_shared::wire::result::{CallEvent, TranscriptEntry, TurnLatency};

use crate::bridge::{Bridge, DeliveryError, again};
use backlog::Backlog;
use counts::Counts;

/// Facts on their way from the audio's thread: more than a call makes while the courier does something else.
const QUEUE: usize = 128;
/// Facts are gathered for this long, so that a lively turn is one request.
const GATHER: Duration = Duration::from_millis(150);
/// After a report that was not taken; twice as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
const MINUTE: Duration = Duration::from_secs(60);

/// Something that a watcher of the call is to know.
#[derive(Debug)]
pub enum Fact {
    /// A line wants the bot; it may ring still.
    Ringing {
        from: Option<String>,
        direction: Option<String>,
    },
    /// Media flows.
    Connected,
    /// Media flows again, with a worker that goes on with the call of one that died, so long after the answer. Told as an event of
    /// its own.
    GoesOn {
        since: Duration,
    },
    Turn(TranscriptEntry),
    Event(CallEvent),
    Latency(TurnLatency),
}

/// A call's end of the queue. The report ends when it is dropped.
#[derive(Debug)]
pub struct Teller {
    queue: mpsc::Sender<(Timestamp, Fact)>,
    clock: Clock,
    counts: Counts,
    /// Facts that found no room in this call's queue since the last look.
    lost: Arc<AtomicU64>,
    told: Arc<AtomicU64>,
}

impl Teller {
    /// Say it, without waiting; what finds no room is lost and counted.
    pub fn tell(&self, fact: Fact) {
        if !matches!(fact, Fact::GoesOn { .. }) {
            self.told.fetch_add(1, Ordering::Relaxed);
        }
        if self.queue.try_send((self.clock.now(), fact)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
            self.counts.dropped.inc();
        }
    }

    /// Events of the call that have a number so far, or will.
    pub fn told(&self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }
}

/// Whose call it is, and who is told of it.
#[derive(Clone, Debug)]
pub struct Watched {
    pub session_id: SessionId,
    pub worker_id: WorkerId,
    pub clock: Clock,
    pub proof: Proof,
    /// Events that workers told of it that died.
    pub told: u64,
}

/// Report a call from now on, until the teller is dropped: the future is to run where a wait costs nothing.
pub fn watch(
    bridge: Bridge,
    counts: Counts,
    call: Watched,
) -> (Teller, impl Future<Output = ()> + Send + 'static) {
    let (queue, facts) = mpsc::channel(QUEUE);
    let lost = Arc::<AtomicU64>::default();
    let told = Arc::new(AtomicU64::new(call.told));
    let teller = Teller {
        queue,
        clock: call.clock.clone(),
        counts: counts.clone(),
        lost: lost.clone(),
        told: told.clone(),
    };
    let reporter = Reporter {
        backlog: Backlog::behind(call.told),
        call,
        bridge,
        minutes: None,
        minute: 0,
        due: None,
        pause: FIRST_PAUSE,
        posting: None,
        counts,
        lost,
        told,
    };
    (teller, reporter.run(facts))
}

/// Reports one call.
struct Reporter {
    call: Watched,
    bridge: Bridge,
    backlog: Backlog,
    /// Runs from the answer on.
    minutes: Option<Interval>,
    minute: u64,
    /// When the next report may go out; `None` while nothing waits.
    due: Option<Instant>,
    pause: Duration,
    /// The report on its way: one at a time, so that the bridge gets them in order.
    posting: Option<JoinHandle<Result<(), DeliveryError>>>,
    counts: Counts,
    lost: Arc<AtomicU64>,
    told: Arc<AtomicU64>,
}

/// What happens next.
enum Next {
    Told(Option<(Timestamp, Fact)>),
    Minute,
    Due,
    Answered(Result<(), DeliveryError>),
}

impl Reporter {
    async fn run(mut self, mut facts: mpsc::Receiver<(Timestamp, Fact)>) {
        loop {
            match self.next(&mut facts).await {
                Next::Told(Some((at, fact))) => self.take(at, fact),
                Next::Told(None) => return self.finish().await,
                Next::Minute => {
                    self.minute += 1;
                    self.told.fetch_add(1, Ordering::Relaxed);
                    let gone = self.backlog.minute(self.call.clock.now(), self.minute);
                    self.counts.dropped.inc_by(gone);
                }
                Next::Due => self.post(),
                Next::Answered(answer) => {
                    self.answered(&answer);
                }
            }
            if self.posting.is_none() && !self.backlog.is_empty() {
                self.due.get_or_insert_with(|| Instant::now() + GATHER);
            }
        }
    }

    async fn next(&mut self, facts: &mut mpsc::Receiver<(Timestamp, Fact)>) -> Next {
        let (posting, minutes, due) = (&mut self.posting, &mut self.minutes, self.due);
        tokio::select! {
            biased;
            fact = facts.recv() => Next::Told(fact),
            answer = async { posting.as_mut().expect("it is on its way").await }, if posting.is_some() => {
                Next::Answered(answer.unwrap_or_else(|error| Err(DeliveryError::Away(error.to_string()))))
            }
            _ = async { minutes.as_mut().expect("it runs").tick().await }, if minutes.is_some() => Next::Minute,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Next::Due,
        }
    }

    fn take(&mut self, at: Timestamp, fact: Fact) {
        match fact {
            Fact::Connected => self.count_minutes(Duration::ZERO),
            Fact::GoesOn { since } => return self.count_minutes(since),
            _ => {}
        }
        // Those lost before it: their numbers are missing, so that whoever follows sees the gap.
        self.backlog.skip(self.lost.swap(0, Ordering::Relaxed));
        self.counts.dropped.inc_by(self.backlog.add(at, fact));
    }

    /// The minutes of a call that was answered so long ago.
    fn count_minutes(&mut self, since: Duration) {
        self.minute = since.as_secs() / MINUTE.as_secs();
        let in_it = since.saturating_sub(Duration::from_secs(self.minute * MINUTE.as_secs()));
        let mut minutes = interval_at(Instant::now() + MINUTE.saturating_sub(in_it), MINUTE);
        minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.minutes = Some(minutes);
    }

    /// Send what waits, in a task of its own: what is told meanwhile is taken.
    fn post(&mut self) {
        self.due = None;
        if self.backlog.is_empty() {
            return;
        }
        let report = self.report();
        let (bridge, call) = (self.bridge.clone(), self.call.clone());
        self.posting =
            Some(tokio::spawn(async move { bridge.report(&call.session_id, &report, &call.proof).await }));
    }

    fn report(&mut self) -> LiveReport {
        self.backlog.report(self.call.worker_id.clone())
    }

    /// Whether the next report may go out at once.
    fn answered(&mut self, answer: &Result<(), DeliveryError>) -> bool {
        self.posting = None;
        if self.shows_claim(answer) {
            self.due = Some(Instant::now());
            return true;
        }
        match answer {
            Ok(()) => {
                self.counts.sent.inc_by(self.backlog.taken());
                self.pause = FIRST_PAUSE;
                self.due = None;
                return true;
            }
            // It will never be taken, as by a bridge of an older version; what follows may be.
            Err(DeliveryError::Rejected(why)) => {
                // Behind the status the answer may quote what was said.
                let status = why.split(':').next();
                tracing::debug!(call.id = %self.call.session_id, status, "the bridge takes no events of the call");
                self.counts.dropped.inc_by(self.backlog.refused());
            }
            Err(DeliveryError::Retry(_) | DeliveryError::Away(_)) => {}
        }
        self.wait();
        false
    }

    /// True when the bridge does not take the call's token any more: from now on the claim is shown.
    fn shows_claim(&mut self, answer: &Result<(), DeliveryError>) -> bool {
        let claim = again(&self.call.proof, answer);
        let is_refused = claim.is_some();
        self.call.proof = claim.unwrap_or_else(|| std::mem::take(&mut self.call.proof));
        is_refused
    }

    /// A bridge that is away is not asked all the time, nor by all calls at once.
    fn wait(&mut self) {
        let share = rand::random_range(0.5..1.0);
        self.due = Some(Instant::now() + self.pause.mul_f64(share));
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// The call is over. What waits is offered once more; its result says the same.
    async fn finish(mut self) {
        if let Some(posting) = self.posting.take() {
            let answer = posting.await.unwrap_or_else(|error| Err(DeliveryError::Away(error.to_string())));
            if !self.answered(&answer) {
                return self.give_up();
            }
        }
        while !self.backlog.is_empty() {
            let report = self.report();
            let answer = self.bridge.report(&self.call.session_id, &report, &self.call.proof).await;
            if !self.answered(&answer) {
                return self.give_up();
            }
        }
    }

    fn give_up(&self) {
        self.counts.dropped.inc_by(self.backlog.waiting());
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;

    fn call() -> Watched {
        let (session_id, worker_id) = ("call_1".parse().unwrap(), "w1".parse().unwrap());
        Watched { session_id, worker_id, clock: Clock::system(), proof: Proof::default(), told: 0 }
    }

    fn bridge_at(url: &str) -> Bridge {
        let _chosen_before = rustls::crypto::ring::default_provider().install_default();
        Bridge::new(url, SecretString::from("x".repeat(32))).unwrap()
    }

    /// An older version: it answers 404 to every report. Answers how many reports there were.
    async fn refuse_all(listener: TcpListener, reports: Arc<AtomicU64>) {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = vec![0; 64 * 1024];
            if stream.read(&mut read).await.unwrap() > 0 {
                reports.fetch_add(1, Ordering::Relaxed);
                let answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                stream.write_all(answer).await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn a_bridge_of_an_older_version_costs_events_and_is_not_asked_for_nothing() {
        let older = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bridge = bridge_at(&format!("http://{}", older.local_addr().unwrap()));
        let reports = Arc::<AtomicU64>::default();
        let answering = tokio::spawn(refuse_all(older, reports.clone()));
        let counts = Counts::default();
        let (teller, report) = watch(bridge, counts.clone(), call());
        let reporting = tokio::spawn(report);
        teller.tell(Fact::Connected);
        let refused = async {
            while counts.dropped.get() == 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(10), refused).await.expect("it was refused");
        // Longer than the pause after a refusal.
        let quiet = timeout(FIRST_PAUSE * 2, std::future::pending::<()>()).await;
        assert!(quiet.is_err() && reports.load(Ordering::Relaxed) == 1, "nothing waits: nothing is sent");
        teller.tell(Fact::Latency(TurnLatency::default()));
        drop(teller);
        timeout(Duration::from_secs(10), reporting).await.expect("it ends with the call").unwrap();
        assert_eq!((counts.sent.get(), counts.dropped.get()), (0, 2), "each is accounted for");
        answering.abort();
    }

    /// It takes connections and never answers.
    #[tokio::test(start_paused = true)]
    async fn a_bridge_that_hangs_costs_events_and_keeps_nobody_waiting() {
        let hangs = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bridge = bridge_at(&format!("http://{}", hangs.local_addr().unwrap()));
        let counts = Counts::default();
        let (teller, report) = watch(bridge, counts.clone(), call());
        let reporting = tokio::spawn(report);
        for n in 0..2_000 {
            teller.tell(Fact::Latency(TurnLatency::default()));
            if n % 50 == 0 {
                tokio::task::yield_now().await;
            }
        }
        assert!(counts.dropped.get() > 1_500, "what waits is bounded: {}", counts.dropped.get());
        drop(teller);
        timeout(Duration::from_secs(10), reporting).await.expect("it ends with the call").unwrap();
        assert_eq!((counts.sent.get(), counts.dropped.get()), (0, 2_000), "each is accounted for");
    }
}
