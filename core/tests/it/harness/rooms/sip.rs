//! A server whose SIP gateway is a script: requests of `livekit.SIP` are answered by the test, and everything else reaches the real
//! server. Without a gateway that refuses them all, so this stands before it.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use vox_shared::wire::SECRET_HEADER;

use super::super::bridge::secret;
use super::super::vendors::Scripts;
use super::super::{PATIENCE, client};
use super::{LiveKit, Rooms};

const TRUNK: [(&str, &str); 1] = [("LIVEKIT_OUTBOUND_TRUNK", "ST_test")];

impl Rooms {
    /// With a gateway that is a script.
    pub async fn with_gateway(scripts: Scripts) -> (Self, Gateway) {
        let livekit = LiveKit::start();
        let gateway = Gateway::before(&livekit.url).await;
        let rooms = Self::with(scripts, livekit, &gateway.url, &TRUNK).await;
        (rooms, gateway)
    }

    /// Order something of a running call.
    pub async fn orders(&self, call: &str, order: Value) -> (StatusCode, Value) {
        let url = self.stage.worker.http(&format!("/calls/{call}/orders"));
        let request = client().post(url).header(SECRET_HEADER, secret()).json(&order);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
}

/// The door before a server. It closes with this value.
pub struct Gateway {
    /// `ws://…`
    pub url: String,
    asked: Mutex<mpsc::Receiver<Asked>>,
    /// Whether rooms can be joined through this door, and stayed in.
    lets_in: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

/// A request that waits for the test's answer.
pub struct Asked {
    pub method: String,
    pub body: Value,
    /// What the token allows.
    pub claims: Value,
    answer: oneshot::Sender<(u16, Value)>,
}

impl Asked {
    pub fn text(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_else(|| panic!("no {field}: {}", self.body))
    }

    /// It was done.
    pub fn succeeds(self) {
        self.answers(200, json!({}));
    }

    /// The far end said this, as a server of 1.11 tells it.
    pub fn fails(self, http: u16, code: &str, (status, phrase): (u16, &str)) {
        let meta = json!({"sip_status_code": status.to_string(), "sip_status": phrase});
        let msg = format!("twirp error unknown: INVITE failed: sip status: {status}: {phrase}");
        self.answers(http, json!({"code": code, "msg": msg, "meta": meta}));
    }

    pub fn answers(self, status: u16, body: Value) {
        // Whoever asked may have given up.
        let _gone = self.answer.send((status, body));
    }
}

impl Gateway {
    /// Before the server at this address (`ws://…`).
    pub async fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let server: Arc<str> = server.trim_start_matches("ws://").into();
        let (told, asked) = mpsc::channel(8);
        let (lets_in, door) = watch::channel(true);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, server.clone(), told.clone(), door.clone()));
            }
        });
        Self { url, asked: Mutex::new(asked), lets_in, serving }
    }

    /// From now on whoever came through this door can be in rooms, or is out of them; requests pass either way.
    pub fn lets_in(&self, lets_in: bool) {
        self.lets_in.send_replace(lets_in);
    }

    /// The next request of this method.
    pub async fn is_asked(&self, method: &str) -> Asked {
        let asked = timeout(PATIENCE, async { self.asked.lock().await.recv().await }).await;
        let asked = asked.unwrap_or_else(|_| panic!("nobody asks for {method}")).expect("it is open");
        assert_eq!(asked.method, method, "{}", asked.body);
        assert_eq!(asked.claims["sip"]["call"], true, "{}", asked.claims);
        asked
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    server: Arc<str>,
    told: mpsc::Sender<Asked>,
    mut lets_in: watch::Receiver<bool>,
) {
    let mut read = Vec::new();
    let head = loop {
        if let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break String::from_utf8(read[..end].to_vec()).unwrap();
        }
        if stream.read_buf(&mut read).await.unwrap_or_default() == 0 {
            return;
        }
    };
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    };
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let Some(method) = path.strip_prefix("/twirp/livekit.SIP/") else {
        let is_room = header("upgrade").is_some();
        if is_room && !*lets_in.borrow() {
            return;
        }
        let Ok(mut far) = TcpStream::connect(&*server).await else { return };
        // One request a connection: the next may be for the gateway.
        let close = if is_room { "" } else { "\r\nconnection: close" };
        far.write_all(format!("{head}{close}").as_bytes()).await.unwrap();
        far.write_all(&read[head.len()..]).await.unwrap();
        tokio::select! {
            _ended = copy_bidirectional(&mut stream, &mut far) => {}
            _shut = lets_in.wait_for(|lets_in| !lets_in), if is_room => {}
        }
        return;
    };
    let length: usize = header("content-length").unwrap().parse().unwrap();
    while read.len() < head.len() + 4 + length {
        assert!(stream.read_buf(&mut read).await.unwrap() > 0);
    }
    let body = serde_json::from_slice(&read[head.len() + 4..]).unwrap();
    let token = header("authorization").unwrap();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let (answer, answered) = oneshot::channel();
    let claims = serde_json::from_slice(&claims).unwrap();
    told.send(Asked { method: method.to_owned(), body, claims, answer }).await.ok();
    let Ok((status, body)) = answered.await else { return };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let _gone = stream.write_all(head.as_bytes()).await;
}
