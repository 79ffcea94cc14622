//! Whether rooms come into being by themselves.

use secrecy::ExposeSecret;
use serde_json::{Map, json};

use super::{ANSWER_WITHIN, Service, ServiceError, TOKEN_LIFE, read};
use crate::token::seal;

/// Who asks.
const IDENTITY: &str = "vox-self-test";

impl Service {
    /// Whether somebody whose token allows to join, and to make no room, is let into a room that nobody has made: `room.auto_create` of the
    /// server. Where it is off, a request to dial into a room that is gone dies before it rings. Nobody joins by this.
    ///
    /// # Errors
    ///
    /// When the server does not answer, or answers neither way.
    pub async fn lets_into_unmade_rooms(&self, room: &str) -> Result<bool, ServiceError> {
        let now = (self.0.now)();
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), self.0.key.as_str().into());
        claims.insert("sub".to_owned(), IDENTITY.into());
        claims.insert("nbf".to_owned(), now.as_secs().saturating_sub(60).into());
        claims.insert("exp".to_owned(), (now + TOKEN_LIFE).as_secs().into());
        claims.insert("video".to_owned(), json!({"roomJoin": true, "room": room, "hidden": true}));
        let token = seal(&claims.into(), self.0.secret.expose_secret());
        // What the server itself asks before a session: it validates the token and looks for the room.
        let request = self.0.client.get(format!("{}/rtc/validate", self.0.base));
        let request = request.bearer_auth(token).timeout(ANSWER_WITHIN);
        let response = request.send().await.map_err(ServiceError::of)?;
        let status = response.status().as_u16();
        let text = read(response).await?;
        match status {
            200 => Ok(true),
            404 if String::from_utf8_lossy(&text).contains("room does not exist") => Ok(false),
            _ => Err(ServiceError::refused(status, &text)),
        }
    }
}
