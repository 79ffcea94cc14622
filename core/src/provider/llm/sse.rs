//! Server-sent events, read piece by piece as the network cuts them.

/// Longest line, bytes. A vendor's largest chunk (a whole tool call) is far below.
pub const LINE_MAX: usize = 1 << 20;
/// Most bytes of the data lines of one event together.
pub const EVENT_MAX: usize = 2 << 20;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SseEvent {
    /// The `event:` field; empty for the usual unnamed event.
    pub name: String,
    /// The `data:` lines, joined with line feeds.
    pub data: String,
}

/// The stream is larger than anything a vendor would send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    #[error("a line of the event stream is over 1 MiB")]
    LineTooLong,
    #[error("an event is over 2 MiB")]
    EventTooLong,
}

/// An incremental reader: feed bytes in any portions, get whole events. Lines may end with LF, CR LF or CR; characters may be
/// split between portions; comments and unknown fields are skipped.
#[derive(Debug, Default)]
pub struct SseParser {
    line: Vec<u8>,
    event: SseEvent,
    has_data: bool,
    after_cr: bool,
    begun: bool,
    comments: u64,
}

impl SseParser {
    /// Read on; whole events are added to `events`.
    ///
    /// # Errors
    /// When a limit is exceeded; the parser is of no use afterwards.
    pub fn push(&mut self, mut bytes: &[u8], events: &mut Vec<SseEvent>) -> Result<(), SseError> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = &bytes[..end.unwrap_or(bytes.len())];
            if self.line.len() + part.len() > LINE_MAX {
                return Err(SseError::LineTooLong);
            }
            self.line.extend_from_slice(part);
            let Some(end) = end else { break };
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            self.end_line(events)?;
        }
        Ok(())
    }

    /// Comments so far: servers send them to keep a connection alive.
    pub fn comments(&self) -> u64 {
        self.comments
    }

    /// The stream is over: what was begun counts, because some servers leave out the last blank line.
    ///
    /// # Errors
    /// When a limit is exceeded.
    pub fn finish(mut self, events: &mut Vec<SseEvent>) -> Result<(), SseError> {
        if !self.line.is_empty() {
            self.end_line(events)?;
        }
        self.dispatch(events);
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<SseEvent>) -> Result<(), SseError> {
        let line = std::mem::take(&mut self.line);
        let bytes = if self.begun { &line[..] } else { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) };
        self.begun = true;
        let text = String::from_utf8_lossy(bytes);
        let (field, value) = text.split_once(':').unwrap_or((&text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" if text.is_empty() => self.dispatch(events),
            "data" => self.take_data(value)?,
            "event" => value.clone_into(&mut self.event.name),
            // llama.cpp breaks off with a field of this name instead of an event.
            "error" => {
                "error".clone_into(&mut self.event.name);
                self.take_data(value)?;
            }
            "" => self.comments += 1,
            // Ids, retry times and what nobody defined.
            _ => {}
        }
        // The buffer is kept for the next line, unless one long line made it large.
        if line.capacity() <= 64 * 1024 {
            self.line = line;
            self.line.clear();
        }
        Ok(())
    }

    fn take_data(&mut self, value: &str) -> Result<(), SseError> {
        if self.event.data.len() + value.len() > EVENT_MAX {
            return Err(SseError::EventTooLong);
        }
        if self.has_data {
            self.event.data.push('\n');
        }
        self.event.data.push_str(value);
        self.has_data = true;
        Ok(())
    }

    fn dispatch(&mut self, events: &mut Vec<SseEvent>) {
        let event = std::mem::take(&mut self.event);
        if std::mem::take(&mut self.has_data) {
            events.push(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(pieces: &[&[u8]]) -> Vec<String> {
        let mut parser = SseParser::default();
        let mut events = Vec::new();
        for piece in pieces {
            parser.push(piece, &mut events).unwrap();
        }
        parser.finish(&mut events).unwrap();
        events.into_iter().map(|event| event.data).collect()
    }

    #[test]
    fn events_are_read() {
        let check =
            |text: &str, expected: &[&str]| assert_eq!(parse(&[text.as_bytes()]), expected, "{text:?}");
        check("data: a\n\ndata: b\n\n", &["a", "b"]);
        check("data: a\r\n\r\ndata:b\r\n\r\n", &["a", "b"]);
        check("data: a\r\rdata: b\r\r", &["a", "b"]);
        check("data: a\ndata: b\n\n", &["a\nb"]);
        check(": keep-alive\n\n: OPENROUTER PROCESSING\n\ndata: a\n\n", &["a"]);
        check("\u{feff}data: a\n\n", &["a"]);
        check("id: 7\nretry: 10\ndata\n\n", &[""]);
        check("data:  two spaces\n\n", &[" two spaces"]);
        check("data: no blank line at the end", &["no blank line at the end"]);
        check("event: x\n\n", &[]);
    }

    #[test]
    fn an_event_has_its_name() {
        let mut events = Vec::new();
        SseParser::default().push(b"event: error\ndata: {}\n\ndata: 2\n\n", &mut events).unwrap();
        assert_eq!(events[0], SseEvent { name: "error".into(), data: "{}".into() });
        assert_eq!(events[1].name, "");
        events.clear();
        SseParser::default().push(b"error: {\"code\":500}\n\n", &mut events).unwrap();
        assert_eq!(events[0], SseEvent { name: "error".into(), data: "{\"code\":500}".into() });
    }

    #[test]
    fn endless_lines_and_events_are_refused() {
        let mut events = Vec::new();
        let long = vec![b'x'; LINE_MAX + 1];
        assert_eq!(SseParser::default().push(&long, &mut events), Err(SseError::LineTooLong));
        let mut parser = SseParser::default();
        let line = [b"data:".as_slice(), &vec![b'x'; LINE_MAX - 10], b"\n"].concat();
        let results: Vec<_> = (0..3).map(|_| parser.push(&line, &mut events)).collect();
        assert_eq!(results[2], Err(SseError::EventTooLong));
    }

    proptest! {
        #[test]
        fn where_the_network_cuts_does_not_matter(cuts in prop::collection::vec(0usize..60, 0..8)) {
            let text = "data: h\u{e9}llo \u{1f600}\r\n\r\n: c\ndata: {\"a\":1}\n\nevent: e\rdata: x\r\r".as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            let mut from = 0;
            let mut pieces = Vec::new();
            for cut in cuts {
                pieces.push(&text[from..cut]);
                from = cut;
            }
            pieces.push(&text[from..]);
            prop_assert_eq!(parse(&pieces), parse(&[text]));
        }

        #[test]
        fn no_bytes_make_it_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..8)) {
            let mut parser = SseParser::default();
            let mut events = Vec::new();
            for piece in &pieces {
                parser.push(piece, &mut events).unwrap();
            }
            parser.finish(&mut events).unwrap();
        }
    }
}
