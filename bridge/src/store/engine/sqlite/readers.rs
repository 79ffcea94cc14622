//! A few connections for reading, used from blocking threads.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{ANSWER_DEADLINE, EngineError, connect};

/// Reads at the same time.
const READERS: usize = 4;

/// Connections are opened when first needed and kept.
pub struct Readers {
    path: PathBuf,
    free: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub fn new(path: PathBuf) -> Self {
        Self { path, free: Arc::default(), permits: Arc::new(Semaphore::new(READERS)) }
    }

    /// Run `work` on a free connection.
    pub async fn run<T, W>(&self, work: W) -> Result<T, EngineError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, EngineError> + Send + 'static,
    {
        let permit = timeout(ANSWER_DEADLINE, self.permits.clone().acquire_owned())
            .await
            .map_err(|_| EngineError::Unavailable("all readers are busy".into()))?
            .expect("the semaphore is never closed");
        let (free, path) = (self.free.clone(), self.path.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let kept = free.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = kept.map_or_else(|| connect(&path), Ok)?;
            let outcome = work(&connection);
            free.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            drop(permit);
            outcome
        });
        match timeout(ANSWER_DEADLINE, reading).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(EngineError::Unavailable("a read failed".into())),
            Err(_) => Err(EngineError::Unavailable("a read takes too long".into())),
        }
    }
}
