//! A client on a bare TCP socket, which sees exactly what the dispatcher or a worker writes.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(10);

/// A connection.
pub struct Client(pub TcpStream);

/// All that came until the other side closed, split at the end of its head.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Client {
    pub async fn connect(to: SocketAddr) -> Self {
        Self(TcpStream::connect(to).await.unwrap())
    }

    pub async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Read to the end. A reset instead of an orderly close fails the test.
    pub async fn answer(mut self) -> Answer {
        let mut text = String::new();
        timeout(DEADLINE, self.0.read_to_string(&mut text))
            .await
            .expect("an answer in time")
            .expect("no reset");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head in {text:?}"));
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        Answer {
            status: status.unwrap_or_else(|| panic!("no status in {head:?}")),
            head: head.into(),
            body: body.into(),
        }
    }
}

/// One whole request for a path.
pub async fn get(to: SocketAddr, path: &str) -> Answer {
    let mut client = Client::connect(to).await;
    client.send(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")).await;
    client.answer().await
}
