//! Objects in a bucket of an S3 server: Amazon's, MinIO, SeaweedFS and others that speak its protocol. An object is verified on
//! its way in by size and SHA-256, and on its way out when it is read as a whole.

mod carrier;
mod client;
mod direct;
mod download;
mod fault;
mod parts;
mod sweep;
mod transport;
mod upload;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::presigning::PresigningConfig;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use self::client::Clients;
use self::fault::{fault, is_absent};
use super::direct::Direct;
use super::directory::Lock;
use super::{Answer, ByteStream, Expected, Head, Key, ObjectError, Objects, Written};
use crate::config::S3Settings;

/// The metadata that holds the SHA-256 of the content, where it was known before the object was stored.
const HASH: &str = "vox-sha256";
/// Uploads at the same time. Each holds a part of 5 MiB, and not more than twice that.
const UPLOADS: usize = 48;
/// How long another waits for a place.
const PLACE_DEADLINE: Duration = Duration::from_secs(3);
/// For those who ask whether all is well, and give up sooner than others.
const CHECK_DEADLINE: Duration = Duration::from_secs(1);

/// Objects in one bucket.
pub struct S3 {
    clients: Clients,
    bucket: String,
    /// How long addresses are good that workers put parts to; `None` when they get none.
    direct: Option<Duration>,
    places: Arc<Semaphore>,
    _sweeping: AbortOnDropHandle<()>,
    /// The data directory still belongs to one bridge.
    _lock: Lock,
}

impl S3 {
    /// Make the client and look at the bucket. A server that does not answer now is waited for: calls need a bridge more than
    /// recordings do.
    ///
    /// # Errors
    ///
    /// When the server refuses the credentials, or there is no such bucket.
    pub async fn open(settings: &S3Settings, lock: Lock) -> Result<Self, ObjectError> {
        let clients = Clients::new(settings).map_err(|error| ObjectError::Failed {
            doing: "make its client",
            source: std::io::Error::other(error),
        })?;
        let places = Arc::new(Semaphore::new(UPLOADS));
        let bucket = settings.bucket.clone();
        let sweeping = sweep::sweep_now_and_then(clients.short.clone(), bucket.clone());
        let sweeping = AbortOnDropHandle::new(tokio::spawn(sweeping));
        let direct = settings.direct;
        let store = Self { clients, bucket, direct, places, _sweeping: sweeping, _lock: lock };
        match store.look().await {
            Err(error @ ObjectError::Unavailable { .. }) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "S3 does not answer; recordings wait on their hosts until it does");
            }
            looked => looked?,
        }
        Ok(store)
    }

    /// Give up uploads that nobody goes on with, when they are older than this; how many. Done by itself every hour, for those of
    /// a day.
    ///
    /// # Errors
    ///
    /// When the server does not answer, or does not let them be listed or given up.
    pub async fn give_up_unfinished(&self, age: Duration) -> Result<usize, ObjectError> {
        sweep::give_up_unfinished(&self.clients.short, &self.bucket, age).await
    }

    /// Ask for a page of one name: unlike HEAD its refusal has a reason.
    async fn look(&self) -> Result<(), ObjectError> {
        let request = self.clients.short.list_objects_v2().bucket(&self.bucket).max_keys(1);
        request.send().await.map_err(fault("look at the bucket")).map(drop)
    }

    async fn find(&self, key: &Key) -> Result<Option<HeadObjectOutput>, ObjectError> {
        let request = self.clients.short.head_object().bucket(&self.bucket).key(key.as_str());
        match request.send().await {
            Ok(found) => Ok(Some(found)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(fault("look at an object")(error)),
        }
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, ObjectError> {
        let busy = |_| ObjectError::Unavailable {
            doing: "take an object",
            source: std::io::Error::other("too many uploads at once"),
        };
        let place = timeout(PLACE_DEADLINE, self.places.clone().acquire_owned()).await.map_err(busy)?;
        Ok(place.expect("the semaphore is never closed"))
    }
}

impl Objects for S3 {
    fn name(&self) -> &'static str {
        "s3"
    }

    fn put(&self, key: Key, content: ByteStream, expected: Expected) -> Answer<'_, Written> {
        Box::pin(async move { upload::put(self, &key, content, expected).await })
    }

    fn head(&self, key: Key) -> Answer<'_, Option<Head>> {
        Box::pin(async move {
            let Some(found) = self.find(&key).await? else { return Ok(None) };
            let size_bytes =
                found.content_length.and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
            Ok(Some(Head { size_bytes, etag: found.e_tag.unwrap_or_default() }))
        })
    }

    fn get(&self, key: Key, range: Range<u64>) -> Answer<'_, Option<ByteStream>> {
        Box::pin(async move { download::get(self, &key, range).await })
    }

    fn delete(&self, key: Key) -> Answer<'_, bool> {
        Box::pin(async move {
            // S3 does not tell whether there was one.
            if self.find(&key).await?.is_none() {
                return Ok(false);
            }
            let request = self.clients.short.delete_object().bucket(&self.bucket).key(key.as_str());
            request.send().await.map_err(fault("delete an object"))?;
            Ok(true)
        })
    }

    fn give_up_uploads(&self, key: Key) -> Answer<'_, usize> {
        Box::pin(async move { sweep::give_up_of(&self.clients.short, &self.bucket, &key).await })
    }

    fn check(&self) -> Answer<'_, ()> {
        let late = |_| ObjectError::Unavailable {
            doing: "look at the bucket",
            source: std::io::ErrorKind::TimedOut.into(),
        };
        Box::pin(async move { timeout(CHECK_DEADLINE, self.look()).await.map_err(late)? })
    }

    fn direct(&self) -> Option<&dyn Direct> {
        self.direct.map(|_| self as &dyn Direct)
    }

    fn link(&self, key: Key, lifetime: Duration) -> Answer<'_, Option<String>> {
        Box::pin(async move {
            let Some(client) = &self.clients.links else { return Ok(None) };
            let lifetime = PresigningConfig::expires_in(lifetime).map_err(|error| ObjectError::Failed {
                doing: "sign a link",
                source: std::io::Error::other(error),
            })?;
            let request = client.get_object().bucket(&self.bucket).key(key.as_str());
            let signed = request.presigned(lifetime).await.map_err(fault("sign a link"))?;
            Ok(Some(signed.uri().to_owned()))
        })
    }
}
