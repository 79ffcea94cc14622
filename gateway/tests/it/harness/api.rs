//! The server's API, as any client has it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

pub struct Api {
    client: reqwest::Client,
    url: String,
    key: String,
    secret: String,
}

/// What it answered.
#[derive(Debug)]
pub struct Answer {
    pub http: u16,
    pub body: Value,
}

impl Answer {
    /// It was done.
    pub fn taken(self) -> Value {
        assert_eq!(self.http, 200, "{}", self.body);
        self.body
    }

    /// HTTP status, code, message and the telephone's own status.
    pub fn refused(&self) -> (u16, &str, &str, &str) {
        assert!(self.body["code"].is_string(), "it was done: {}", self.body);
        let get = |value: &'static str| self.body[value].as_str().unwrap_or_default();
        let status = self.body["meta"]["sip_status_code"].as_str().unwrap_or_default();
        (self.http, get("code"), get("msg"), status)
    }
}

impl Api {
    pub fn new(url: &str, key: &str, secret: &str) -> Self {
        // Loopback alone is asked, without TLS; the library wants a provider all the same.
        let _twice = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        Self { client, url: url.replace("ws://", "http://"), key: key.to_owned(), secret: secret.to_owned() }
    }

    pub async fn asks(&self, method: &str, request: Value) -> Answer {
        #[expect(clippy::disallowed_methods, reason = "the server compares with its own clock")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let room = request["room_name"].as_str().or(request["room"].as_str()).unwrap_or_default();
        let claims = json!({
            "iss": self.key, "nbf": now - 60, "exp": now + 600,
            "video": {"roomCreate": true, "roomAdmin": true, "room": room, "roomList": true},
            "sip": {"admin": true, "call": true},
        });
        let token =
            encode(&Header::default(), &claims, &EncodingKey::from_secret(self.secret.as_bytes())).unwrap();
        let response = self
            .client
            .post(format!("{}/twirp/livekit.{method}", self.url))
            .bearer_auth(token)
            .json(&request)
            .send()
            .await
            .unwrap();
        let http = response.status().as_u16();
        let body = response.json().await.unwrap();
        Answer { http, body }
    }
}
