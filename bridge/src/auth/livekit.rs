//! Proof that a request comes from the deployment's LiveKit server: its own token over the body.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use secrecy::ExposeSecret;
use vox_livekit::webhook::{Told, verify};

use crate::edge::body::{Whole, parse};
use crate::edge::part::part;
use crate::error::ApiError;
use crate::livekit::LiveKit;

/// Largest event, bytes: a room's metadata alone may have half of it.
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// An event that LiveKit sent.
#[derive(Debug)]
pub struct FromLiveKit(pub Told);

impl FromRequest for FromLiveKit {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let token = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        // A token that could be one, before it is said whether there is a LiveKit.
        let Some(token) = token.filter(|token| token.split('.').count() == 3).map(str::to_owned) else {
            let refusal =
                ApiError::unauthorized("only LiveKit itself may tell events: its token is missing or none");
            return Box::pin(std::future::ready(Err(refusal)));
        };
        let livekit: LiveKit = part::<LiveKit>(request).clone();
        let body = Whole::<MAX_EVENT_BYTES>::from_request(request, payload);
        Box::pin(async move {
            let server = livekit.server()?;
            let body = body.await?.0;
            let secret = (server.settings.key.as_str(), server.settings.secret.expose_secret());
            verify(Some(&token), &body, secret, server.now()).map_err(|forged| {
                tracing::warn!(%forged, "an event is not LiveKit's");
                ApiError::unauthorized("the token is not LiveKit's, or not of this body and now")
            })?;
            Ok(Self(parse(&body)?))
        })
    }
}
