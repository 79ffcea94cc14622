//! `POST /api/v1/livekit/webhook`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::{Instrument as _, instrument};
use utoipa::ToSchema;

use crate::auth::livekit::FromLiveKit;
use crate::error::{ApiError, ApiResult};
use crate::livekit::NotConfigured;
use crate::livekit::inbound::{Inbound, InboundError};
use crate::metrics::Metrics;

/// What came of an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToldView {
    /// `dispatched`: a worker has the call. `refused`: a worker has none of it, and has sent the phone away. `repeated`: it was told before.
    /// `ignored`: nothing is done for it.
    pub status: &'static str,
}

/// Something happened at LiveKit: a phone that waits in a room of a call gets its bot.
#[instrument(name = "livekit.webhook", skip_all, fields(event = %told.0.event))]
pub async fn webhook(
    told: FromLiveKit,
    inbound: Data<Inbound>,
    metrics: Data<Metrics>,
) -> ApiResult<Json<ToldView>> {
    // In a task of its own: a teller who hangs up must not leave a call half handed over.
    let inbound = Inbound::clone(&inbound);
    let told = tokio::spawn(async move { Box::pin(inbound.told(&told.0)).await }.in_current_span());
    let came = told.await.unwrap_or(Err(InboundError::BrokenOff));
    metrics.livekit_told(came.as_ref().map_or("failed", |outcome| outcome.as_str()));
    Ok(Json(ToldView { status: came?.as_str() }))
}

impl From<InboundError> for ApiError {
    fn from(error: InboundError) -> Self {
        match error {
            InboundError::NoSlot(error) => error.into(),
            InboundError::InHand => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "dispatch_under_way",
                "the call is being handed over; tell it again",
            ),
            InboundError::NotHandedOver(_) | InboundError::BrokenOff => {
                tracing::warn!(%error, "a call from LiveKit has no worker");
                Self::new(
                    StatusCode::BAD_GATEWAY,
                    "dispatch_failed",
                    "no worker took the call; tell it again",
                )
            }
            InboundError::Store(error) => error.into(),
        }
    }
}

impl From<NotConfigured> for ApiError {
    fn from(error: NotConfigured) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "livekit_not_configured", error.to_string())
    }
}
