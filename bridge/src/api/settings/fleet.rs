//! `PUT /api/v1/settings/fleet`

use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;

use crate::api::fleet::add_host::HostRequest;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageHosts;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::fleet::hosts::{MAX_POLLED, NewHost};
use crate::fleet::reserve::Fleet;

/// The hosts of the deployment whose workers do not register.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolledHosts {
    /// 200 at most, each name once.
    pub hosts: Vec<HostRequest>,
}

/// Poll exactly these hosts from now on, of the whole deployment.
#[instrument(name = "settings.fleet", skip_all)]
pub async fn fleet(
    _: Allowed<ManageHosts>,
    fleet: Data<Fleet>,
    body: Checked<PolledHosts>,
) -> ApiResult<Json<PolledHosts>> {
    let hosts: Vec<NewHost> =
        body.0.hosts.into_iter().map(|HostRequest { name, url }| NewHost { name, url }).collect();
    let faults = faults(&hosts);
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    fleet.set_hosts(&hosts).await?;
    Ok(Json(polled(&fleet).await?))
}

/// The hosts that are polled, by name.
pub async fn polled(fleet: &Fleet) -> ApiResult<PolledHosts> {
    let hosts = fleet.stores.hosts().list_hosts().await?;
    let shown = hosts.into_iter().filter_map(|host| {
        let url = host.value.url?;
        Some(HostRequest { name: host.value.name, url })
    });
    Ok(PolledHosts { hosts: shown.collect() })
}

fn faults(hosts: &[NewHost]) -> Vec<FieldError> {
    if hosts.len() > MAX_POLLED {
        return vec![FieldError::new("hosts", format!("are {MAX_POLLED} at most"))];
    }
    let mut faults = Vec::new();
    for (at, host) in hosts.iter().enumerate() {
        let inside = host.faults().into_iter();
        faults
            .extend(inside.map(|fault| FieldError::new(format!("hosts.{at}.{}", fault.path), fault.message)));
        if hosts[..at].iter().any(|before| before.name == host.name) {
            faults.push(FieldError::new(format!("hosts.{at}.name"), "is named twice"));
        }
    }
    faults
}
