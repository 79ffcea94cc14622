//! What two telephones agree on (RFC 8866, RFC 3264): one stream of sound, in one codec, and keys beside it.

mod negotiate;

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

pub use negotiate::{Agreed, NoAgreement, Offer, accept};

use crate::codec::Codec;

/// Most bytes of a description that are read.
const MOST: usize = 16 * 1024;
/// Most lines.
const MOST_LINES: usize = 500;

/// A description, as far as it is about sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Whose, and which version of it: a description that is sent again with the same says nothing new.
    pub origin: Origin,
    /// The first stream of sound that is not refused.
    pub audio: Option<Audio>,
    /// All media lines in their order, sound and others: an answer has as many (RFC 3264, 6).
    pub media: Vec<MediaLine>,
}

/// `o=`: numbers of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    pub session: u64,
    pub version: u64,
}

/// `m=`, as much as is needed to refuse it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaLine {
    pub kind: String,
    pub protocol: String,
    pub formats: String,
}

/// A stream of sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audio {
    /// Which of the media lines it is.
    pub line: usize,
    /// Where it is to be sent.
    pub address: SocketAddr,
    /// Payload types, the dearest first.
    pub formats: Vec<Format>,
    pub direction: Direction,
    /// Length of a packet, milliseconds.
    pub ptime_ms: Option<u32>,
}

/// A payload type and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    pub payload_type: u8,
    /// As in `rtpmap`, upper case: `PCMU`, `TELEPHONE-EVENT`.
    pub name: String,
    pub clock_hz: u32,
}

/// Who sends, seen from the one that describes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    #[default]
    Both,
    SendOnly,
    ReceiveOnly,
    Inactive,
}

/// Why a text is no description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    #[error("the description is longer than {MOST} bytes or {MOST_LINES} lines")]
    TooLong,
    #[error("the description is not UTF-8")]
    NotText,
    #[error("the description does not begin with v=0")]
    Version,
    #[error("a line of the description is none: it has no letter and equals sign")]
    Line,
    #[error("a media line of the description cannot be read")]
    Media,
    #[error("the description's address is none: numbers are needed, names are not looked up")]
    Address,
}

impl Direction {
    const fn name(self) -> &'static str {
        match self {
            Self::Both => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::ReceiveOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    fn of(name: &str) -> Option<Self> {
        [Self::Both, Self::SendOnly, Self::ReceiveOnly, Self::Inactive].into_iter().find(|d| d.name() == name)
    }

    /// The same, seen from the other side.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        match self {
            Self::SendOnly => Self::ReceiveOnly,
            Self::ReceiveOnly => Self::SendOnly,
            other => other,
        }
    }

    /// Whether who describes it so sends.
    pub const fn sends(self) -> bool {
        matches!(self, Self::Both | Self::SendOnly)
    }

    /// Whether who describes it so wants to be sent to.
    pub const fn receives(self) -> bool {
        matches!(self, Self::Both | Self::ReceiveOnly)
    }
}

impl Description {
    /// Read one. Lines that are not about a stream of sound are passed over.
    pub fn parse(bytes: &[u8]) -> Result<Self, SdpError> {
        if bytes.len() > MOST {
            return Err(SdpError::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| SdpError::NotText)?;
        let mut reader = Reader::default();
        for (number, line) in text.lines().filter(|line| !line.trim().is_empty()).enumerate() {
            let (letter, value) = line.split_once('=').filter(|(l, _)| l.len() == 1).ok_or(SdpError::Line)?;
            match number {
                0 if (letter, value.trim()) != ("v", "0") => return Err(SdpError::Version),
                MOST_LINES.. => return Err(SdpError::TooLong),
                _ => reader.line(letter, value.trim())?,
            }
        }
        reader.finish()
    }
}

/// The media line that is being read.
struct Open {
    port: u16,
    address: Option<IpAddr>,
    formats: Vec<Format>,
    direction: Option<Direction>,
    ptime_ms: Option<u32>,
    is_audio: bool,
}

#[derive(Default)]
struct Reader {
    origin: Option<Origin>,
    address: Option<IpAddr>,
    direction: Direction,
    media: Vec<MediaLine>,
    open: Option<Open>,
    audio: Option<Audio>,
}

impl Reader {
    fn line(&mut self, letter: &str, value: &str) -> Result<(), SdpError> {
        match letter {
            "o" => {
                let mut words = value.split(' ').skip(1).map(|word| word.parse().unwrap_or(0));
                let (session, version) = (words.next().unwrap_or(0), words.next().unwrap_or(0));
                self.origin = Some(Origin { session, version });
            }
            "c" => {
                let address = connection(value)?;
                match &mut self.open {
                    Some(open) => open.address = Some(address),
                    None => self.address = Some(address),
                }
            }
            "m" => {
                self.close()?;
                self.open = Some(self.media(value)?);
            }
            "a" => self.attribute(value),
            _ => {}
        }
        Ok(())
    }

    fn media(&mut self, value: &str) -> Result<Open, SdpError> {
        let mut words = value.splitn(4, ' ');
        let mut next = || words.next().filter(|word| !word.is_empty()).ok_or(SdpError::Media);
        let (kind, port, protocol, formats) = (next()?, next()?, next()?, next()?);
        // `port/count` is for layered video.
        let port = port.split('/').next().and_then(|port| port.parse().ok()).ok_or(SdpError::Media)?;
        // AVPF has the same packets; SAVP is encrypted, and is refused where it is the only one.
        let is_audio = kind == "audio" && matches!(protocol, "RTP/AVP" | "RTP/AVPF");
        self.media.push(MediaLine {
            kind: kind.to_owned(),
            protocol: protocol.to_owned(),
            formats: formats.to_owned(),
        });
        let types = formats.split(' ').filter_map(|format| format.parse::<u8>().ok()).filter(|pt| *pt < 128);
        let formats = if is_audio { types.take(64).map(Format::of_static).collect() } else { Vec::new() };
        Ok(Open { port, address: None, formats, direction: None, ptime_ms: None, is_audio })
    }

    fn attribute(&mut self, value: &str) {
        let (name, argument) = value.split_once(':').unwrap_or((value, ""));
        if let Some(direction) = Direction::of(name) {
            match &mut self.open {
                Some(open) => open.direction = Some(direction),
                None => self.direction = direction,
            }
        }
        let Some(open) = &mut self.open else { return };
        match name {
            "ptime" => open.ptime_ms = argument.trim().parse().ok().filter(|ms| (1..=200).contains(ms)),
            "rtpmap" => {
                let Some((payload_type, coding)) = argument.split_once(' ') else { return };
                let mut coding = coding.trim().split('/');
                let (name, clock) = (coding.next().unwrap_or_default(), coding.next().unwrap_or_default());
                let (Ok(payload_type), Ok(clock_hz)) = (payload_type.parse::<u8>(), clock.parse()) else {
                    return;
                };
                for format in open.formats.iter_mut().filter(|format| format.payload_type == payload_type) {
                    format.name = name.to_ascii_uppercase();
                    format.clock_hz = clock_hz;
                }
            }
            _ => {}
        }
    }

    /// The media line is over.
    fn close(&mut self) -> Result<(), SdpError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        if !open.is_audio || open.port == 0 || self.audio.is_some() {
            return Ok(());
        }
        let ip = open.address.or(self.address).ok_or(SdpError::Address)?;
        let mut direction = open.direction.unwrap_or(self.direction);
        // The old way to hold (RFC 3264, 8.4).
        if ip.is_unspecified() && direction.receives() {
            direction = if direction.sends() { Direction::SendOnly } else { Direction::Inactive };
        }
        self.audio = Some(Audio {
            line: self.media.len() - 1,
            address: SocketAddr::new(ip, open.port),
            formats: open.formats,
            direction,
            ptime_ms: open.ptime_ms,
        });
        Ok(())
    }

    fn finish(mut self) -> Result<Description, SdpError> {
        self.close()?;
        Ok(Description { origin: self.origin.unwrap_or_default(), audio: self.audio, media: self.media })
    }
}

fn connection(value: &str) -> Result<IpAddr, SdpError> {
    let address = value.rsplit(' ').next().unwrap_or_default();
    address.split('/').next().unwrap_or_default().parse().map_err(|_| SdpError::Address)
}

impl Format {
    /// What a payload type means without being told (RFC 3551, 6).
    fn of_static(payload_type: u8) -> Self {
        let (name, clock_hz) = match payload_type {
            0 => ("PCMU", 8000),
            8 => ("PCMA", 8000),
            9 => ("G722", 8000),
            13 => ("CN", 8000),
            18 => ("G729", 8000),
            _ => ("", 0),
        };
        Self { payload_type, name: name.to_owned(), clock_hz }
    }

    /// The codec, if we have it.
    pub fn codec(&self) -> Option<Codec> {
        Codec::ALL.into_iter().find(|codec| codec.name() == self.name && codec.clock_hz() == self.clock_hz)
    }

    /// Whether it carries keys.
    pub fn is_events(&self) -> bool {
        self.name == "TELEPHONE-EVENT" && self.clock_hz == 8000
    }
}

/// One stream, written.
pub(crate) struct Written<'a> {
    pub origin: &'a Origin,
    pub address: SocketAddr,
    pub codecs: &'a [(Codec, u8)],
    pub events: Option<u8>,
    pub direction: Direction,
    /// Media lines of an offer that is answered, and which of them is the sound: the others are refused.
    pub lines: Option<(&'a [MediaLine], usize)>,
}

impl Written<'_> {
    pub(crate) fn to_text(&self) -> String {
        let ip = self.address.ip();
        let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
        let Origin { session, version } = self.origin;
        let mut text = format!(
            "v=0\r\no=- {session} {version} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n"
        );
        match self.lines {
            None => self.audio(&mut text, "RTP/AVP"),
            Some((lines, audio)) => {
                for (at, line) in lines.iter().enumerate() {
                    if at == audio {
                        self.audio(&mut text, &line.protocol);
                    } else {
                        let _infallible =
                            write!(text, "m={} 0 {} {}\r\n", line.kind, line.protocol, line.formats);
                    }
                }
            }
        }
        text
    }

    fn audio(&self, text: &mut String, protocol: &str) {
        let _infallible = write!(text, "m=audio {} {protocol}", self.address.port());
        for payload_type in self.codecs.iter().map(|(_, pt)| *pt).chain(self.events) {
            let _infallible = write!(text, " {payload_type}");
        }
        text.push_str("\r\n");
        for (codec, payload_type) in self.codecs {
            let _infallible =
                write!(text, "a=rtpmap:{payload_type} {}/{}\r\n", codec.name(), codec.clock_hz());
        }
        if let Some(payload_type) = self.events {
            let _infallible = write!(
                text,
                "a=rtpmap:{payload_type} telephone-event/8000\r\na=fmtp:{payload_type} 0-16\r\n"
            );
        }
        let _infallible = write!(text, "a=ptime:20\r\na={}\r\n", self.direction.name());
    }
}

#[cfg(test)]
mod tests;
