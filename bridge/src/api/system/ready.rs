//! `GET /ready`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;

use crate::readiness::{Readiness, ReadyParts, ReadyState};

/// How the bridge is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ready {
    /// `up`; `degraded` when a part is missing that the bridge goes on without; `down` when it can do nothing, which is a 503.
    pub status: ReadyState,
    pub parts: ReadyParts,
    pub version: &'static str,
}

/// Whether each part that the bridge stands on works, for proxies and people.
#[instrument(name = "ready", skip_all)]
pub async fn ready(readiness: Data<Readiness>) -> HttpResponse {
    let parts = readiness.look().await;
    let status = parts.state();
    let code = if status == ReadyState::Down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    HttpResponse::build(code).json(Ready { status, parts, version: env!("CARGO_PKG_VERSION") })
}
