//! The one thread that writes. Whatever waits in its queue shares a transaction and so an fsync (4 to 8 ms each): that
//! is what carries more than a few hundred durable writes a second.

use std::thread;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::{ANSWER_DEADLINE, EngineError};

/// Writes that may wait.
const QUEUE: usize = 1024;
/// Writes that share one commit.
const MAX_GROUP: usize = 128;

type Commit = Result<(), EngineError>;
/// Tells the waiting caller, once the commit's outcome is known.
type Reply = Box<dyn FnOnce(Commit) + Send>;
/// Does its work in the open transaction, or passes on why there is none.
type Job = Box<dyn FnOnce(Result<&Connection, EngineError>) -> Reply + Send>;

/// A handle to the writing thread, which ends when the last handle is gone.
#[derive(Clone)]
pub struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    pub fn start(connection: Connection) -> Result<Self, EngineError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || write_all(&connection, queue))
            .map_err(|e| EngineError::Unavailable(format!("cannot start the writing thread: {e}")))?;
        Ok(Self { jobs })
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
            Box::new(move |commit| {
                // The caller may have stopped waiting; the write stands all the same.
                let _ = answer.send(commit.and(outcome));
            })
        });
        self.jobs.send(job).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

fn gone() -> EngineError {
    EngineError::Unavailable("the writing thread has ended".into())
}

fn write_all(connection: &Connection, mut queue: mpsc::Receiver<Job>) {
    while let Some(first) = queue.blocking_recv() {
        let mut replies = Vec::new();
        let commit = write_group(connection, first, &mut queue, &mut replies);
        for reply in replies {
            reply(commit.clone());
        }
    }
}

fn write_group(
    connection: &Connection,
    first: Job,
    queue: &mut mpsc::Receiver<Job>,
    replies: &mut Vec<Reply>,
) -> Commit {
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        replies.push(first(Err(error.into())));
        return Ok(());
    }
    let mut next = Some(first);
    while let Some(job) = next {
        replies.push(job(Ok(connection)));
        // A full disk makes SQLite roll the whole transaction back by itself; what follows would commit one by one.
        if connection.is_autocommit() {
            return Err(EngineError::Unavailable("the transaction was rolled back".into()));
        }
        next = if replies.len() < MAX_GROUP { queue.try_recv().ok() } else { None };
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
