//! SIP messages as they are on the wire (RFC 3261, 7): text in, values out, and back. Whatever is said about a header holds for its compact
//! form too; names are compared without regard to case.

mod headers;
mod parse;
mod uri;
mod via;

pub use headers::Headers;
pub(crate) use headers::{is_token, split_list};
pub(crate) use parse::MOST_HEAD;
pub use parse::{Framing, ParseError, frame, parse};
pub use uri::{NameAddr, Scheme, Uri, UriError};
pub(crate) use via::{Via, note_source};

/// A request or an answer to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Request(Request),
    Response(Response),
}

/// Something that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    /// The address that is asked, as it was written.
    pub uri: String,
    pub headers: Headers,
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 100 to 699.
    pub status: u16,
    /// The words behind the number; may be nothing.
    pub reason: String,
    pub headers: Headers,
    pub body: Vec<u8>,
}

/// What is asked for. Methods are compared exactly (RFC 3261, 7.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Options,
    Refer,
    Notify,
    Info,
    Update,
    Other(String),
}

impl Method {
    /// As on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Options => "OPTIONS",
            Self::Refer => "REFER",
            Self::Notify => "NOTIFY",
            Self::Info => "INFO",
            Self::Update => "UPDATE",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for Method {
    fn from(name: &str) -> Self {
        match name {
            "INVITE" => Self::Invite,
            "ACK" => Self::Ack,
            "BYE" => Self::Bye,
            "CANCEL" => Self::Cancel,
            "OPTIONS" => Self::Options,
            "REFER" => Self::Refer,
            "NOTIFY" => Self::Notify,
            "INFO" => Self::Info,
            "UPDATE" => Self::Update,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl Request {
    /// One without headers or body.
    pub fn new(method: Method, uri: impl Into<String>) -> Self {
        Self { method, uri: uri.into(), headers: Headers::default(), body: Vec::new() }
    }

    /// Its bytes. `Content-Length` is written here and nowhere else.
    pub fn to_bytes(&self) -> Vec<u8> {
        let start = format!("{} {} SIP/2.0", self.method.as_str(), self.uri);
        write(&start, &self.headers, &self.body)
    }
}

impl Response {
    /// One without headers or body.
    pub fn new(status: u16, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), headers: Headers::default(), body: Vec::new() }
    }

    /// An answer to a request, with what every answer repeats of it (RFC 3261, 8.2.6.2). The tag is put to `To` if there is none yet.
    pub fn to(request: &Request, status: u16, reason: &str, tag: &str) -> Self {
        let mut response = Self::new(status, reason);
        for name in ["Via", "From", "To", "Call-ID", "CSeq", "Record-Route", "Timestamp"] {
            if name == "Timestamp" && status != 100
                || name == "Record-Route" && (status == 100 || status >= 300)
            {
                continue;
            }
            for value in request.headers.all(name) {
                if name == "To" && status != 100 && !value.contains(";tag=") && !tag.is_empty() {
                    response.headers.push(name, format!("{value};tag={tag}"));
                } else {
                    response.headers.push(name, value);
                }
            }
        }
        response
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let start = format!("SIP/2.0 {} {}", self.status, self.reason);
        write(&start, &self.headers, &self.body)
    }
}

fn write(start: &str, headers: &Headers, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512 + body.len());
    bytes.extend_from_slice(start.as_bytes());
    bytes.extend_from_slice(b"\r\n");
    for (name, value) in headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("Content-Length")) {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        // A line break in a value would begin a header of its own: none comes out of here.
        bytes.extend(value.bytes().map(|byte| if byte == b'\r' || byte == b'\n' { b' ' } else { byte }));
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// `CSeq`: a number and the method that it counts.
pub(crate) fn cseq(headers: &Headers) -> Option<(u32, Method)> {
    let (number, method) = headers.get("CSeq")?.trim().split_once([' ', '\t'])?;
    // Below 2^31 (RFC 3261, 8.1.1.5).
    let number = number.parse().ok().filter(|number| *number < 1 << 31)?;
    Some((number, Method::from(method.trim())))
}

/// The usual words of a status (RFC 3261, 21); empty for one that is not known.
pub fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        415 => "Unsupported Media Type",
        420 => "Bad Extension",
        422 => "Session Interval Too Small",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        483 => "Too Many Hops",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        603 => "Decline",
        _ => "",
    }
}
