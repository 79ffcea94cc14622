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
type Job = Box<dyn FnOnce(&Connection) -> Reply + Send>;

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
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let outcome = work(connection, input);
            Box::new(move |commit| {
                // The caller may have stopped waiting; the write stands all the same.
                let _ = answer.send(commit.and(outcome));
            })
        });
        let waiting = async {
            self.jobs.send(job).await.map_err(|_| gone())?;
            answered.await.map_err(|_| gone())?
        };
        match timeout(ANSWER_DEADLINE, waiting).await {
            Ok(outcome) => outcome,
            Err(_) => Err(EngineError::Unavailable("the writer is too slow".into())),
        }
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
    let begun = connection.execute_batch("BEGIN IMMEDIATE").map_err(EngineError::from);
    let mut next = Some(first);
    while let Some(job) = next {
        replies.push(job(connection));
        // A full disk makes SQLite roll the whole transaction back by itself; what follows would commit one by one.
        if connection.is_autocommit() {
            begun?;
            return Err(EngineError::Unavailable("the transaction was rolled back".into()));
        }
        next = if replies.len() < MAX_GROUP { queue.try_recv().ok() } else { None };
    }
    begun?;
    connection.execute_batch("COMMIT").map_err(|error| {
        // The error of the commit is what the callers get; a failed rollback adds nothing to it.
        let _ = connection.execute_batch("ROLLBACK");
        error.into()
    })
}
