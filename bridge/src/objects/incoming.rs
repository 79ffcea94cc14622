//! Content on its way into a store: counted, hashed, and refused beyond its limit.

use bytes::Bytes;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use super::{ByteStream, Expected, ObjectError, Written};
use crate::auth::secret_token;

/// What arrives, and what is known of it so far.
pub(super) struct Incoming {
    content: ByteStream,
    expected: Expected,
    hash: Sha256,
    size: u64,
}

impl Incoming {
    pub fn new(content: ByteStream, expected: Expected) -> Self {
        Self { content, expected, hash: Sha256::new(), size: 0 }
    }

    /// The next piece, of any size; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ObjectError> {
        let Some(piece) = self.content.next().await else { return Ok(None) };
        let piece = piece.map_err(ObjectError::CutOff)?;
        self.size += piece.len() as u64;
        if self.size > self.expected.max_bytes {
            return Err(ObjectError::TooLarge(self.expected.max_bytes));
        }
        self.hash.update(&piece);
        Ok(Some(piece))
    }

    /// What has arrived, when it is what was announced.
    pub fn finish(&self) -> Result<Written, ObjectError> {
        let sha256 = secret_token::hex(&self.hash.clone().finalize());
        if self.expected.sha256.as_ref().is_some_and(|wanted| !wanted.eq_ignore_ascii_case(&sha256)) {
            return Err(ObjectError::WrongHash);
        }
        Ok(Written { size_bytes: self.size, sha256 })
    }
}
