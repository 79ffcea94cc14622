//! Tokens: who may ask for what. A JSON Web Token with HMAC-SHA256, whose grants are looked at for each method.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;

use super::twirp::Fault;

/// By how much clocks may differ, seconds: the server's.
const LEEWAY: u64 = 60;

/// What a method needs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Needs<'a> {
    MakeRooms,
    ListRooms,
    /// To look into this room, and to act in it.
    Room(&'a str),
    Trunks,
    Calls,
    /// To be in this room.
    Join(&'a str),
}

/// What a token says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Claims {
    iss: String,
    #[serde(rename = "sub")]
    pub identity: String,
    video: Video,
    sip: Sip,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Video {
    room_create: bool,
    room_list: bool,
    room_admin: bool,
    room_join: bool,
    room: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Sip {
    admin: bool,
    call: bool,
}

/// A token that is none here: plain text, which repeats the token as the server does.
#[derive(Debug)]
pub(super) struct Invalid(String);

impl IntoResponse for Invalid {
    fn into_response(self) -> Response {
        (StatusCode::UNAUTHORIZED, self.0).into_response()
    }
}

impl Claims {
    /// Of a request; nothing is allowed without a token.
    pub(super) fn of(headers: &HeaderMap, key: (&str, &str)) -> Result<Self, Invalid> {
        let text = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(text) = text else { return Ok(Self::default()) };
        let Some(token) = text.strip_prefix("Bearer ") else {
            return Err(Invalid("invalid authorization header. Must start with Bearer ".into()));
        };
        Self::read(token, key)
    }

    /// Of the token itself.
    pub(super) fn read(token: &str, (key, secret): (&str, &str)) -> Result<Self, Invalid> {
        let invalid = |why: &str| Invalid(format!("invalid token: {token}, error: {why}"));
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp"]);
        let read = decode::<Self>(token, &DecodingKey::from_secret(secret.as_bytes()), &validation)
            .map_err(|error| invalid(&error.to_string()))?;
        if read.claims.iss != key {
            return Err(Invalid(format!("invalid API key: {}", read.claims.iss)));
        }
        Ok(read.claims)
    }

    pub(super) fn allow(&self, needs: Needs<'_>) -> Result<(), Fault> {
        let video = &self.video;
        let is_allowed = match needs {
            Needs::MakeRooms => video.room_create,
            Needs::ListRooms => video.room_list,
            Needs::Room(room) => video.room_admin && video.room == room,
            Needs::Trunks => self.sip.admin,
            Needs::Calls => self.sip.call,
            Needs::Join(room) => video.room_join && (video.room.is_empty() || video.room == room),
        };
        if is_allowed { Ok(()) } else { Err(Fault::new("unauthenticated", "permissions denied")) }
    }

    /// The room that may be joined with it.
    pub(super) fn room(&self) -> &str {
        &self.video.room
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
    use serde_json::{Value, json};

    use super::*;

    const KEY: (&str, &str) = ("key", "a secret that is long enough for it");

    fn token(claims: &Value) -> String {
        encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(KEY.1.as_bytes())).unwrap()
    }

    #[test]
    fn a_token_allows_what_it_says_for_as_long_as_it_says() {
        let now = get_current_timestamp();
        let good = token(&json!({"iss": "key", "exp": now + 5, "video": {"roomCreate": true}}));
        let claims = Claims::read(&good, KEY).unwrap();
        assert!(claims.allow(Needs::MakeRooms).is_ok());
        for needs in [Needs::ListRooms, Needs::Room("r"), Needs::Trunks, Needs::Calls, Needs::Join("r")] {
            assert_eq!(claims.allow(needs).unwrap_err().code, "unauthenticated");
        }
        // The server lets clocks differ by a minute, and not by more.
        for (claims, is_good) in [
            (json!({"iss": "key", "exp": now - 50}), true),
            (json!({"iss": "key", "exp": now - 70}), false),
            (json!({"iss": "key", "nbf": now + 70, "exp": now + 200}), false),
            (json!({"iss": "key"}), false),
            (json!({"iss": "other", "exp": now + 5}), false),
        ] {
            assert_eq!(Claims::read(&token(&claims), KEY).is_ok(), is_good, "{claims}");
        }
        assert!(Claims::read(&good, ("key", "another secret of the same length!!")).is_err());
    }

    #[test]
    fn a_right_in_a_room_is_of_that_room() {
        let exp = get_current_timestamp() + 5;
        let of = |video: Value| {
            let token = token(&json!({"iss": "key", "exp": exp, "video": video}));
            Claims::read(&token, KEY).unwrap()
        };
        let admin = of(json!({"roomAdmin": true, "room": "r"}));
        assert!(admin.allow(Needs::Room("r")).is_ok() && admin.allow(Needs::Room("s")).is_err());
        let guest = of(json!({"roomJoin": true, "room": "r"}));
        assert!(guest.allow(Needs::Join("r")).is_ok() && guest.allow(Needs::Join("s")).is_err());
    }
}
