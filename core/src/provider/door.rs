//! The way to a vendor that speaks over a WebSocket: who is asked, with which key, and what a refusal says.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::sync::mpsc;
use url::Url;
use vox_shared::model::bot::ApiKey;

use super::egress::{ConnectError, Egress, Refusal, WebSocket, clean, secret_header};
use super::link::{self, Codec};
use super::{Failure, STREAM_DEPTH, TaskGuard};

/// Where a vendor writes why it refuses, below the body's root. Speaks of parameters and rights, never of the audio.
const REASONS: [&str; 8] = [
    "/error_message",
    "/err_msg",
    "/error/message",
    "/message",
    "/detail",
    "/error",
    "/error_type",
    "/err_code",
];

/// A session under way; dropping it ends the vendor's.
#[derive(Debug)]
pub(super) struct Session<C: Codec> {
    pub orders: mpsc::Sender<C::Order>,
    pub events: mpsc::Receiver<C::Event>,
    pub task: TaskGuard,
}

/// An account at a vendor.
#[derive(Clone, Debug)]
pub(super) struct Door {
    vendor: &'static str,
    egress: Arc<Egress>,
    key: ApiKey,
    headers: HeaderMap,
    /// The header in which the vendor says why it refuses, if there is one.
    reason: Option<&'static str>,
}

impl Door {
    /// The key goes into `header` after `prefix`; there may be none, where a server of one's own needs none.
    ///
    /// # Errors
    /// `Unauthorised` for a key that no header can hold.
    pub fn new(
        vendor: &'static str,
        egress: &Arc<Egress>,
        key: ApiKey,
        (header, prefix): (&'static str, &str),
    ) -> Result<Self, Failure> {
        let mut headers = HeaderMap::new();
        if !key.is_empty() {
            let value = secret_header(vendor, &format!("{prefix}{}", key.expose()))?;
            headers.insert(HeaderName::from_static(header), value);
        }
        Ok(Self { vendor, egress: Arc::clone(egress), key, headers, reason: None })
    }

    /// The vendor says why it refuses in this header.
    pub fn with_reason_in(self, header: &'static str) -> Self {
        Self { reason: Some(header), ..self }
    }

    /// Another header of every handshake, which is no secret.
    pub fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }

    /// A running session at `url`, which keeps so many orders that wait.
    pub fn open<C>(&self, url: Url, codec: C, orders_most: usize) -> Session<C>
    where
        C: Codec + 'static,
        C::Order: 'static,
        C::Event: 'static,
    {
        let (orders, orders_end) = mpsc::channel(orders_most);
        let (events_end, events) = mpsc::channel(STREAM_DEPTH);
        let door = self.clone();
        let task = tokio::spawn(async move {
            link::run(codec, || door.connect(&url), orders_end, events_end).await;
        });
        Session { orders, events, task: TaskGuard::new(task) }
    }

    async fn connect(&self, url: &Url) -> Result<WebSocket, Failure> {
        self.egress.websocket(url, self.headers.clone()).await.map_err(|error| match error {
            ConnectError::Failed(failure) => failure,
            ConnectError::Refused(refusal) => self.refused(&refusal),
        })
    }

    /// What a refused handshake means, with the vendor's own words for it.
    pub(super) fn refused(&self, refusal: &Refusal) -> Failure {
        let header = self.reason.and_then(|name| refusal.headers.get(name)?.to_str().ok());
        let body = refusal.json();
        let in_body = || REASONS.iter().find_map(|place| body.pointer(place).and_then(Value::as_str));
        let said = header.or_else(in_body).map(|text| clean(text, self.key.expose()));
        refusal.failure(self.vendor, refusal.class(), said.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use vox_shared::egress::Policy;

    use super::*;
    use crate::provider::FailureClass;

    #[test]
    fn a_refused_handshake_says_why_without_the_key() {
        let egress = Arc::new(Egress::new(Policy::default()));
        let door = Door::new("vendor", &egress, ApiKey::new("s3cret"), ("authorization", "Bearer ")).unwrap();
        let door = door.with_reason_in("x-error");
        let check = |status, header: Option<&str>, body: &str, class, detail: &str| {
            let mut headers = HeaderMap::new();
            if let Some(text) = header {
                headers.insert("x-error", text.parse().unwrap());
            }
            let failure = door.refused(&Refusal { status, headers, body: body.into() });
            assert_eq!((failure.class, failure.detail.as_str()), (class, detail));
        };
        let body = r#"{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials: s3cret"}"#;
        let said = "vendor answered 401: Invalid credentials: ***";
        check(401, None, body, FailureClass::Unauthorised, said);
        let said = "vendor answered 400: no such model";
        check(400, Some("no such model"), body, FailureClass::Refused, said);
        let said = "vendor answered 403: no s such key";
        check(403, None, r#"{"error":{"message":"no s such key"}}"#, FailureClass::Unauthorised, said);
        let said = "vendor answered 402: PAYMENT_REQUIRED";
        check(402, None, r#"{"err_code":"PAYMENT_REQUIRED"}"#, FailureClass::OverLimit, said);
        check(429, None, "", FailureClass::OverLimit, "vendor answered 429");
        check(503, None, "<html>", FailureClass::Unavailable, "vendor answered 503");
    }
}
