//! Where a client resumes.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use crate::error::{ApiError, ApiResult};

/// The header that a client sends when it comes again.
pub const HEADER: &str = "last-event-id";
/// Longest id of ours, bytes.
const MAX_BYTES: usize = 64;

/// The id of the last event that the client has, if it has any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastEventId(Option<String>);

impl LastEventId {
    /// What the id means to the stream that gave it; 400 when no such stream gave one like it.
    pub fn read<T: FromStr>(&self) -> ApiResult<Option<T>> {
        self.0.as_deref().map(|id| id.parse().map_err(|_| refused())).transpose()
    }
}

impl FromRequest for LastEventId {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut given = request.headers().get_all(HEADER);
        ready(match (given.next(), given.next()) {
            (None, _) => Ok(Self(None)),
            (Some(id), None) => checked(id.as_bytes()),
            _ => Err(refused()),
        })
    }
}

fn checked(id: &[u8]) -> ApiResult<LastEventId> {
    match std::str::from_utf8(id) {
        // A client whose last event had an empty id.
        Ok("") => Ok(LastEventId(None)),
        Ok(id) if id.len() <= MAX_BYTES && id.bytes().all(|b| b.is_ascii_graphic()) => {
            Ok(LastEventId(Some(id.to_owned())))
        }
        _ => Err(refused()),
    }
}

fn refused() -> ApiError {
    ApiError::bad_request(
        "bad_event_id",
        "`Last-Event-ID` is no id of this stream; send the `id` of the last event you have, once, or leave it out",
    )
}
