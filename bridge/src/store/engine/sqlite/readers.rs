//! A few connections for reading, used from blocking threads. A read that takes too long ends itself, or it would keep
//! its connection from all others; and reads that may look at very many documents leave half of the connections to those
//! that a call waits for.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::{ANSWER_DEADLINE, Connections, EngineError, connect_to_read};

/// Reads at the same time.
const READERS: usize = 4;
/// Of these, scans.
const SCANNERS: usize = READERS / 2;
/// Steps of SQLite's machine between two looks at the clock: well under a millisecond.
const STEPS_PER_LOOK: i32 = 10_000;
/// A read that ends at its deadline has so long to come back. One that even then goes on waits for its disk.
const RETURN_DEADLINE: Duration = Duration::from_secs(1);

/// How much a read may look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// About as many documents as it answers.
    Small,
    /// Possibly very many more than it answers.
    Scan,
}

/// Connections are opened when first needed and kept.
pub struct Readers {
    pub(super) path: PathBuf,
    free: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    scans: Arc<Semaphore>,
    deadline: Duration,
}

impl Readers {
    pub fn new(path: PathBuf) -> Self {
        let [permits, scans] = [READERS, SCANNERS].map(|n| Arc::new(Semaphore::new(n)));
        Self { path, free: Arc::default(), permits, scans, deadline: ANSWER_DEADLINE }
    }

    /// Connections that read now.
    pub fn connections(&self) -> Connections {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let free = self.permits.available_permits();
        Connections { active: number(READERS.saturating_sub(free)), most: number(READERS) }
    }

    /// Run `work` on a free connection.
    pub async fn run<T, W>(&self, effort: Effort, work: W) -> Result<T, EngineError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, EngineError> + Send + 'static,
    {
        let permits = timeout(self.deadline, self.admit(effort))
            .await
            .map_err(|_| EngineError::Unavailable("all readers are busy".into()))?;
        let (free, path, deadline) = (self.free.clone(), self.path.clone(), self.deadline);
        let reading = tokio::task::spawn_blocking(move || {
            let kept = lock(&free).pop();
            let mut connection = kept.map_or_else(|| connect_to_read(&path), Ok)?;
            // By the read itself: it ends at its deadline even when nobody waits for it any more.
            let until = Instant::now() + deadline;
            connection.progress_handler(STEPS_PER_LOOK, Some(move || Instant::now() >= until))?;
            let outcome = work(&connection);
            lock(&free).push(connection);
            drop(permits);
            outcome.map_err(|error| if Instant::now() >= until { too_long() } else { error })
        });
        match timeout(self.deadline + RETURN_DEADLINE, reading).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(EngineError::Unavailable("a read failed".into())),
            Err(_) => Err(too_long()),
        }
    }

    /// A scan waits for its own permit first, so that it keeps no other read from a connection meanwhile.
    async fn admit(&self, effort: Effort) -> [Option<OwnedSemaphorePermit>; 2] {
        let scan = match effort {
            Effort::Small => None,
            Effort::Scan => self.scans.clone().acquire_owned().await.ok(),
        };
        [scan, self.permits.clone().acquire_owned().await.ok()]
    }
}

fn too_long() -> EngineError {
    EngineError::Unavailable("a read takes too long".into())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::connect;
    use super::*;

    const SHORT: Duration = Duration::from_secs(1);

    /// The file with the connection that writes it, and its readers.
    fn readers(deadline: Duration) -> ((tempfile::TempDir, Connection), Arc<Readers>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.sqlite");
        let writes = connect(&path).unwrap();
        let readers = Readers { deadline, ..Readers::new(path) };
        ((dir, writes), Arc::new(readers))
    }

    /// A query that takes a minute.
    fn endless(connection: &Connection) -> Result<i64, EngineError> {
        let text = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000000) SELECT COUNT(*) FROM n";
        Ok(connection.query_row(text, [], |row| row.get(0))?)
    }

    fn one(connection: &Connection) -> Result<i64, EngineError> {
        Ok(connection.query_row("SELECT 1", [], |row| row.get(0))?)
    }

    #[tokio::test]
    async fn a_read_that_does_not_end_is_interrupted_and_frees_its_connection() {
        let (_file, readers) = readers(SHORT);
        for _ in 0..2 {
            let endless = (0..READERS).map(|_| readers.run(Effort::Small, endless));
            for outcome in futures_util::future::join_all(endless).await {
                assert_eq!(outcome, Err(too_long()));
            }
            assert_eq!(readers.permits.available_permits(), READERS);
            assert_eq!(lock(&readers.free).len(), READERS, "the connections are used again");
        }
        assert_eq!(readers.run(Effort::Small, one).await, Ok(1), "and good for the next read");
    }

    #[tokio::test]
    async fn a_read_that_nobody_waits_for_is_interrupted_too() {
        let (_file, readers) = readers(SHORT);
        let waiting = timeout(SHORT / 4, readers.run(Effort::Small, endless)).await;
        assert!(!matches!(waiting, Ok(Ok(_))));
        let began = Instant::now();
        while lock(&readers.free).is_empty() {
            assert!(began.elapsed() < Duration::from_secs(10), "it runs for ever");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_reader_cannot_write() {
        let (_file, readers) = readers(Duration::from_secs(10));
        let write = |c: &Connection| Ok(c.execute_batch("CREATE TABLE t (a)")?);
        let refused = readers.run(Effort::Small, write).await.unwrap_err();
        assert!(refused.to_string().contains("readonly"), "{refused}");
    }

    #[tokio::test]
    async fn scans_leave_half_of_the_connections_to_others() {
        let (_file, readers) = readers(Duration::from_secs(10));
        let (release, held) = std::sync::mpsc::sync_channel::<()>(READERS * 2);
        let held = Arc::new(Mutex::new(held));
        let scans: Vec<_> = (0..READERS * 2)
            .map(|_| {
                let (readers, held) = (readers.clone(), held.clone());
                tokio::spawn(async move {
                    // It ends when it is let go, or when the test is over.
                    let until = move |_: &Connection| Ok(lock(&held).recv().is_ok());
                    readers.run(Effort::Scan, until).await
                })
            })
            .collect();
        let as_many_as_may = async {
            while readers.permits.available_permits() > READERS - SCANNERS {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(10), as_many_as_may).await.expect("the scans run");
        assert_eq!(readers.run(Effort::Small, one).await, Ok(1));
        for _ in &scans {
            release.send(()).unwrap();
        }
        for scan in scans {
            assert_eq!(scan.await.unwrap(), Ok(true));
        }
    }
}
