//! The one thread that writes. Whatever waits in its queue shares a transaction and so an fsync (4 to 8 ms each): that
//! is what carries more than a few hundred durable writes a second.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::{ANSWER_DEADLINE, EngineError};

/// Writes that may wait.
const QUEUE: usize = 1024;
/// Writes that share one commit.
const MAX_GROUP: usize = 128;

/// Longest wait for the answer whether a write would be taken.
const CHECK_DEADLINE: Duration = Duration::from_secs(3);

type Commit = Result<(), EngineError>;
/// Tells the waiting caller, once the commit's outcome is known.
type Reply = Box<dyn FnOnce(Commit) + Send>;
/// Does its work in the open transaction, or passes on why there is none.
type Job = Box<dyn FnOnce(Result<&Connection, EngineError>) -> Done + Send>;

/// What a job leaves.
struct Done {
    reply: Reply,
    /// The disk did not take it.
    is_failed: bool,
}

/// A handle to the writing thread, which ends when the last handle is gone.
#[derive(Clone)]
pub struct Writer {
    jobs: mpsc::Sender<Job>,
    /// The last write failed: a full disk, most often.
    is_failing: Arc<AtomicBool>,
}

impl Writer {
    pub fn start(connection: Connection) -> Result<Self, EngineError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let is_failing = Arc::<AtomicBool>::default();
        let failing = is_failing.clone();
        thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || write_all(&connection, queue, &failing))
            .map_err(|e| EngineError::Unavailable(format!("cannot start the writing thread: {e}")))?;
        Ok(Self { jobs, is_failing })
    }

    /// Do `work` with `input` inside the next transaction; the answer comes after its commit. `work` makes at most one
    /// change, as its last step: its failure then leaves nothing behind in the shared transaction.
    pub async fn run<I, T, W>(&self, input: I, work: W) -> Result<T, EngineError>
    where
        I: Send + 'static,
        T: Send + 'static,
        W: FnOnce(&Connection, I) -> Result<T, EngineError> + Send + 'static,
    {
        match timeout(ANSWER_DEADLINE, self.run_to_its_end(input, work)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(EngineError::Unavailable("the writer is too slow".into())),
        }
    }

    /// Whether a write would be taken: the thread lives, gets the lock, and the last write went well. After one that did not,
    /// this writes something, so that a disk with room again is noticed without waiting for the next call.
    pub async fn check(&self) -> Result<(), EngineError> {
        let probe = |connection: &Connection, writes: bool| {
            let layout: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
            if writes {
                connection.pragma_update(None, "user_version", layout)?;
            }
            Ok(())
        };
        match timeout(CHECK_DEADLINE, self.run_to_its_end(self.is_failing.load(Ordering::Relaxed), probe))
            .await
        {
            Ok(outcome) => outcome,
            Err(_) => Err(EngineError::Unavailable("the writer is too slow".into())),
        }
    }

    /// As [`Writer::run`], however long it takes.
    pub async fn run_to_its_end<I, T, W>(&self, input: I, work: W) -> Result<T, EngineError>
    where
        I: Send + 'static,
        T: Send + 'static,
        W: FnOnce(&Connection, I) -> Result<T, EngineError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let outcome = connection.and_then(|connection| work(connection, input));
            let is_failed = matches!(outcome, Err(EngineError::Unavailable(_)));
            let reply = Box::new(move |commit: Commit| {
                // The caller may have stopped waiting; the write stands all the same.
                let _ = answer.send(commit.and(outcome));
            });
            Done { reply, is_failed }
        });
        self.jobs.send(job).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

fn gone() -> EngineError {
    EngineError::Unavailable("the writing thread has ended".into())
}

fn write_all(connection: &Connection, mut queue: mpsc::Receiver<Job>, is_failing: &AtomicBool) {
    while let Some(first) = queue.blocking_recv() {
        let mut done = Vec::new();
        let commit = write_group(connection, first, &mut queue, &mut done);
        is_failing.store(commit.is_err() || done.iter().any(|d| d.is_failed), Ordering::Relaxed);
        for done in done {
            (done.reply)(commit.clone());
        }
    }
}

fn write_group(
    connection: &Connection,
    first: Job,
    queue: &mut mpsc::Receiver<Job>,
    done: &mut Vec<Done>,
) -> Commit {
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        done.push(first(Err(error.into())));
        return Ok(());
    }
    let mut next = Some(first);
    while let Some(job) = next {
        // A fault of ours in one write may not end the thread that all writes need: the group fails, the next one works.
        let Ok(one) = catch_unwind(AssertUnwindSafe(|| job(Ok(connection)))) else {
            // The error that follows is what the callers get; a failed rollback adds nothing to it.
            let _ = connection.execute_batch("ROLLBACK");
            return Err(EngineError::Unavailable("a write broke off by a fault of ours".into()));
        };
        done.push(one);
        // A full disk makes SQLite roll the whole transaction back by itself; what follows would commit one by one.
        if connection.is_autocommit() {
            return Err(EngineError::Unavailable("the transaction was rolled back".into()));
        }
        next = if done.len() < MAX_GROUP { queue.try_recv().ok() } else { None };
    }
    connection.execute_batch("COMMIT").map_err(|error| {
        // The error of the commit is what the callers get; a failed rollback adds nothing to it.
        let _ = connection.execute_batch("ROLLBACK");
        error.into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started() -> (tempfile::TempDir, Writer) {
        let dir = tempfile::tempdir().unwrap();
        let connection = super::super::connect(&dir.path().join("t.sqlite")).unwrap();
        connection.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY)").unwrap();
        (dir, Writer::start(connection).unwrap())
    }

    fn insert(connection: &Connection, n: i64) -> Result<(), EngineError> {
        connection.execute("INSERT INTO t VALUES (?1)", [n]).map(drop).map_err(super::super::write_failed)
    }

    #[tokio::test]
    async fn a_clash_fails_alone_in_its_group() {
        let (_dir, writer) = started();
        let writes = [1, 2, 1, 3].map(|n| writer.run(n, insert));
        let outcomes = futures_util::future::join_all(writes).await;
        assert_eq!(outcomes, [Ok(()), Ok(()), Err(EngineError::Duplicate), Ok(())]);
    }

    /// Time that stands still passes the deadline as soon as the runtime has nothing to do but wait.
    #[tokio::test(start_paused = true)]
    async fn only_what_may_take_long_outlasts_the_deadline() {
        let (_dir, writer) = started();
        let slow = |_: &Connection, ()| {
            thread::sleep(std::time::Duration::from_millis(50));
            Ok(())
        };
        assert!(matches!(writer.run((), slow).await, Err(EngineError::Unavailable(_))));
        assert_eq!(writer.run_to_its_end((), slow).await, Ok(()));
    }

    #[tokio::test]
    async fn a_write_that_panics_takes_the_thread_with_it_for_nobody() {
        let (_dir, writer) = started();
        let broken =
            writer.run((), |_: &Connection, ()| -> Result<(), EngineError> { panic!("a fault of ours") });
        assert!(matches!(broken.await, Err(EngineError::Unavailable(_))));
        assert_eq!(writer.run(1, insert).await, Ok(()));
    }

    #[tokio::test]
    async fn a_writer_that_takes_nothing_is_noticed() {
        let (dir, writer) = started();
        assert_eq!(writer.check().await, Ok(()));
        let other = super::super::connect(&dir.path().join("t.sqlite")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(matches!(writer.check().await, Err(EngineError::Unavailable(_))), "it waits for the lock");
        other.execute_batch("COMMIT").unwrap();
        assert_eq!(writer.check().await, Ok(()));
        let (jobs, queue) = mpsc::channel(1);
        drop(queue);
        let dead = Writer { jobs, is_failing: Arc::default() };
        assert!(matches!(dead.check().await, Err(EngineError::Unavailable(_))));
    }

    #[tokio::test]
    async fn after_a_full_disk_the_check_writes_to_find_out_whether_there_is_room_again() {
        let (_dir, writer) = started();
        let limit = |connection: &Connection, ()| {
            let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
            let _: i64 =
                connection.pragma_update_and_check(None, "max_page_count", pages, |row| row.get(0))?;
            Ok(())
        };
        writer.run((), limit).await.unwrap();
        let large = |connection: &Connection, ()| {
            Ok(connection.execute_batch("CREATE TABLE big AS SELECT zeroblob(1000000) AS b")?)
        };
        assert!(matches!(writer.run((), large).await, Err(EngineError::Unavailable(_))));
        assert!(writer.is_failing.load(Ordering::Relaxed));
        assert_eq!(writer.check().await, Ok(()));
        assert!(!writer.is_failing.load(Ordering::Relaxed), "no other write was needed");
    }

    #[tokio::test]
    async fn a_rolled_back_group_fails_as_a_whole_and_the_next_works() {
        let (_dir, writer) = started();
        // What SQLite does by itself when the disk is full.
        let full = |connection: &Connection, ()| Ok(connection.execute_batch("ROLLBACK")?);
        let (before, broken) = futures_util::join!(writer.run(1, insert), writer.run((), full));
        assert!(matches!(broken, Err(EngineError::Unavailable(_))), "{broken:?}");
        let count =
            |c: &Connection, ()| Ok(c.query_row("SELECT COUNT(*) FROM t", [], |row| row.get::<_, i64>(0))?);
        let kept = writer.run((), count).await.unwrap();
        assert_eq!(kept, i64::from(before.is_ok()), "what was answered is what is there");
        assert_eq!(writer.run(2, insert).await, Ok(()));
    }
}
