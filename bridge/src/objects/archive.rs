//! Recordings at rest: each is sealed for its tenant on its way into an object store, and opened on its way out. What is announced
//! of one, its size and its hash, is of the clear bytes. Recordings from before they were sealed are read as they are. Decision
//! 0043.

mod opening;
mod sealing;

use std::ops::Range;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::TryStreamExt;
use prometheus_client::metrics::counter::Counter;
use vox_shared::ids::TenantId;
use vox_shared::sealing::KEY_BYTES;

use super::{ByteStream, Expected, Head, Key, ObjectError, Objects, Written};
pub use crate::config::Sealing;
use crate::store::engine::EngineError;
use crate::vault::Vault;
use crate::vault::file::{self, FileKey, HEAD_BYTES, PIECE_BYTES, Piece, TAG_BYTES};

/// A sealed piece.
const SEALED_BYTES: u64 = (PIECE_BYTES + TAG_BYTES) as u64;
const HEAD: u64 = HEAD_BYTES as u64;
const TAG: u64 = TAG_BYTES as u64;
/// Looks at a recording that is replaced by another one between two reads of it.
const MAX_LOOKS: usize = 3;

/// Recordings in an object store. Cheap to clone.
#[derive(Clone)]
pub struct Archive {
    pub objects: Arc<dyn Objects>,
    pub vault: Arc<Vault>,
    pub sealing: Sealing,
    /// Recordings that did not open.
    pub unopened: Counter,
}

/// A recording that is there.
pub struct Found {
    pub key: Key,
    /// Of the clear bytes.
    pub size_bytes: u64,
    pub etag: String,
    how: How,
}

enum How {
    Clear,
    Sealed(Arc<FileKey>),
}

/// How a sealed file is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    /// Of all of it.
    sealed_bytes: u64,
    pieces: u64,
}

impl Archive {
    /// Store or replace a recording of this tenant; without one it belongs to the deployment.
    pub async fn put(
        &self,
        tenant: Option<&TenantId>,
        key: Key,
        content: ByteStream,
        expected: Expected,
    ) -> Result<Written, ObjectError> {
        match self.sealing {
            Sealing::Off => {
                let written = self.objects.put(key, content, expected).await?;
                self.stored_in_clear().await?;
                Ok(written)
            }
            Sealing::On => sealing::put(self, scope(tenant), key, content, expected).await,
        }
    }

    /// Note that a recording is there in clear: a bridge that seals may have looked through all of them meanwhile.
    pub async fn stored_in_clear(&self) -> Result<(), ObjectError> {
        self.vault.note_in_clear().await.map_err(keys)
    }

    /// A recording of this tenant.
    pub async fn find(&self, tenant: Option<&TenantId>, key: Key) -> Result<Option<Found>, ObjectError> {
        for _ in 0..MAX_LOOKS {
            let Some(stored) = self.objects.head(key.clone()).await? else { return Ok(None) };
            let etag = stored.etag.clone();
            match self.look_at(tenant, &key, stored).await {
                // A worker uploaded it once more: what was read belongs to two of them.
                Err(ObjectError::Unopened | ObjectError::Changed) if self.is_another(&key, &etag).await? => {}
                Err(ObjectError::Unopened) => return Err(self.unopened(&key)),
                found => return found,
            }
        }
        Err(ObjectError::Changed)
    }

    async fn look_at(
        &self,
        tenant: Option<&TenantId>,
        key: &Key,
        Head { size_bytes, etag }: Head,
    ) -> Result<Option<Found>, ObjectError> {
        let Some(head) = self.read(key, 0..size_bytes.min(HEAD)).await? else { return Ok(None) };
        if !head.starts_with(file::MAGIC) {
            return Ok(Some(Found { key: key.clone(), size_bytes, etag, how: How::Clear }));
        }
        // Less than a head is what is left of one.
        let head = file::Head::try_from(head).map_err(|_| ObjectError::Unopened)?;
        let layout = Layout::of(size_bytes).ok_or(ObjectError::Unopened)?;
        let known = self.vault.file_key(scope(tenant), key.as_str(), &head).await.map_err(keys)?;
        let file_key = known.ok_or(ObjectError::Unopened)?;
        // The last piece says that it is the last: what is announced of the size is true.
        let last = layout.pieces - 1;
        let Some(mut content) = self.read(key, layout.piece(last)).await? else { return Ok(None) };
        let piece = Piece { number: u32::try_from(last).unwrap_or(u32::MAX), is_last: true };
        file_key.open(piece, &mut content).map_err(|_| ObjectError::Unopened)?;
        let (key, size_bytes) = (key.clone(), layout.clear_bytes());
        Ok(Some(Found { key, size_bytes, etag, how: How::Sealed(Arc::new(file_key)) }))
    }

    /// Whether what is there now is not what had this tag.
    async fn is_another(&self, key: &Key, etag: &str) -> Result<bool, ObjectError> {
        Ok(self.objects.head(key.clone()).await?.is_none_or(|now| now.etag != etag))
    }

    /// The bytes of a range that lies within the recording; `None` when it is gone since it was found.
    pub async fn get(&self, found: &Found, range: Range<u64>) -> Result<Option<ByteStream>, ObjectError> {
        match &found.how {
            How::Clear => self.objects.get(found.key.clone(), range).await,
            How::Sealed(key) => opening::get(self, found, key.clone(), range).await,
        }
    }

    /// The head of a recording that is sealed elsewhere.
    pub async fn new_head(&self, tenant: Option<&TenantId>) -> Result<file::Head, ObjectError> {
        self.vault.new_head(scope(tenant)).await.map_err(keys)
    }

    /// The key of the recording with this head (base64), and of no other, for who seals it elsewhere.
    pub async fn key_to_hand_out(
        &self,
        tenant: Option<&TenantId>,
        key: Key,
        head: &str,
    ) -> Result<[u8; KEY_BYTES], ObjectError> {
        let head = STANDARD.decode(head).ok().and_then(|head| file::Head::try_from(head).ok());
        let Some(head) = head else { return Err(ObjectError::Unopened) };
        let known = self.vault.key_to_hand_out(scope(tenant), key.as_str(), &head).await.map_err(keys)?;
        known.ok_or(ObjectError::Unopened)
    }

    /// Seal a recording that is not. Whether it was clear.
    pub async fn seal(&self, tenant: &TenantId, key: Key, max_bytes: u64) -> Result<bool, ObjectError> {
        let Some(found) = self.find(Some(tenant), key.clone()).await? else { return Ok(false) };
        if found.is_sealed() || self.sealing == Sealing::Off {
            return Ok(false);
        }
        let Some(content) = self.get(&found, 0..found.size_bytes).await? else { return Ok(false) };
        let expected = Expected { max_bytes: max_bytes.max(found.size_bytes), sha256: None };
        let written = self.put(Some(tenant), key, content, expected).await?;
        if written.size_bytes == found.size_bytes { Ok(true) } else { Err(ObjectError::Changed) }
    }

    /// A few bytes, all of them.
    async fn read(&self, key: &Key, range: Range<u64>) -> Result<Option<Vec<u8>>, ObjectError> {
        let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let Some(mut content) = self.objects.get(key.clone(), range).await? else { return Ok(None) };
        let mut all = Vec::with_capacity(wanted);
        let cut = |source| ObjectError::Unavailable { doing: "read an object", source };
        while let Some(piece) = content.try_next().await.map_err(cut)? {
            all.extend_from_slice(&piece);
        }
        if all.len() == wanted { Ok(Some(all)) } else { Err(ObjectError::Changed) }
    }

    fn unopened(&self, key: &Key) -> ObjectError {
        self.unopened.inc();
        let key = key.as_str();
        tracing::error!(
            key,
            "a recording does not open: it was changed, cut or moved, or is another tenant's"
        );
        ObjectError::Unopened
    }
}

impl Found {
    pub fn is_sealed(&self) -> bool {
        matches!(self.how, How::Sealed(_))
    }
}

impl Layout {
    /// `None` when no sealed file has this size.
    fn of(sealed_bytes: u64) -> Option<Self> {
        let content = sealed_bytes.checked_sub(HEAD)?;
        let (whole, rest) = (content / SEALED_BYTES, content % SEALED_BYTES);
        let pieces = whole + u64::from(rest > 0);
        let is_one = rest == 0 || rest > TAG || (rest == TAG && whole == 0);
        (is_one && pieces > 0).then_some(Self { sealed_bytes, pieces })
    }

    fn clear_bytes(self) -> u64 {
        self.sealed_bytes - HEAD - self.pieces * TAG
    }

    /// The bytes of a sealed piece.
    fn piece(self, number: u64) -> Range<u64> {
        let start = HEAD + number * SEALED_BYTES;
        start..(start + SEALED_BYTES).min(self.sealed_bytes)
    }
}

/// What the keys of a recording belong to.
fn scope(tenant: Option<&TenantId>) -> &str {
    tenant.map_or("", TenantId::as_str)
}

fn keys(error: EngineError) -> ObjectError {
    ObjectError::Keys(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_has_its_layout_and_other_sizes_none() {
        let piece = PIECE_BYTES as u64;
        for clear in [0, 1, piece - 1, piece, piece + 1, 2 * piece, 5 * piece + 7] {
            let pieces = clear.div_ceil(piece).max(1);
            let layout = Layout::of(HEAD + clear + pieces * TAG).unwrap();
            assert_eq!((layout.pieces, layout.clear_bytes()), (pieces, clear));
            assert_eq!(layout.piece(pieces - 1).end, layout.sealed_bytes);
        }
        for other in [0, HEAD, HEAD + 15, HEAD + SEALED_BYTES + 16, HEAD + SEALED_BYTES + 3] {
            assert_eq!(Layout::of(other), None, "{other}");
        }
    }
}
