//! An event as it is written.

use actix_web::web::Bytes;

/// One event, encoded once for all who follow. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event(Bytes);

impl Event {
    /// An event that a client may resume behind: it sends `id` back as `Last-Event-ID`. `id` and `name` are ours and hold no line
    /// end; `data` may.
    pub fn numbered(id: &str, name: &str, data: &str) -> Self {
        Self::written(format!("id: {}\n", line(id)), name, data)
    }

    /// An event that is no place to resume at.
    pub fn new(name: &str, data: &str) -> Self {
        Self::written(String::new(), name, data)
    }

    fn written(mut text: String, name: &str, data: &str) -> Self {
        text.push_str("event: ");
        text.push_str(&line(name));
        text.push('\n');
        // A line end of any kind ends a field: each line of the data is a field of its own, and the client puts them together.
        for part in data.split('\n').flat_map(|part| part.strip_suffix('\r').unwrap_or(part).split('\r')) {
            text.push_str("data: ");
            text.push_str(part);
            text.push('\n');
        }
        text.push('\n');
        Self(Bytes::from(text))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its size on the wire, bytes.
    pub fn size(&self) -> usize {
        self.0.len()
    }
}

/// Without what would end the line, or make the client ignore an id (NUL).
fn line(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(event: &Event) -> &str {
        std::str::from_utf8(event.as_bytes()).unwrap()
    }

    #[test]
    fn an_event_has_its_fields_and_an_empty_line_behind_them() {
        let event = Event::numbered("7", "transcript.turn", r#"{"text":"नमस्ते"}"#);
        assert_eq!(text(&event), "id: 7\nevent: transcript.turn\ndata: {\"text\":\"नमस्ते\"}\n\n");
        assert_eq!(text(&Event::new("gap", "{}")), "event: gap\ndata: {}\n\n");
    }

    #[test]
    fn no_line_end_in_it_makes_another_field() {
        let event = Event::numbered("1\nevent: x", "a\r\n\0b", "one\ntwo\r\nthree\rfour\n");
        let expected = "id: 1event: x\nevent: ab\ndata: one\ndata: two\ndata: three\ndata: four\ndata: \n\n";
        assert_eq!(text(&event), expected);
    }
}
