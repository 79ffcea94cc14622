//! Reading stored recordings to their end, to see that they are whole: a few at a time, and aside, as opening and hashing one keeps a
//! thread busy that others are served by.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::auth::secret_token::hex;
use crate::error::{ApiError, ApiResult};
use crate::objects::ByteStream;

/// Read at the same time when they were put into the bucket by workers, which come again when there is no place.
pub const BACK: usize = 8;
/// Read at the same time because somebody asks why one does not play.
pub const CHECKED: usize = 4;
/// How long another waits for a place.
const PLACE_DEADLINE: Duration = Duration::from_secs(3);
/// After so many seconds who found no place may come again.
const COME_AGAIN: u64 = 5;

/// The places of those who read. Cheap to clone.
#[derive(Clone)]
pub struct Readings(Arc<Semaphore>);

/// A place.
pub struct Reading(OwnedSemaphorePermit);

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub struct WasRead {
    pub size_bytes: u64,
    /// Lower-case hex.
    pub sha256: String,
}

impl Readings {
    pub fn new(places: usize) -> Self {
        Self(Arc::new(Semaphore::new(places)))
    }

    /// A place to read in; 503 when none gets free in time.
    pub async fn place(&self) -> ApiResult<Reading> {
        let busy = |_| ApiError::busy(StatusCode::SERVICE_UNAVAILABLE, "too_many_readings", COME_AGAIN);
        let place = timeout(PLACE_DEADLINE, self.0.clone().acquire_owned()).await.map_err(busy)?;
        Ok(Reading(place.expect("the semaphore is never closed")))
    }
}

impl Reading {
    /// Read to the end, within this time. Whoever gives up waiting leaves the place when that is over.
    pub async fn read(self, content: ByteStream, within: Duration) -> io::Result<WasRead> {
        let serving = Handle::current();
        let reading = spawn_blocking(move || {
            let was_read = serving.block_on(timeout(within, hashed(content)));
            drop(self.0);
            was_read.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        });
        reading.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

async fn hashed(mut content: ByteStream) -> io::Result<WasRead> {
    let (mut hash, mut size_bytes) = (Sha256::new(), 0);
    while let Some(piece) = content.try_next().await? {
        size_bytes += piece.len() as u64;
        hash.update(&piece);
    }
    Ok(WasRead { size_bytes, sha256: hex(&hash.finalize()) })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::{StreamExt, stream};

    use super::*;

    /// Hundreds that ended at once were all read at once, on the threads that serve requests.
    #[tokio::test(start_paused = true)]
    async fn few_are_read_at_once_and_none_on_the_thread_that_serves() {
        let readings = Readings::new(1);
        let place = readings.place().await.unwrap();
        let refused = readings.place().await.err().expect("there is no other place");
        assert_eq!((refused.status, refused.code), (StatusCode::SERVICE_UNAVAILABLE, "too_many_readings"));
        assert_eq!(refused.retry_after_seconds, Some(COME_AGAIN));
        let here = std::thread::current().id();
        let content = stream::once(async move {
            assert_ne!(std::thread::current().id(), here, "nobody else is served on this thread meanwhile");
            Ok(Bytes::from_static(b"abc"))
        });
        let was_read = place.read(content.boxed(), PLACE_DEADLINE).await.unwrap();
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned();
        assert_eq!(was_read, WasRead { size_bytes: 3, sha256 });
        readings.place().await.expect("the place is free again");
    }

    #[tokio::test]
    async fn what_takes_too_long_is_given_up() {
        let readings = Readings::new(1);
        let place = readings.place().await.unwrap();
        let late = place.read(stream::pending().boxed(), Duration::from_millis(50)).await;
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
        readings.place().await.expect("the place is free again");
    }
}
