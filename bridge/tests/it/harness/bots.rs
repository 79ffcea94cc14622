//! A tenant's administrator at work on its bots.

use reqwest::header::IF_MATCH;
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use vox_bridge::auth::role::Role;

use super::{TestBridge, json};

/// Of every bot's language model here.
pub const KEY: &str = "sk-0123456789abcdef";

/// A bridge, and somebody who may edit its bots.
pub struct Bots {
    pub bridge: TestBridge,
    token: String,
}

impl Bots {
    pub async fn start() -> Self {
        let bridge = TestBridge::start().await;
        let token = bridge.token(Role::Admin).await;
        Self { bridge, token }
    }

    /// A request below `/api/v1/bots`.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        self.send_to(&self.bridge.url, (method, path), body).await
    }

    /// The same, to the bridge there.
    pub async fn send_to(&self, url: &str, (method, path): (Method, &str), body: &Value) -> Response {
        let request = self.bridge.client.request(method, format!("{url}/api/v1/bots{path}"));
        request.bearer_auth(&self.token).json(body).send().await.unwrap()
    }

    /// The same, expecting a version of the bot.
    pub async fn send_for(
        &self,
        version: &Value,
        (url, method, path): (&str, Method, &str),
        body: &Value,
    ) -> Response {
        let request = self.bridge.client.request(method, format!("{url}/api/v1/bots{path}"));
        let request = request.bearer_auth(&self.token);
        request.header(IF_MATCH, format!("\"{version}\"")).json(body).send().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        json(self.send(Method::GET, path, &Value::Null).await, StatusCode::OK).await
    }

    pub async fn ok(&self, method: Method, path: &str, body: Value) -> Value {
        json(self.send(method, path, &body).await, StatusCode::OK).await
    }

    /// The path of a new bot.
    pub async fn made(&self) -> String {
        let body =
            json!({"name": "a", "system_prompt": "one", "llm": {"provider": "openai", "api_key": KEY}});
        let made = json(self.send(Method::POST, "", &body).await, StatusCode::CREATED).await;
        format!("/{}", made["id"].as_str().unwrap())
    }

    /// What core would get.
    pub async fn config(&self, path: &str) -> Value {
        json(self.bridge.fetch_config(&path[1..], &[]).await, StatusCode::OK).await
    }

    /// The numbers of all versions, as one reads them page by page.
    pub async fn numbers(&self, path: &str, limit: usize) -> Vec<u64> {
        let (mut numbers, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}/versions?limit={limit}{cursor}")).await;
            numbers.extend(page["items"].as_array().unwrap().iter().map(|v| v["number"].as_u64().unwrap()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return numbers,
            }
        }
    }
}
