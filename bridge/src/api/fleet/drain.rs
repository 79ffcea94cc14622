//! `POST /api/v1/fleet/hosts/{host}/drain` and `/undrain`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;

use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::DrainHosts;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::fleet::reserve::Fleet;

/// Give a host no new calls of the bridge's.
#[instrument(name = "fleet.drain", skip_all, fields(host = %host.0))]
pub async fn drain(
    _: Allowed<DrainHosts>,
    trail: Trail,
    host: InPath<String>,
    fleet: Data<Fleet>,
) -> ApiResult<HttpResponse> {
    trail.concerns(&host.0);
    fleet.drain(&host.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Give it calls again.
#[instrument(name = "fleet.undrain", skip_all, fields(host = %host.0))]
pub async fn undrain(
    _: Allowed<DrainHosts>,
    trail: Trail,
    host: InPath<String>,
    fleet: Data<Fleet>,
) -> ApiResult<HttpResponse> {
    trail.concerns(&host.0);
    fleet.undrain(&host.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
