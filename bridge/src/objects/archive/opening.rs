//! A recording on its way out.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Archive, Found, HEAD, Layout, PIECE_BYTES, TAG};
use crate::objects::{ByteStream, ObjectError};
use crate::vault::file::{FileKey, Piece};

pub(super) async fn get(
    from: &Archive,
    found: &Found,
    key: Arc<FileKey>,
    range: Range<u64>,
) -> Result<Option<ByteStream>, ObjectError> {
    let size = PIECE_BYTES as u64;
    let pieces = found.size_bytes.div_ceil(size).max(1);
    let layout = Layout { sealed_bytes: HEAD + found.size_bytes + pieces * TAG, pieces };
    if range.is_empty() {
        return Ok(Some(stream::empty().boxed()));
    }
    let (first, last) = (range.start / size, (range.end - 1) / size);
    let sealed = layout.piece(first).start..layout.piece(last).end;
    let Some(content) = from.objects.get(found.key.clone(), sealed).await? else { return Ok(None) };
    let opener = Opener {
        from: from.clone(),
        content,
        key,
        layout,
        range,
        number: first,
        last,
        waiting: Vec::new(),
        name: found.key.clone(),
        etag: found.etag.clone(),
    };
    let opened = stream::try_unfold(opener, |mut opener| async move {
        Ok(opener.next().await?.map(|piece| (piece, opener)))
    });
    Ok(Some(opened.boxed()))
}

/// Opens the pieces of a range one by one. What does not open ends the answer before its end.
struct Opener {
    from: Archive,
    content: ByteStream,
    key: Arc<FileKey>,
    layout: Layout,
    range: Range<u64>,
    number: u64,
    last: u64,
    waiting: Vec<u8>,
    name: crate::objects::Key,
    etag: String,
}

impl Opener {
    async fn next(&mut self) -> std::io::Result<Option<Bytes>> {
        if self.number > self.last {
            return Ok(None);
        }
        let place = self.layout.piece(self.number);
        let length = usize::try_from(place.end - place.start).unwrap_or(usize::MAX);
        while self.waiting.len() < length {
            match self.content.try_next().await? {
                Some(more) => self.waiting.extend_from_slice(&more),
                None => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let rest = self.waiting.split_off(length);
        let mut piece = std::mem::replace(&mut self.waiting, rest);
        let is_last = self.number + 1 == self.layout.pieces;
        let number = u32::try_from(self.number).unwrap_or(u32::MAX);
        if self.key.open(Piece { number, is_last }, &mut piece).is_err() {
            let error = match self.from.is_another(&self.name, &self.etag).await {
                // It was uploaded once more since it was found.
                Ok(true) => ObjectError::Changed,
                _ => self.from.unopened(&self.name),
            };
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, error));
        }
        let start = self.number * PIECE_BYTES as u64;
        let end = start + piece.len() as u64;
        let from = usize::try_from(self.range.start.saturating_sub(start)).unwrap_or(usize::MAX);
        let until = piece.len() - usize::try_from(end.saturating_sub(self.range.end)).unwrap_or(usize::MAX);
        self.number += 1;
        Ok(Some(Bytes::from(piece).slice(from..until)))
    }
}
