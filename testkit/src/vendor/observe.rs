//! What the clients of a scripted vendor did, for a test to read afterwards.

use serde::Serialize;

/// Messages kept per exchange; a longer exchange keeps its first ones and counts the rest.
const MAX_KEPT_MESSAGES: usize = 2_000;
/// A kept message is shortened to this many bytes.
const MAX_KEPT_BYTES: usize = 64 * 1024;
/// Exchanges kept per server; later ones are served and counted but not described.
pub(crate) const MAX_EXCHANGES: usize = 10_000;

/// Everything one server saw, oldest first.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Observed {
    /// WebSocket sessions and HTTP requests, in order of arrival.
    pub exchanges: Vec<Exchange>,
    /// Exchanges beyond the kept ones.
    pub not_kept: u64,
}

/// One WebSocket session (its handshake included) or one HTTP request.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Exchange {
    /// The path asked for.
    pub path: String,
    /// Query parameters in the order given.
    pub query: Vec<(String, String)>,
    /// The status answered; 101 for a WebSocket, absent while nothing has been answered.
    pub status: Option<u16>,
    /// What the client sent, in order. Runs of binary audio are merged into one entry.
    pub received: Vec<Received>,
    /// Messages beyond the kept ones.
    pub received_not_kept: u64,
    /// Bytes of audio received (speech to text) or sent (text to speech).
    pub audio_bytes: u64,
    /// The same in samples of one channel.
    pub audio_samples: u64,
    /// Messages (or server-sent events) sent to the client.
    pub sent_messages: u64,
    /// Clear breaches of the vendor's protocol.
    pub violations: Vec<String>,
    /// Things the vendor tolerates and a good client avoids.
    pub notes: Vec<String>,
    /// How it ended, once it has.
    pub ended: Option<Ending>,
}

/// One thing a client sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Received {
    /// A text message or a request body.
    Text(String),
    /// Consecutive binary messages.
    Audio {
        /// How many messages.
        messages: u64,
        /// Their bytes together.
        bytes: u64,
    },
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The response was written to its end.
    Answered,
    /// The server closed the WebSocket with this code.
    ClosedByServer(u16),
    /// The client closed the WebSocket, with this code if it gave one.
    ClosedByClient(Option<u16>),
    /// The client's connection went away without a closing handshake, or it dropped the response.
    Dropped,
    /// The scripted fault cut it.
    Cut,
}

impl Observed {
    /// Every breach of the protocol, with the path it happened on. Empty for a well-behaved client.
    pub fn violations(&self) -> Vec<String> {
        self.exchanges
            .iter()
            .flat_map(|exchange| {
                exchange.violations.iter().map(move |what| format!("{}: {what}", exchange.path))
            })
            .collect()
    }

    /// Every note, as [`Observed::violations`].
    pub fn notes(&self) -> Vec<String> {
        self.exchanges
            .iter()
            .flat_map(|exchange| exchange.notes.iter().map(move |what| format!("{}: {what}", exchange.path)))
            .collect()
    }

    /// Every kept text message and request body, in order.
    pub fn texts(&self) -> Vec<&str> {
        self.exchanges.iter().flat_map(Exchange::texts).collect()
    }

    /// Bytes of audio over all exchanges.
    pub fn audio_bytes(&self) -> u64 {
        self.exchanges.iter().map(|exchange| exchange.audio_bytes).sum()
    }

    /// Samples of audio over all exchanges.
    pub fn audio_samples(&self) -> u64 {
        self.exchanges.iter().map(|exchange| exchange.audio_samples).sum()
    }

    /// The exchanges on paths that end so.
    pub fn on_path<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = &'a Exchange> {
        self.exchanges.iter().filter(move |exchange| exchange.path.ends_with(ending))
    }
}

impl Exchange {
    /// The kept text messages, in order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.received.iter().filter_map(|received| match received {
            Received::Text(text) => Some(text.as_str()),
            Received::Audio { .. } => None,
        })
    }

    /// The first value of a query parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn keep_text(&mut self, text: &str) {
        if self.received.len() >= MAX_KEPT_MESSAGES {
            self.received_not_kept += 1;
            return;
        }
        let mut end = text.len().min(MAX_KEPT_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.received.push(Received::Text(text[..end].to_owned()));
    }

    pub(crate) fn keep_audio(&mut self, size: u64) {
        if let Some(Received::Audio { messages, bytes }) = self.received.last_mut() {
            *messages += 1;
            *bytes += size;
        } else if self.received.len() < MAX_KEPT_MESSAGES {
            self.received.push(Received::Audio { messages: 1, bytes: size });
        } else {
            self.received_not_kept += 1;
        }
    }
}
