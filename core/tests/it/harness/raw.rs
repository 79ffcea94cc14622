//! A WebSocket client that sends what it is told, right or wrong, and keeps what comes back in its order.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::Request;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{LOOK_EVERY, PATIENCE};

/// An open socket.
pub struct Raw(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// A refused upgrade.
#[derive(Debug)]
pub struct Refused {
    pub status: u16,
    pub retry_after: Option<String>,
    pub body: Value,
}

/// What came until the socket was closed.
#[derive(Debug, Default)]
pub struct Ended {
    pub messages: Vec<Value>,
    pub close: Option<(u16, String)>,
}

impl Ended {
    /// The events' names, runs of the same one told once.
    pub fn events(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.messages.iter().filter_map(|m| m["event"].as_str()).collect();
        names.dedup();
        names
    }

    pub fn code(&self) -> Option<u16> {
        self.close.as_ref().map(|(code, _)| *code)
    }
}

impl Raw {
    pub async fn try_open(url: &str) -> Result<Self, Refused> {
        Self::try_request(url.into_client_request().unwrap()).await
    }

    /// The same with headers.
    pub async fn try_request(request: Request<()>) -> Result<Self, Refused> {
        let url = request.uri().clone();
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => {
                let retry_after = response.headers().get("retry-after");
                let body = response.body().as_deref().unwrap_or_default();
                Err(Refused {
                    status: response.status().as_u16(),
                    retry_after: retry_after.map(|v| v.to_str().unwrap().to_owned()),
                    body: serde_json::from_slice(body).unwrap_or_default(),
                })
            }
            Err(error) => panic!("{url}: {error}"),
        }
    }

    /// Open; a worker that is still putting its last call away is asked again.
    pub async fn open(url: &str) -> Self {
        Self::request(url.into_client_request().unwrap()).await
    }

    /// The same with headers.
    pub async fn request(request: Request<()>) -> Self {
        let until = Instant::now() + PATIENCE;
        loop {
            match Self::try_request(request.clone()).await {
                Ok(raw) => return raw,
                Err(refused) if refused.status == 503 && Instant::now() < until => sleep(LOOK_EVERY).await,
                Err(refused) => panic!("{}: {refused:?}", request.uri()),
            }
        }
    }

    /// Send, whatever it is. A socket that is closed already says why when it is read.
    pub async fn send(&mut self, message: Message) {
        let _closed = self.0.send(message).await;
    }

    pub async fn send_all(&mut self, messages: impl IntoIterator<Item = Message>) {
        for message in messages {
            self.send(message).await;
        }
    }

    /// The next message, within a time.
    pub async fn next(&mut self, within: Duration) -> Option<Message> {
        timeout(within, self.0.next()).await.ok()??.ok()
    }

    /// Read to the end, saying `frame` every 20 ms where there is one.
    pub async fn until_closed(&mut self, frame: Option<Message>) -> Ended {
        let mut ended = Ended::default();
        let until = Instant::now() + PATIENCE;
        let mut frames = tokio::time::interval(Duration::from_millis(20));
        while Instant::now() < until {
            tokio::select! {
                message = self.0.next() => match message {
                    Some(Ok(Message::Text(text))) => ended.messages.push(serde_json::from_str(&text).unwrap()),
                    Some(Ok(Message::Close(frame))) => {
                        ended.close = frame.map(|f| (u16::from(f.code), f.reason.to_string()));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return ended,
                },
                _ = frames.tick(), if frame.is_some() && ended.close.is_none() => {
                    let frame = frame.clone().expect("it was looked at");
                    let _closed = self.0.send(frame).await;
                }
            }
        }
        panic!("the socket is not closed: {:?}", ended.events());
    }
}

/// A JSON message.
pub fn text(value: Value) -> Message {
    Message::text(value.to_string())
}

/// The handshake of `/ws`.
pub fn ws_handshake(caller: &str) -> Vec<Message> {
    let format = json!({"encoding": "LINEAR16", "sampleRate": 8000, "channels": 1});
    vec![
        text(json!({"event": "connected", "callerId": caller, "did": "800", "callDirection": "incoming"})),
        text(json!({"event": "start", "streamId": "s1", "mediaFormat": format})),
        text(json!({"event": "answer"})),
    ]
}

/// The handshake of `/exotel`.
pub fn exotel_handshake(caller: &str) -> Vec<Message> {
    let format = json!({"encoding": "raw/slin", "sample_rate": "8000", "bit_rate": "16"});
    let start = json!({
        "stream_sid": "s1", "call_sid": "c1", "account_sid": "a1", "from": caller, "to": "800",
        "custom_parameters": {}, "media_format": format,
    });
    vec![
        text(json!({"event": "connected"})),
        text(json!({"event": "start", "sequence_number": "1", "stream_sid": "s1", "start": start})),
    ]
}

/// 20 ms of silence on `/ws`.
pub fn ws_silence() -> Message {
    use base64::Engine;
    let payload = base64::engine::general_purpose::STANDARD.encode([0u8; 320]);
    text(json!({"event": "media", "payload": payload}))
}
