//! `DELETE /api/v1/fleet/hosts/{host}`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;

use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageHosts;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::fleet::reserve::Fleet;

/// Poll a host no more.
#[instrument(name = "fleet.remove_host", skip_all, fields(host = %host.0))]
pub async fn remove_host(
    _: Allowed<ManageHosts>,
    trail: Trail,
    host: InPath<String>,
    fleet: Data<Fleet>,
) -> ApiResult<HttpResponse> {
    trail.concerns(&host.0);
    fleet.remove_host(&host.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
