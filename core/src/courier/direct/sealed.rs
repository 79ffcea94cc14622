//! The parts of a recording as the bucket gets them: sealed with the file's key, or as they are.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::task::spawn_blocking;
use vox_shared::sealing::{FileKey, HEAD_BYTES, KEY_BYTES, PIECE_BYTES, Piece, TAG_BYTES};
use vox_shared::wire::upload::{Plan, Seal};

use crate::bridge::{DeliveryError, unreadable};

/// A recording that is cut into parts. Sealing a part again gives the same bytes: what is announced is the content's hash, and of
/// another content the bridge gives another key.
pub(super) struct Source(Arc<Parts>);

struct Parts {
    file: File,
    plan: Plan,
    seal: Option<(Vec<u8>, FileKey)>,
}

impl Source {
    pub fn open(path: &Path, plan: Plan, seal: Option<&Seal>) -> Result<Self, DeliveryError> {
        let seal = match seal {
            Some(seal) => {
                let unusable = || DeliveryError::Retry("the bridge gives a key that is none".into());
                Some(read(seal).ok_or_else(unusable)?)
            }
            None => None,
        };
        let file = File::open(path).map_err(|error| unreadable(&error))?;
        Ok(Self(Arc::new(Parts { file, plan, seal })))
    }

    /// A part as it is put into the bucket, some 8 MiB.
    pub async fn part(&self, number: u32) -> io::Result<Vec<u8>> {
        let parts = self.0.clone();
        spawn_blocking(move || parts.part(number)).await.map_err(io::Error::other)?
    }
}

fn read(seal: &Seal) -> Option<(Vec<u8>, FileKey)> {
    let head = STANDARD.decode(&seal.head).ok().filter(|head| head.len() == HEAD_BYTES)?;
    let key: [u8; KEY_BYTES] = STANDARD.decode(seal.key.expose()).ok()?.try_into().ok()?;
    Some((head, FileKey::new(&key)))
}

impl Parts {
    fn part(&self, number: u32) -> io::Result<Vec<u8>> {
        let size = usize::try_from(self.plan.bytes_of(number)).unwrap_or_default();
        let mut part = Vec::with_capacity(size);
        if let Some((head, _)) = self.seal.as_ref().filter(|_| number == 1) {
            part.extend_from_slice(head);
        }
        for number in self.plan.pieces_of(number) {
            part.extend_from_slice(&self.piece(number)?);
        }
        Ok(part)
    }

    fn piece(&self, number: u64) -> io::Result<Vec<u8>> {
        let place = self.plan.piece(number);
        let mut piece = Vec::with_capacity(PIECE_BYTES + TAG_BYTES);
        piece.resize(usize::try_from(place.end - place.start).unwrap_or_default(), 0);
        self.file.read_exact_at(&mut piece, place.start)?;
        if let Some((_, key)) = &self.seal {
            let is_last = number + 1 == self.plan.pieces();
            key.seal(Piece { number: u32::try_from(number).unwrap_or(u32::MAX), is_last }, &mut piece);
        }
        Ok(piece)
    }
}
