//! Content out of a bucket: all of what was asked for, or an error.

use std::ops::Range;

use aws_sdk_s3::primitives::ByteStream as SdkStream;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};

use super::fault::{fault, is_absent};
use super::{HASH, S3};
use crate::auth::secret_token;
use crate::objects::{ByteStream, Key, ObjectError};

pub(super) async fn get(from: &S3, key: &Key, range: Range<u64>) -> Result<Option<ByteStream>, ObjectError> {
    let Some(last) = range.end.checked_sub(1).filter(|last| *last >= range.start) else {
        // No range of HTTP is empty.
        return Ok(from.find(key).await?.map(|_| stream::empty().boxed()));
    };
    let request = from.clients.short.get_object().bucket(&from.bucket).key(key.as_str());
    let found = match request.range(format!("bytes={}-{last}", range.start)).send().await {
        Ok(found) => found,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) if error.raw_response().is_some_and(|answer| answer.status().as_u16() == 416) => {
            return Err(ObjectError::Changed);
        }
        Err(error) => return Err(fault("read an object")(error)),
    };
    let length = range.end - range.start;
    if found.content_length.and_then(|found| u64::try_from(found).ok()) != Some(length) {
        return Err(ObjectError::Changed);
    }
    let is_whole = range.start == 0 && found.content_range.as_deref().and_then(total) == Some(length);
    let sha256 = found.metadata.and_then(|mut all| all.remove(HASH)).filter(|_| is_whole);
    Ok(Some(checked(found.body, Check { key: key.clone(), left: length, hash: Sha256::new(), sha256 })))
}

/// The size of the whole object, from `bytes 0-9/100`.
fn total(content_range: &str) -> Option<u64> {
    content_range.rsplit_once('/')?.1.parse().ok()
}

/// What a content must turn out to be.
struct Check {
    key: Key,
    left: u64,
    hash: Sha256,
    /// Lower-case hex; of a whole object that was stored with it.
    sha256: Option<String>,
}

impl Check {
    /// Whether the content may be given out with this piece in it.
    fn take(&mut self, piece: &Bytes) -> std::io::Result<()> {
        self.left = self.left.checked_sub(piece.len() as u64).ok_or(std::io::ErrorKind::InvalidData)?;
        let Some(wanted) = &self.sha256 else { return Ok(()) };
        self.hash.update(piece);
        // The last piece is held back until the whole is known to be right: a reader who got all would not look further.
        if self.left == 0 && secret_token::hex(&self.hash.clone().finalize()) != *wanted {
            let key = self.key.as_str();
            tracing::error!(
                key,
                "an object is damaged or was changed: it is not what was stored, by its SHA-256"
            );
            return Err(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                "the object's SHA-256 is another one",
            ));
        }
        Ok(())
    }
}

fn checked(body: SdkStream, check: Check) -> ByteStream {
    stream::unfold(Some((body, check)), |state| async move {
        let (mut body, mut check) = state?;
        let piece = match body.next().await {
            Some(Ok(piece)) => check.take(&piece).map(|()| piece),
            Some(Err(error)) => Err(std::io::Error::other(error)),
            None if check.left == 0 => return None,
            None => Err(std::io::ErrorKind::UnexpectedEof.into()),
        };
        let rest = piece.is_ok().then_some((body, check));
        Some((piece, rest))
    })
    .boxed()
}
