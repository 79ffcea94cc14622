//! Who calls whom, over which protocol, and how patient the carrier is.

use std::{fmt, str::FromStr, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;
use url::Url;

use crate::ear::Hearing;

/// The media protocol of the call, with the line's rate where the protocol leaves a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Ours: binary frames at 16 kHz.
    Talk,
    /// iCallMate's dialler: JSON at 8 kHz.
    Ws,
    /// Exotel's Voicebot: JSON at 8, 16 or 24 kHz.
    Exotel { rate_hz: u32 },
    /// Twilio's Media Streams: JSON, µ-law at 8 kHz.
    Twilio,
    /// Plivo's audio streams: JSON, µ-law at 8 kHz or linear at 16 kHz.
    Plivo { rate_hz: u32 },
    /// Telnyx' media streaming: JSON, µ-law at 8 kHz or linear at 16 kHz.
    Telnyx { rate_hz: u32 },
    /// Vonage's WebSocket endpoint: binary frames at 8, 16 or 24 kHz.
    Vonage { rate_hz: u32 },
}

/// The names of protocols, for whoever typed another.
const NAMES: &str = "talk, ws, exotel, exotel:16000, exotel:24000, twilio, plivo, plivo:16000, telnyx, telnyx:16000, vonage, vonage:8000 or vonage:24000";

impl Protocol {
    /// Samples per second on the line.
    pub fn rate_hz(self) -> u32 {
        match self {
            Self::Talk => 16_000,
            Self::Ws | Self::Twilio => 8_000,
            Self::Exotel { rate_hz }
            | Self::Plivo { rate_hz }
            | Self::Telnyx { rate_hz }
            | Self::Vonage { rate_hz } => rate_hz,
        }
    }

    /// The first segment of the route.
    pub fn segment(self) -> &'static str {
        match self {
            Self::Talk => "talk",
            Self::Ws => "ws",
            Self::Exotel { .. } => "exotel",
            Self::Twilio => "twilio",
            Self::Plivo { .. } => "plivo",
            Self::Telnyx { .. } => "telnyx",
            Self::Vonage { .. } => "vonage",
        }
    }

    /// Whether the carrier delivers the customer's parameters in its messages, and none in the address.
    fn has_parameters_of_its_own(self) -> bool {
        matches!(self, Self::Twilio | Self::Plivo { .. } | Self::Telnyx { .. } | Self::Vonage { .. })
    }

    /// Whether the carrier plays from a queue, into which the bot may run ahead.
    fn queues(self) -> bool {
        self.has_parameters_of_its_own()
    }
}

impl FromStr for Protocol {
    type Err = OptionsError;

    /// A name, with the rate behind a colon where it is not the protocol's usual one: 8 kHz, of `vonage` 16 kHz.
    fn from_str(name: &str) -> Result<Self, OptionsError> {
        match name {
            "talk" => Ok(Self::Talk),
            "ws" => Ok(Self::Ws),
            "exotel" | "exotel:8000" => Ok(Self::Exotel { rate_hz: 8_000 }),
            "exotel:16000" => Ok(Self::Exotel { rate_hz: 16_000 }),
            "exotel:24000" => Ok(Self::Exotel { rate_hz: 24_000 }),
            "twilio" => Ok(Self::Twilio),
            "plivo" | "plivo:8000" => Ok(Self::Plivo { rate_hz: 8_000 }),
            "plivo:16000" => Ok(Self::Plivo { rate_hz: 16_000 }),
            "telnyx" | "telnyx:8000" => Ok(Self::Telnyx { rate_hz: 8_000 }),
            "telnyx:16000" => Ok(Self::Telnyx { rate_hz: 16_000 }),
            "vonage" | "vonage:16000" => Ok(Self::Vonage { rate_hz: 16_000 }),
            "vonage:8000" => Ok(Self::Vonage { rate_hz: 8_000 }),
            "vonage:24000" => Ok(Self::Vonage { rate_hz: 24_000 }),
            _ => Err(OptionsError::Protocol(name.to_owned())),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exotel { rate_hz }
            | Self::Plivo { rate_hz }
            | Self::Telnyx { rate_hz }
            | Self::Vonage { rate_hz } => write!(f, "{}:{rate_hz}", self.segment()),
            other => f.write_str(other.segment()),
        }
    }
}

/// Which side placed the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    #[default]
    Incoming,
    Outgoing,
}

impl Direction {
    /// As `callDirection` says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Outgoing => "outgoing",
        }
    }
}

/// What is wrong with the options of a call.
#[derive(Debug, Error)]
pub enum OptionsError {
    #[error("there is no protocol {0:?}; use {NAMES}")]
    Protocol(String),
    #[error("{0:?} is not an address; give one like ws://127.0.0.1:8080 or wss://host/ws/bot_1")]
    Address(String),
    #[error("{0:?} has no host or is not ws, wss, http or https")]
    Scheme(String),
    #[error("the address has no path and no bot was named; name a bot or give the full address")]
    NoBot,
    #[error("Exotel speaks at 8000, 16000 or 24000 Hz, not {0}")]
    Rate(u32),
    #[error("Exotel carries at most 3 parameters of together 256 characters in the address")]
    Parameters,
    #[error("a header may not hold {0:?}")]
    Header(String),
}

/// How long the carrier waits.
#[derive(Clone, Debug)]
pub struct Deadlines {
    /// For the socket to be open, the upgrade included. Exotel gives up after ten seconds.
    pub connect: Duration,
    /// For the first sign of life after `start` (`ready` on `/talk`). On `/exotel` and `/talk` the call ends when it
    /// passes; a dialler on `/ws` only notes it.
    pub answer: Duration,
    /// For the server to close the socket after the end of the call.
    pub close: Duration,
    /// For one write: a server that does not read for so long is dead.
    pub write: Duration,
    /// The carrier's own cap on a call's length; Exotel's is an hour.
    pub call: Duration,
    /// Between the messages of the handshake, as carriers do; whatever is sent too early shows in these pauses.
    pub handshake_gap: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(10),
            close: Duration::from_secs(3),
            write: Duration::from_secs(2),
            call: Duration::from_secs(3_600),
            handshake_gap: Duration::from_millis(20),
        }
    }
}

/// Everything about a call before it is placed. Make one with [`Options::new`] and change what is different.
#[derive(Clone, Debug)]
pub struct Options {
    pub protocol: Protocol,
    /// The server's base address, when `bot_id` is given, or the whole address of the socket.
    pub url: Url,
    pub bot_id: Option<String>,
    /// Single-use ticket of `/talk`; goes into the query.
    pub ticket: Option<SecretString>,
    /// More query parameters. Exotel also delivers them as custom parameters; Twilio, Plivo, Telnyx and Vonage do only that.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub caller_id: String,
    /// The number that was dialled.
    pub did: String,
    pub direction: Direction,
    /// The stream's id; by default a new one.
    pub stream_id: Option<String>,
    /// More fields of `/ws`'s `connected`.
    pub connected: Map<String, Value>,
    pub deadlines: Deadlines,
    pub hearing: Hearing,
    /// Deliver the bot's audio as [`crate::Event::BotAudio`], to play it aloud.
    pub deliver_audio: bool,
    /// Attempts after a failed handshake. Exotel makes one.
    pub retries: u32,
    /// Most audio that may lie ahead of real time before it is a violation.
    pub ahead_max: Duration,
}

impl Options {
    /// A call of `protocol` to `url`, with the carrier's usual patience.
    pub fn new(protocol: Protocol, url: &str) -> Result<Self, OptionsError> {
        let url = Url::parse(url).map_err(|_| OptionsError::Address(url.to_owned()))?;
        // Exotel's practical limit is 600 ms ahead, plus the message of 200 ms that is on its way. Into a queue the bot runs
        // 200 ms ahead. The others are paced in real time; 200 ms allow for a burst after a late timer.
        let (retries, ahead_ms) = match protocol {
            Protocol::Exotel { .. } => (1, 800),
            protocol if protocol.queues() => (0, 400),
            _ => (0, 200),
        };
        Ok(Self {
            protocol,
            url,
            bot_id: None,
            ticket: None,
            query: Vec::new(),
            headers: HeaderMap::new(),
            caller_id: "+919800000001".to_owned(),
            did: "+918000000001".to_owned(),
            direction: Direction::Incoming,
            stream_id: None,
            connected: Map::new(),
            deadlines: Deadlines::default(),
            hearing: Hearing::default(),
            deliver_audio: false,
            retries,
            ahead_max: Duration::from_millis(ahead_ms),
        })
    }

    /// Send one more header with the upgrade.
    pub fn header(&mut self, name: &str, value: &str) -> Result<(), OptionsError> {
        let bad = || OptionsError::Header(name.to_owned());
        let name = HeaderName::from_str(name).map_err(|_| bad())?;
        self.headers.append(name, HeaderValue::from_str(value).map_err(|_| bad())?);
        Ok(())
    }

    /// The address that is dialled: scheme, route and query in their places.
    pub fn address(&self) -> Result<Url, OptionsError> {
        let mut url = self.url.clone();
        let scheme = match url.scheme() {
            "ws" | "http" => "ws",
            "wss" | "https" => "wss",
            _ => return Err(OptionsError::Scheme(self.url.to_string())),
        };
        url.set_scheme(scheme).map_err(|()| OptionsError::Scheme(self.url.to_string()))?;
        if url.host_str().is_none() {
            return Err(OptionsError::Scheme(self.url.to_string()));
        }
        self.add_route(&mut url)?;
        self.add_query(&mut url)?;
        Ok(url)
    }

    fn add_route(&self, url: &mut Url) -> Result<(), OptionsError> {
        let Some(bot_id) = &self.bot_id else {
            return if url.path().trim_matches('/').is_empty() { Err(OptionsError::NoBot) } else { Ok(()) };
        };
        let route = [self.protocol.segment(), bot_id.as_str()];
        let is_full =
            url.path_segments().is_some_and(|path| path.rev().take(2).eq(route.iter().rev().copied()));
        if !is_full {
            let bad = |()| OptionsError::Address(self.url.to_string());
            url.path_segments_mut().map_err(bad)?.pop_if_empty().extend(route);
        }
        Ok(())
    }

    fn add_query(&self, url: &mut Url) -> Result<(), OptionsError> {
        if let Protocol::Exotel { rate_hz } = self.protocol {
            if !matches!(rate_hz, 8_000 | 16_000 | 24_000) {
                return Err(OptionsError::Rate(rate_hz));
            }
            let length: usize = self.query.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
            if self.query.len() > 3 || length > 256 {
                return Err(OptionsError::Parameters);
            }
            let has_rate = url.query_pairs().any(|(name, _)| name == "sample-rate");
            if rate_hz != 8_000 && !has_rate {
                url.query_pairs_mut().append_pair("sample-rate", &rate_hz.to_string());
            }
        }
        if self.protocol == (Protocol::Telnyx { rate_hz: 16_000 }) {
            url.query_pairs_mut().append_pair("codec", "L16").append_pair("rate", "16000");
        }
        let in_address = if self.protocol.has_parameters_of_its_own() { &[][..] } else { &self.query };
        for (name, value) in in_address {
            url.query_pairs_mut().append_pair(name, value);
        }
        if let Some(ticket) = &self.ticket {
            url.query_pairs_mut().append_pair("ticket", ticket.expose_secret());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(protocol: &str, url: &str, bot: Option<&str>, expected: &str) {
        let mut options = Options::new(protocol.parse().unwrap(), url).unwrap();
        options.bot_id = bot.map(str::to_owned);
        let got = options.address().map_or_else(|error| error.to_string(), |url| url.to_string());
        assert_eq!(got, expected);
    }

    #[test]
    fn addresses_are_completed() {
        check("ws", "http://h:1", Some("bot_1"), "ws://h:1/ws/bot_1");
        check("talk", "https://h/core/", Some("b"), "wss://h/core/talk/b");
        check("exotel:16000", "ws://h/exotel/b", Some("b"), "ws://h/exotel/b?sample-rate=16000");
        check("exotel", "ws://h/any/path?x=1", None, "ws://h/any/path?x=1");
        check("telnyx:16000", "ws://h", Some("b"), "ws://h/telnyx/b?codec=L16&rate=16000");
        check("vonage", "wss://h", Some("b"), "wss://h/vonage/b");
        check("ws", "ws://h", None, &OptionsError::NoBot.to_string());
        check("ws", "ftp://h", Some("b"), &OptionsError::Scheme("ftp://h/".to_owned()).to_string());
    }

    #[test]
    fn a_ticket_goes_into_the_query_and_not_into_debug_output() {
        let mut options = Options::new(Protocol::Talk, "ws://h").unwrap();
        options.bot_id = Some("b".to_owned());
        options.ticket = Some("s3cret".to_owned().into());
        assert_eq!(options.address().unwrap().query(), Some("ticket=s3cret"));
        assert!(!format!("{options:?}").contains("s3cret"));
    }

    #[test]
    fn exotels_parameters_are_few() {
        let mut options = Options::new("exotel".parse().unwrap(), "ws://h/exotel/b").unwrap();
        options.query = (0..4).map(|n| (format!("k{n}"), "v".to_owned())).collect();
        assert!(matches!(options.address(), Err(OptionsError::Parameters)));
    }
}
