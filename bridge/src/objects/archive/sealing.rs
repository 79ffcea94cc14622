//! A recording on its way in.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::{Archive, HEAD, PIECE_BYTES, SEALED_BYTES, keys};
use crate::objects::incoming::Incoming;
use crate::objects::{ByteStream, Expected, Key, ObjectError, Written};
use crate::vault::file::{FileKey, Head, Piece};

/// What became of the clear bytes, once the sealed ones have ended.
type Outcome = Arc<Mutex<Option<Result<Written, ObjectError>>>>;

pub(super) async fn put(
    to: &Archive,
    scope: &str,
    key: Key,
    content: ByteStream,
    expected: Expected,
) -> Result<Written, ObjectError> {
    let (head, file_key) = to.vault.new_file(scope, key.as_str()).await.map_err(keys)?;
    let outcome = Outcome::default();
    let pieces = expected.max_bytes / PIECE_BYTES as u64 + 1;
    // What is announced is looked at here, where the bytes are still clear.
    let sealed =
        Expected { max_bytes: pieces.saturating_mul(SEALED_BYTES).saturating_add(HEAD), sha256: None };
    let incoming = Incoming::new(content, expected);
    let stored = to.objects.put(key, stream(incoming, (head, file_key), outcome.clone()), sealed).await;
    let clear = outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (stored, clear) {
        // The store was told only that the content broke off.
        (_, Some(Err(error))) => Err(error),
        (Err(error), _) => Err(error),
        (Ok(_), Some(Ok(written))) => Ok(written),
        (Ok(_), None) => {
            let source = std::io::Error::other("it took an object whose end it had not read");
            Err(ObjectError::Unavailable { doing: "store an object", source })
        }
    }
}

/// Seals what comes, a piece behind: only when more follows is it known that a piece is not the last.
struct Sealer {
    incoming: Incoming,
    key: FileKey,
    number: u32,
    waiting: Vec<u8>,
    outcome: Outcome,
}

fn stream(incoming: Incoming, (head, key): (Head, FileKey), outcome: Outcome) -> ByteStream {
    let sealer = Sealer { incoming, key, number: 0, waiting: Vec::with_capacity(2 * PIECE_BYTES), outcome };
    let pieces = stream::unfold(Some(sealer), |sealer| async move {
        let mut sealer = sealer?;
        let next = sealer.next().await;
        match next {
            Ok((piece, true)) => Some((Ok(piece), None)),
            Ok((piece, false)) => Some((Ok(piece), Some(sealer))),
            Err(error) => {
                sealer.conclude(Err(error));
                // What was wrong is told beside the stream.
                Some((Err(std::io::Error::other("the content is not what was announced")), None))
            }
        }
    });
    stream::once(async move { Ok(Bytes::copy_from_slice(&head)) }).chain(pieces).boxed()
}

impl Sealer {
    /// The next sealed piece, and whether it is the last.
    async fn next(&mut self) -> Result<(Bytes, bool), ObjectError> {
        while self.waiting.len() <= PIECE_BYTES {
            match self.incoming.next().await? {
                Some(more) => self.waiting.extend_from_slice(&more),
                None => {
                    self.conclude(Ok(self.incoming.finish()?));
                    return Ok((self.seal(self.waiting.len(), true), true));
                }
            }
        }
        Ok((self.seal(PIECE_BYTES, false), false))
    }

    fn seal(&mut self, length: usize, is_last: bool) -> Bytes {
        let rest = self.waiting.split_off(length);
        let mut content = std::mem::replace(&mut self.waiting, rest);
        self.key.seal(Piece { number: self.number, is_last }, &mut content);
        self.number += 1;
        content.into()
    }

    fn conclude(&self, outcome: Result<Written, ObjectError>) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }
}
