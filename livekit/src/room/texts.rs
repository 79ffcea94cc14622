//! Text streams: a header, chunks, a trailer (LiveKit data streams, version 1).

use std::collections::BTreeMap;

use crate::event::Text;
use crate::wire::data::{Content, StreamChunk, StreamHeader, StreamTrailer, TextHeader, Value};

/// Bytes of a chunk: packets stay below what every network stack takes whole (16 KiB).
const CHUNK: usize = 15_000;
/// Streams that may be open at once, of all and of one sender, and bytes of one.
const STREAMS: usize = 64;
const OF_ONE: usize = 8;
const BYTES: usize = 256 * 1024;

/// What a text is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextHead {
    /// `lk.transcription` for what was said, `lk.chat` for what was written.
    pub topic: String,
    pub attributes: BTreeMap<String, String>,
    /// Identities of those who get it; empty: everybody.
    pub to: Vec<String>,
}

/// The packets of a text that is whole already.
pub(crate) fn whole(id: &str, head: &TextHead, text: &str, now_ms: i64) -> Vec<Value> {
    let mut values = vec![header(id, head, Some(text.len() as u64), now_ms)];
    values.extend(chunks(id, 0, text));
    values.push(trailer(id));
    values
}

pub(crate) fn header(id: &str, head: &TextHead, total_length: Option<u64>, now_ms: i64) -> Value {
    Value::StreamHeader(StreamHeader {
        stream_id: id.to_owned(),
        timestamp: now_ms,
        topic: head.topic.clone(),
        mime_type: "text/plain".to_owned(),
        total_length,
        attributes: head.attributes.clone(),
        content: Some(Content::Text(TextHeader { operation_type: 0 })),
    })
}

/// The chunks of a piece of text, cut between letters; the first has this index.
pub(crate) fn chunks(id: &str, first: u64, text: &str) -> Vec<Value> {
    let mut values = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = rest.len().min(CHUNK);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (piece, behind) = rest.split_at(end);
        values.push(Value::StreamChunk(StreamChunk {
            stream_id: id.to_owned(),
            chunk_index: first + values.len() as u64,
            content: piece.as_bytes().to_vec(),
        }));
        rest = behind;
    }
    values
}

pub(crate) fn trailer(id: &str) -> Value {
    Value::StreamTrailer(StreamTrailer { stream_id: id.to_owned(), ..StreamTrailer::default() })
}

#[derive(Debug)]
struct Open {
    head: StreamHeader,
    next: u64,
    bytes: Vec<u8>,
}

/// Puts the streams of others together again.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    open: BTreeMap<(String, String), Open>,
}

impl Texts {
    /// A stream begins; `false` if it is none of text.
    pub(crate) fn header(&mut self, identity: &str, head: StreamHeader) -> bool {
        if !matches!(head.content, Some(Content::Text(_)) | None) {
            return false;
        }
        let key = (identity.to_owned(), head.stream_id.clone());
        let from = (identity.to_owned(), String::new());
        let of_it = self.open.range(from..).take_while(|((who, _), _)| who == identity).count();
        // Somebody opens and never ends them: what others write is not thrown away for it.
        if !self.open.contains_key(&key) && (of_it >= OF_ONE || self.open.len() >= STREAMS) {
            return true;
        }
        self.open.insert(key, Open { head, next: 0, bytes: Vec::new() });
        true
    }

    pub(crate) fn chunk(&mut self, identity: &str, chunk: StreamChunk) {
        let key = (identity.to_owned(), chunk.stream_id);
        let Some(open) = self.open.get_mut(&key) else { return };
        // The channel is ordered: another index means that some are missing, or that somebody plays.
        if chunk.chunk_index != open.next || open.bytes.len() + chunk.content.len() > BYTES {
            self.open.remove(&key);
            return;
        }
        open.next += 1;
        open.bytes.extend_from_slice(&chunk.content);
    }

    /// The text, if its stream was complete.
    pub(crate) fn trailer(&mut self, identity: &str, trailer: StreamTrailer) -> Option<Text> {
        let open = self.open.remove(&(identity.to_owned(), trailer.stream_id))?;
        if !trailer.reason.is_empty() {
            return None;
        }
        let mut attributes = open.head.attributes;
        attributes.extend(trailer.attributes);
        Some(Text {
            identity: identity.to_owned(),
            topic: open.head.topic,
            stream_id: open.head.stream_id,
            attributes,
            text: String::from_utf8(open.bytes).ok()?,
        })
    }

    /// Somebody went: what it had begun will not end.
    pub(crate) fn forget(&mut self, identity: &str) {
        self.open.retain(|(who, _), _| who != identity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &mut Texts, values: Vec<Value>) -> Option<Text> {
        let mut text = None;
        for value in values {
            match value {
                Value::StreamHeader(head) => assert!(texts.header("a", head)),
                Value::StreamChunk(chunk) => texts.chunk("a", chunk),
                Value::StreamTrailer(trailer) => text = texts.trailer("a", trailer),
                _ => unreachable!(),
            }
        }
        text
    }

    #[test]
    fn a_text_comes_back_whole_whatever_its_length() {
        let head = TextHead {
            topic: "lk.chat".to_owned(),
            attributes: BTreeMap::from([("k".to_owned(), "v".to_owned())]),
            to: Vec::new(),
        };
        for text in ["", "Grüße", &"ä€".repeat(9001)] {
            let values = whole("s", &head, text, 5);
            let read = read(&mut Texts::default(), values).unwrap();
            assert_eq!((read.text.as_str(), read.topic.as_str()), (text, "lk.chat"));
            assert_eq!(read.attributes["k"], "v");
        }
    }

    #[test]
    fn broken_streams_and_floods_give_nothing() {
        let head = TextHead::default();
        let mut texts = Texts::default();
        let mut values = whole("s", &head, &"x".repeat(40_000), 0);
        values.remove(2);
        assert_eq!(read(&mut texts, values), None);
        assert_eq!(read(&mut texts, chunks("unknown", 0, "x")), None);
        assert_eq!(read(&mut texts, whole("s", &head, &"x".repeat(BYTES + 1), 0)), None);
        for n in 0..1000 {
            texts.header("a", StreamHeader { stream_id: n.to_string(), ..StreamHeader::default() });
        }
        assert_eq!(texts.open.len(), OF_ONE);
        texts.forget("a");
        assert!(texts.open.is_empty());
    }

    #[test]
    fn bytes_are_no_text() {
        let mut texts = Texts::default();
        let content = Some(Content::Bytes(crate::wire::data::BytesHeader { name: "a.pdf".to_owned() }));
        let file = StreamHeader { stream_id: "s".to_owned(), content, ..StreamHeader::default() };
        assert!(!texts.header("a", file));
        assert_eq!(read(&mut texts, chunks("s", 0, "x")), None);
        assert_eq!(read(&mut texts, vec![trailer("s")]), None);
    }

    /// Whatever their names are: a flood of one does not reach the text of another.
    #[test]
    fn a_flood_of_streams_is_its_senders_own_matter() {
        let mut texts = Texts::default();
        let mut values = whole("s", &TextHead::default(), "kept", 0);
        let rest = values.split_off(1);
        assert_eq!(read(&mut texts, values), None);
        for sender in ["Z", "b", "z"] {
            for n in 0..100 {
                texts.header(sender, StreamHeader { stream_id: n.to_string(), ..StreamHeader::default() });
            }
        }
        assert_eq!(read(&mut texts, rest).map(|text| text.text).as_deref(), Some("kept"));
    }
}
