//! Reading messages. Nothing is guessed: what is not as it must be is refused with a reason, and limits come before memory.

use super::headers::{is_token, long_name};
use super::{Headers, Message, Method, Request, Response};

/// Most bytes before the body.
pub(crate) const MOST_HEAD: usize = 16 * 1024;
/// Most bytes of a body.
const MOST_BODY: usize = 64 * 1024;
/// Most headers.
const MOST_HEADERS: usize = 128;

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error("there is no empty line behind the headers")]
    NoEnd,
    #[error("the headers are longer than {MOST_HEAD} bytes")]
    HeadTooLong,
    #[error("there are more than {MOST_HEADERS} headers")]
    TooManyHeaders,
    #[error("the body is longer than {MOST_BODY} bytes")]
    BodyTooLong,
    #[error("the headers are not UTF-8, or hold control characters")]
    NotText,
    #[error("the first line is neither that of a request nor that of an answer")]
    StartLine,
    #[error("the version is another than SIP/2.0")]
    Version,
    #[error("a line of the headers has no name")]
    HeaderLine,
    #[error("Content-Length is no number, or there are two of them that differ")]
    ContentLength,
    #[error("the body is shorter than Content-Length says")]
    BodyTooShort,
}

/// What is at the beginning of a stream's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Not all of a message yet.
    Incomplete,
    /// Its head, and not all of its body: so many bytes are wanted together.
    Partial(usize),
    /// So many bytes of line breaks between messages, which keep a connection open (RFC 5626, 3.5.1).
    Blank(usize),
    /// A message of so many bytes.
    Whole(usize),
}

/// Where the first message of a stream ends (RFC 3261, 18.3). After an error the stream cannot be read on.
pub fn frame(bytes: &[u8]) -> Result<Framing, ParseError> {
    let blank = bytes.iter().take_while(|byte| **byte == b'\r' || **byte == b'\n').count();
    if blank > 0 {
        return Ok(Framing::Blank(blank));
    }
    let Some(head) = find_end(&bytes[..bytes.len().min(MOST_HEAD)]) else {
        return if bytes.len() >= MOST_HEAD { Err(ParseError::HeadTooLong) } else { Ok(Framing::Incomplete) };
    };
    let (start, headers) = read_head(&bytes[..head])?;
    let length = content_length(&headers)?.unwrap_or(0);
    // A stream that speaks something else is not waited for.
    read_start(start, headers, Vec::new())?;
    let whole = head + 4 + length;
    Ok(if bytes.len() < whole { Framing::Partial(whole) } else { Framing::Whole(whole) })
}

/// Read a message from a datagram, or from what [`frame`] cut off. Bytes behind the body are ignored (RFC 3261, 18.3).
pub fn parse(bytes: &[u8]) -> Result<Message, ParseError> {
    let bytes = {
        let blank = bytes.iter().take_while(|byte| **byte == b'\r' || **byte == b'\n').count();
        &bytes[blank..]
    };
    let head = find_end(&bytes[..bytes.len().min(MOST_HEAD)]).ok_or(if bytes.len() >= MOST_HEAD {
        ParseError::HeadTooLong
    } else {
        ParseError::NoEnd
    })?;
    let (start, headers) = read_head(&bytes[..head])?;
    let rest = &bytes[head + 4..];
    let length = content_length(&headers)?.unwrap_or(rest.len());
    if length > MOST_BODY {
        return Err(ParseError::BodyTooLong);
    }
    let body = rest.get(..length).ok_or(ParseError::BodyTooShort)?.to_vec();
    read_start(start, headers, body)
}

fn find_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n")
}

/// The first line and the headers.
fn read_head(bytes: &[u8]) -> Result<(&str, Headers), ParseError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ParseError::NotText)?;
    if text.bytes().any(|byte| byte < b' ' && !b"\r\n\t".contains(&byte)) {
        return Err(ParseError::NotText);
    }
    let mut lines = text.split("\r\n");
    let start = lines.next().unwrap_or_default();
    let mut headers = Headers::default();
    let mut open: Option<(String, String)> = None;
    for line in lines {
        if line.contains(['\r', '\n']) {
            return Err(ParseError::NotText);
        }
        if line.starts_with([' ', '\t']) {
            let (_, value) = open.as_mut().ok_or(ParseError::HeaderLine)?;
            value.push(' ');
            value.push_str(line.trim());
            continue;
        }
        let (name, value) = line.split_once(':').ok_or(ParseError::HeaderLine)?;
        let name = name.trim_end();
        if !is_token(name) {
            return Err(ParseError::HeaderLine);
        }
        if let Some((name, value)) = open.replace((long_name(name).to_owned(), value.trim().to_owned())) {
            headers.push(name, value);
        }
        if headers.len() >= MOST_HEADERS {
            return Err(ParseError::TooManyHeaders);
        }
    }
    if let Some((name, value)) = open {
        headers.push(name, value);
    }
    Ok((start, headers))
}

fn content_length(headers: &Headers) -> Result<Option<usize>, ParseError> {
    let mut length = None;
    for value in headers.all("Content-Length") {
        // Digits alone: a sign would be read too.
        if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ParseError::ContentLength);
        }
        let value = value.parse::<usize>().map_err(|_| ParseError::ContentLength)?;
        if value > MOST_BODY {
            return Err(ParseError::BodyTooLong);
        }
        if length.replace(value).is_some_and(|before| before != value) {
            return Err(ParseError::ContentLength);
        }
    }
    Ok(length)
}

fn read_start(start: &str, headers: Headers, body: Vec<u8>) -> Result<Message, ParseError> {
    if let Some(answer) = start.strip_prefix("SIP/2.0 ") {
        let (status, reason) = answer.split_once(' ').unwrap_or((answer, ""));
        let status = Some(status)
            .filter(|digits| digits.len() == 3)
            .and_then(|digits| digits.parse::<u16>().ok())
            .filter(|status| (100..700).contains(status))
            .ok_or(ParseError::StartLine)?;
        return Ok(Message::Response(Response { status, reason: reason.to_owned(), headers, body }));
    }
    let mut words = start.split(' ');
    let (Some(method), Some(uri), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(ParseError::StartLine);
    };
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return Err(if version.starts_with("SIP/") { ParseError::Version } else { ParseError::StartLine });
    }
    if !is_token(method) || uri.is_empty() {
        return Err(ParseError::StartLine);
    }
    Ok(Message::Request(Request { method: Method::from(method), uri: uri.to_owned(), headers, body }))
}

#[cfg(test)]
mod tests;
