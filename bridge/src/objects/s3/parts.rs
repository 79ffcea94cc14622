//! Content in parts, as a multipart upload wants it.

use bytes::{Bytes, BytesMut};

use crate::objects::incoming::Incoming;
use crate::objects::{ObjectError, Written};

/// What arrives, in parts of one size.
pub(super) struct Parts {
    incoming: Incoming,
    size: usize,
    waiting: BytesMut,
}

/// One part. All but the last have the full size; the last may be empty.
pub(super) struct Part {
    pub content: Bytes,
    pub is_last: bool,
}

impl Parts {
    pub fn new(incoming: Incoming, size: usize) -> Self {
        Self { incoming, size, waiting: BytesMut::new() }
    }

    pub async fn next(&mut self) -> Result<Part, ObjectError> {
        while self.waiting.len() < self.size {
            match self.incoming.next().await? {
                Some(piece) => self.waiting.extend_from_slice(&piece),
                None => return Ok(Part { content: self.waiting.split().freeze(), is_last: true }),
            }
        }
        Ok(Part { content: self.waiting.split_to(self.size).freeze(), is_last: false })
    }

    /// See [`Incoming::finish`].
    pub fn finish(&self) -> Result<Written, ObjectError> {
        self.incoming.finish()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;
    use crate::objects::Expected;

    async fn parts(pieces: &[&'static [u8]], size: usize) -> Vec<(Vec<u8>, bool)> {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece))).collect();
        let expected = Expected { max_bytes: 100, sha256: None };
        let mut parts = Parts::new(Incoming::new(stream::iter(pieces).boxed(), expected), size);
        let mut all = Vec::new();
        loop {
            let part = parts.next().await.unwrap();
            let is_last = part.is_last;
            all.push((part.content.to_vec(), is_last));
            if is_last {
                return all;
            }
        }
    }

    #[tokio::test]
    async fn parts_have_one_size_whatever_the_pieces_are() {
        let part = |text: &str, is_last| (text.as_bytes().to_vec(), is_last);
        assert_eq!(parts(&[], 3).await, [part("", true)]);
        assert_eq!(parts(&[b"ab"], 3).await, [part("ab", true)]);
        assert_eq!(parts(&[b"ab", b"c"], 3).await, [part("abc", false), part("", true)]);
        let long = [part("abc", false), part("def", false), part("g", true)];
        assert_eq!(parts(&[b"abcdefg"], 3).await, long);
        assert_eq!(parts(&[b"a", b"bcde", b"fg"], 3).await, long);
    }
}
