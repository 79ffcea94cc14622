//! Content into a bucket: at once when it is small, in parts otherwise. It appears as a whole, when its hash is known to be right.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream as SdkStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::fault::fault;
use super::parts::{Part, Parts};
use super::{HASH, S3};
use crate::auth::secret_token;
use crate::objects::incoming::Incoming;
use crate::objects::{ByteStream, Expected, Key, ObjectError, Written};

/// Smallest part that S3 takes, except the last.
const PART_BYTES: u64 = 5 * 1024 * 1024;
/// Most parts of an object.
const MAX_PARTS: u64 = 10_000;
/// What marks an object as this upload's own.
pub(super) const UPLOAD: &str = "vox-upload";
/// Pauses before another try to give up the parts of a failed upload.
const ABORT_PAUSES_S: [u64; 6] = [0, 1, 5, 30, 120, 600];

pub(super) async fn put(
    to: &S3,
    key: &Key,
    content: ByteStream,
    expected: Expected,
) -> Result<Written, ObjectError> {
    let _place = to.place().await?;
    let size = usize::try_from(PART_BYTES.max(expected.max_bytes.div_ceil(MAX_PARTS))).unwrap_or(usize::MAX);
    let announced = expected.sha256.clone();
    let mut parts = Parts::new(Incoming::new(content, expected), size);
    let first = parts.next().await?;
    if first.is_last {
        let written = parts.finish()?;
        at_once(to, key, first.content, &written).await?;
        return Ok(written);
    }
    let mut upload = Upload::begin(to, key, announced.as_deref()).await?;
    let mut part = first;
    loop {
        let Part { content, is_last } = part;
        if !content.is_empty() {
            upload.send(content).await?;
        }
        if is_last {
            break;
        }
        part = parts.next().await?;
    }
    let written = parts.finish()?;
    upload.complete(written.size_bytes).await?;
    Ok(written)
}

async fn at_once(to: &S3, key: &Key, content: Bytes, written: &Written) -> Result<(), ObjectError> {
    let request = to.clients.long.put_object().bucket(&to.bucket).key(key.as_str());
    let request = request.metadata(HASH, &written.sha256).checksum_sha256(checksum(&content));
    let sent = request.body(SdkStream::from(content)).send().await;
    sent.map_err(fault("store an object")).map(drop)
}

/// The SHA-256 that the server compares with what it received. SeaweedFS looks at no other.
fn checksum(content: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(content))
}

/// An upload in parts. Unless it is completed, its parts are given up.
struct Upload<'a> {
    to: &'a S3,
    key: &'a Key,
    id: String,
    /// Told from every other object of the key.
    mark: String,
    sent: Vec<CompletedPart>,
    is_open: bool,
}

impl<'a> Upload<'a> {
    async fn begin(to: &'a S3, key: &'a Key, sha256: Option<&str>) -> Result<Self, ObjectError> {
        let mark = secret_token::generate();
        let request = to.clients.short.create_multipart_upload().bucket(&to.bucket).key(key.as_str());
        let request = request.checksum_algorithm(ChecksumAlgorithm::Sha256).metadata(UPLOAD, &mark);
        let request = match sha256 {
            // It is compared before the parts become an object.
            Some(sha256) => request.metadata(HASH, sha256.to_ascii_lowercase()),
            None => request,
        };
        let begun = request.send().await.map_err(fault("begin an upload"))?;
        let id = begun.upload_id.ok_or_else(|| unusable("begin an upload", "it names no upload"))?;
        Ok(Self { to, key, id, mark, sent: Vec::new(), is_open: true })
    }

    async fn send(&mut self, content: Bytes) -> Result<(), ObjectError> {
        let number = i32::try_from(self.sent.len() + 1).unwrap_or(i32::MAX);
        let sum = checksum(&content);
        let request = self.to.clients.long.upload_part().bucket(&self.to.bucket).key(self.key.as_str());
        let request = request.upload_id(&self.id).part_number(number).checksum_sha256(&sum);
        let taken = request.body(SdkStream::from(content)).send().await.map_err(fault("store a part"))?;
        let part = CompletedPart::builder().part_number(number).set_e_tag(taken.e_tag);
        // A server that did not look at the sum would not know it at the end.
        let part = part.set_checksum_sha256(taken.checksum_sha256);
        self.sent.push(part.build());
        Ok(())
    }

    async fn complete(mut self, size_bytes: u64) -> Result<(), ObjectError> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(self.sent.clone())).build();
        let request = self.to.clients.long.complete_multipart_upload().bucket(&self.to.bucket);
        let request = request.key(self.key.as_str()).upload_id(&self.id).multipart_upload(parts);
        let completed = request.send().await.map_err(fault("put the parts together"));
        // The answer may be lost and the object be there all the same; and it may be there, and not be what was sent.
        match (self.stored().await, completed.map(drop)) {
            (Ok(Some(size)), _) if size == size_bytes => {
                self.is_open = false;
                Ok(())
            }
            (_, Err(error)) | (Err(error), _) => Err(error),
            (Ok(_), Ok(())) => Err(unusable("put the parts together", "the object is not what was sent")),
        }
    }

    /// The size of this upload's own object.
    async fn stored(&self) -> Result<Option<u64>, ObjectError> {
        let Some(found) = self.to.find(self.key).await? else { return Ok(None) };
        let is_own = found.metadata().and_then(|all| all.get(UPLOAD)) == Some(&self.mark);
        Ok(found.content_length().and_then(|size| u64::try_from(size).ok()).filter(|_| is_own))
    }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        let abort =
            abort(self.to.clients.short.clone(), self.to.bucket.clone(), self.key.clone(), self.id.clone());
        // Whoever waits for the upload does not wait for this too. Without a runtime the process is ending.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(abort);
        }
    }
}

async fn abort(client: Client, bucket: String, key: Key, id: String) {
    for pause in ABORT_PAUSES_S {
        tokio::time::sleep(Duration::from_secs(pause)).await;
        let request = client.abort_multipart_upload().bucket(&bucket).key(key.as_str()).upload_id(&id);
        match request.send().await {
            Ok(_) => return,
            Err(error) if super::fault::is_absent(&error) => return,
            Err(_) => {}
        }
    }
    tracing::warn!(
        key = key.as_str(),
        "the parts of a failed upload stay in the bucket until a rule removes them"
    );
}

fn unusable(doing: &'static str, why: &'static str) -> ObjectError {
    ObjectError::Unavailable { doing, source: std::io::Error::other(why) }
}
