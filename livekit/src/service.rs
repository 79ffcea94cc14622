//! The API of a LiveKit server: Twirp, which is one POST for each method with JSON both ways. Each request has a token of its own, which
//! allows what the request does and nothing else.
//!
//! ```no_run
//! use std::time::{Duration, SystemTime, UNIX_EPOCH};
//! use vox_livekit::service::{Address, Service};
//!
//! # async fn end(room: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let address = Address { url: "wss://livekit.example".parse()?, key: "key".into(), secret: "secret".into() };
//! let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
//! let service = Service::new(&address, Box::new(now))?;
//! service.delete_room(room).await?;
//! # Ok(())
//! # }
//! ```
//!
//! What a method takes and answers is in LiveKit's `livekit_room.proto` and `livekit_sip.proto`; requests go out in snake_case, which the
//! server takes as well as camelCase, and its answers are in snake_case.

mod failure;
mod fuse;
mod people;
mod phones;
mod trunks;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use url::Url;

pub use failure::{Code, Refusal, ServiceError, SipStatus};
pub use people::{Person, RoomInfo, RoomWanted};
pub use phones::{Dial, Dialled, Transfer};
pub use trunks::{InboundTrunk, OutboundTrunk, Rule, SipLogin, SipTransport, Trunk};

use crate::token::seal;

/// Time to connect.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// Time for a whole answer, where a method has no other.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Longest answer read, bytes: a page of trunks with all their headers.
const MAX_ANSWER: usize = 4 * 1024 * 1024;
/// How long the token of a request is good. The server lets clocks differ by a minute.
const TOKEN_LIFE: Duration = Duration::from_secs(120);

/// The time since 1970: tokens say until when they are good.
pub type Now = Box<dyn Fn() -> Duration + Send + Sync>;

/// Where a server is, and what opens it.
#[derive(Clone)]
pub struct Address {
    /// `ws`, `wss`, `http` or `https`.
    pub url: Url,
    pub key: String,
    pub secret: SecretString,
}

/// The address cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadAddress {
    #[error("the address of a LiveKit server begins with ws://, wss://, http:// or https://")]
    Scheme,
    #[error("cannot make an HTTP client")]
    Client(#[from] reqwest::Error),
}

/// What a request has to do, which its token allows.
#[derive(Clone, Copy, Debug)]
pub enum Needs<'a> {
    /// Make and delete rooms.
    MakeRooms,
    ListRooms,
    /// See, change and remove those in this room.
    Room(&'a str),
    /// Trunks and dispatch rules.
    Trunks,
    /// Have somebody called into this room, and transfer a call out of it.
    Calls(&'a str),
}

/// A server's API. Cheap to clone.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    client: Client,
    /// Without a '/' at the end.
    base: String,
    key: String,
    secret: SecretString,
    now: Now,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("base", &self.0.base)
            .field("key", &self.0.key)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address")
            .field("url", &self.url.as_str())
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// The API of the server there. Nothing is asked yet. No redirect is followed and no proxy used: tokens go nowhere else. The program must
    /// have chosen rustls' crypto provider before.
    ///
    /// # Errors
    ///
    /// When the address has another scheme, or no TLS can be had.
    pub fn new(at: &Address, now: Now) -> Result<Self, BadAddress> {
        let client =
            Client::builder().redirect(Policy::none()).no_proxy().connect_timeout(CONNECT_WITHIN).build()?;
        Self::over(client, at, now)
    }

    /// The same by a client of the program's own, which follows no redirects and uses no proxy.
    ///
    /// # Errors
    ///
    /// When the address has another scheme.
    pub fn over(client: Client, at: &Address, now: Now) -> Result<Self, BadAddress> {
        let base = http(&at.url).ok_or(BadAddress::Scheme)?;
        let (key, secret) = (at.key.clone(), at.secret.clone());
        Ok(Self(Arc::new(Inner { client, base, key, secret, now })))
    }

    /// The key that tokens are signed under.
    pub fn key(&self) -> &str {
        &self.0.key
    }

    /// Call a method, as `SIP/CreateSIPParticipant`, and read its answer. It is asked once: many refusals are outcomes of calls, whatever
    /// their HTTP status looks like, and nothing may ring twice.
    ///
    /// # Errors
    ///
    /// [`ServiceError`] says whether it may have been done all the same.
    pub async fn ask<A: DeserializeOwned>(
        &self,
        method: &str,
        needs: Needs<'_>,
        body: &(impl Serialize + ?Sized),
        within: Duration,
    ) -> Result<A, ServiceError> {
        let until = (self.0.now)() + TOKEN_LIFE;
        self.ask_until(method, (needs, until), body, within).await
    }

    /// The same with a token that is good until then, in time since 1970: a copy of the request that comes later is refused.
    async fn ask_until<A: DeserializeOwned>(
        &self,
        method: &str,
        (needs, until): (Needs<'_>, Duration),
        body: &(impl Serialize + ?Sized),
        within: Duration,
    ) -> Result<A, ServiceError> {
        let url = format!("{}/twirp/livekit.{method}", self.0.base);
        let token = self.token(needs, until);
        let request = self.0.client.post(url).bearer_auth(token).timeout(within).json(body);
        let response = request.send().await.map_err(ServiceError::of)?;
        let status = response.status();
        let text = read(response).await?;
        if !status.is_success() {
            return Err(ServiceError::refused(status.as_u16(), &text));
        }
        serde_json::from_slice(&text).map_err(|_| ServiceError::Senseless)
    }

    /// Whether a server answers there, and what its clock says: the `date` of its answer.
    ///
    /// # Errors
    ///
    /// When it does not answer, or not with 200.
    pub async fn greet(&self) -> Result<Option<String>, ServiceError> {
        let request = self.0.client.get(&self.0.base).timeout(ANSWER_WITHIN);
        let response = request.send().await.map_err(ServiceError::of)?;
        let (status, date) = (response.status(), response.headers().get("date").cloned());
        let text = read(response).await?;
        if !status.is_success() {
            return Err(ServiceError::refused(status.as_u16(), &text));
        }
        Ok(date.and_then(|date| date.to_str().ok().map(str::to_owned)))
    }

    fn token(&self, needs: Needs<'_>, until: Duration) -> String {
        let now = (self.0.now)();
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), self.0.key.as_str().into());
        claims.insert("nbf".to_owned(), now.as_secs().saturating_sub(60).into());
        claims.insert("exp".to_owned(), until.as_secs().into());
        let (video, sip) = match needs {
            Needs::MakeRooms => (Some(json!({"roomCreate": true})), None),
            Needs::ListRooms => (Some(json!({"roomList": true})), None),
            Needs::Room(room) => (Some(json!({"roomAdmin": true, "room": room})), None),
            Needs::Trunks => (None, Some(json!({"admin": true}))),
            Needs::Calls(room) => {
                (Some(json!({"roomAdmin": true, "room": room})), Some(json!({"call": true})))
            }
        };
        claims.extend(video.map(|grant| ("video".to_owned(), grant)));
        claims.extend(sip.map(|grant| ("sip".to_owned(), grant)));
        seal(&Value::Object(claims), self.0.secret.expose_secret())
    }
}

/// The address for HTTP, without a '/' at the end.
fn http(url: &Url) -> Option<String> {
    let scheme = match url.scheme() {
        "ws" | "http" => "http",
        "wss" | "https" => "https",
        _ => return None,
    };
    let (_, rest) = url.as_str().split_once(':')?;
    Some(format!("{scheme}:{}", rest.trim_end_matches('/')))
}

async fn read(mut response: Response) -> Result<Vec<u8>, ServiceError> {
    let mut text = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(ServiceError::of)? {
        if text.len() + piece.len() > MAX_ANSWER {
            return Err(ServiceError::TooLarge);
        }
        text.extend_from_slice(&piece);
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
