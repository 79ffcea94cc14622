//! `POST /api/v1/fleet/hosts`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;

use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageHosts;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fleet::hosts::{HostError, NewHost};
use crate::fleet::reserve::Fleet;

/// A host whose workers do not register.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HostRequest {
    /// The name that it goes by.
    pub name: String,
    /// `http://HOST:PORT` and nothing else. The bridge sends its secret there.
    pub url: String,
}

/// Poll a host from now on. Adding it again changes its address.
#[instrument(name = "fleet.add_host", skip_all)]
pub async fn add_host(
    _: Allowed<ManageHosts>,
    trail: Trail,
    fleet: Data<Fleet>,
    body: Checked<HostRequest>,
) -> ApiResult<(Json<HostRequest>, StatusCode)> {
    let HostRequest { name, url } = body.0;
    let new = NewHost { name, url };
    let faults = new.faults();
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    trail.concerns(&new.name);
    fleet.add_host(&new).await?;
    Ok((Json(HostRequest { name: new.name, url: new.url }), StatusCode::CREATED))
}

impl From<HostError> for ApiError {
    fn from(error: HostError) -> Self {
        match error {
            HostError::TooMany => {
                let detail =
                    "200 hosts are polled, which is the most; take one away, or let its workers register";
                Self::conflict("too_many_hosts", detail)
            }
            HostError::Store(error) => error.into(),
        }
    }
}
