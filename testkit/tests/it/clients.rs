//! Plain clients with a deadline on every wait.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

/// No wait of a test is longer.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// A refused handshake.
#[derive(Debug)]
pub struct Refused {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Value,
}

/// What a socket gave next.
#[derive(Debug, PartialEq)]
pub enum Next {
    Json(Value),
    /// Text that is not JSON.
    Garbage(String),
    Closed(Option<u16>, String),
    /// The connection ended without a closing handshake.
    Gone,
}

pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Open `path` of the server at `url` (http), with these headers.
    pub async fn open(url: &str, path: &str, headers: &[(&'static str, &str)]) -> Result<Self, Refused> {
        let address = format!("{}{path}", url.replacen("http", "ws", 1));
        let mut request = address.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match tokio::time::timeout(DEADLINE, connect_async(request)).await.expect("the handshake is answered")
        {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(Refused {
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                body: serde_json::from_slice(response.body().as_deref().unwrap_or_default())
                    .unwrap_or_default(),
            }),
            Err(other) => panic!("no handshake: {other}"),
        }
    }

    pub async fn text(&mut self, message: impl ToString) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    pub async fn binary(&mut self, bytes: Vec<u8>) {
        self.0.send(Message::binary(bytes)).await.unwrap();
    }

    pub async fn next(&mut self) -> Next {
        match tokio::time::timeout(DEADLINE, self.0.next()).await.expect("the server says something") {
            Some(Ok(Message::Text(text))) => match serde_json::from_str(text.as_str()) {
                Ok(json) => Next::Json(json),
                Err(_) => Next::Garbage(text.as_str().to_owned()),
            },
            Some(Ok(Message::Close(frame))) => {
                let reason = frame.as_ref().map(|frame| frame.reason.to_string()).unwrap_or_default();
                Next::Closed(frame.map(|frame| frame.code.into()), reason)
            }
            Some(Ok(other)) => panic!("unexpected frame {other:?}"),
            Some(Err(_)) | None => Next::Gone,
        }
    }

    pub async fn json(&mut self) -> Value {
        match self.next().await {
            Next::Json(json) => json,
            other => panic!("expected a message, got {other:?}"),
        }
    }

    /// Every message up to the end, and the end.
    pub async fn read_out(mut self) -> (Vec<Value>, Next) {
        let mut messages = Vec::new();
        loop {
            match self.next().await {
                Next::Json(json) => messages.push(json),
                end => return (messages, end),
            }
        }
    }

    /// Whether the server says nothing for this long.
    pub async fn is_quiet_for(&mut self, wait: Duration) -> bool {
        tokio::time::timeout(wait, self.0.next()).await.is_err()
    }
}

/// An HTTP client with deadlines and no retries.
pub fn http() -> reqwest::Client {
    // A second test in the same process finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(DEADLINE).build().unwrap()
}

/// A tone that an energy gate takes for speech, 16-bit at `rate`.
pub fn tone(rate: u32, ms: u32) -> Vec<u8> {
    let sample = |n: u32| (6_000.0 * f64::from(n * 2_000 / rate.max(1)).sin()) as i16;
    (0..rate * ms / 1_000).flat_map(|n| sample(n).to_le_bytes()).collect()
}

pub fn silence(rate: u32, ms: u32) -> Vec<u8> {
    vec![0; (rate * ms / 1_000) as usize * 2]
}
