//! What the server tells of its own accord. Signatures are not looked at here: clients of ours that believe webhooks have tests of that.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::PATIENCE;

pub struct Webhooks {
    pub url: String,
    told: Arc<(Mutex<Vec<Value>>, Notify)>,
    task: JoinHandle<()>,
}

impl Webhooks {
    pub async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhook", listener.local_addr().unwrap());
        let told = Arc::new((Mutex::new(Vec::new()), Notify::new()));
        let here = Arc::clone(&told);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&here)));
            }
        });
        Self { url, told, task }
    }

    /// Wait for an event of a participant; it as it was told.
    pub async fn tells(&self, event: &str, identity: &str) -> Value {
        let is_it = |told: &Value| told["event"] == event && told["participant"]["identity"] == identity;
        let wait = async {
            loop {
                let more = self.told.1.notified();
                if let Some(found) = self.told.0.lock().unwrap().iter().find(|told| is_it(told)) {
                    return found.clone();
                }
                more.await;
            }
        };
        let found = timeout(PATIENCE, wait).await;
        found.unwrap_or_else(|_| {
            panic!("never told: {event} of {identity}: {:?}", self.told.0.lock().unwrap())
        })
    }
}

impl Drop for Webhooks {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Requests of one connection, one after another.
async fn serve(mut stream: TcpStream, told: Arc<(Mutex<Vec<Value>>, Notify)>) {
    let mut bytes = Vec::new();
    loop {
        while let Some((request, length)) = whole(&bytes) {
            if let Ok(event) = serde_json::from_slice(&request) {
                told.0.lock().unwrap().push(event);
                told.1.notify_waiters();
            }
            bytes.drain(..length);
            if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.is_err() {
                return;
            }
        }
        if !matches!(stream.read_buf(&mut bytes).await, Ok(read) if read > 0) {
            return;
        }
    }
}

/// A body, and the length of its request.
fn whole(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length: usize = text.split("content-length:").nth(1)?.split("\r\n").next()?.trim().parse().ok()?;
    let body = bytes.get(head..head + length)?;
    Some((body.to_vec(), head + length))
}
