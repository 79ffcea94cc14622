//! `PUT /api/v1/integrations/exotel`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::CarrierId;

use super::view::AccountView;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCarriers;
use crate::edge::body::Checked;
use crate::edge::params::IfMatch;
use crate::error::{ApiError, ApiResult};
use crate::exotel::Exotel;
use crate::exotel::settings::AccountRequest;
use crate::store::exotel::Account;
use crate::store::{Stamp, StoreError, Stored};

/// Set the tenant's account. Credentials that are left out stay.
#[instrument(name = "exotel.replace", skip_all)]
pub async fn replace(
    who: Allowed<EditCarriers>,
    trail: Trail,
    expected: IfMatch,
    exotel: Data<Exotel>,
    body: Checked<AccountRequest>,
) -> ApiResult<Json<AccountView>> {
    let (accounts, now) = (exotel.stores.exotel(who.tenant()), Stamp(exotel.clock.now()));
    let known = accounts.find_account().await?;
    if expected.0.is_some_and(|version| Some(version) != known.as_ref().map(|known| known.version)) {
        return Err(StoreError::Conflict.into());
    }
    let rules = exotel.stores.tenants().egress_rules(who.tenant()).await?;
    let old = known.as_ref().map(|known| &known.value.settings);
    let settings = body.0.checked(old, (&exotel.egress, &rules)).map_err(ApiError::invalid)?;
    if let Some(mut known) = known {
        trail.concerns(known.value.carrier_id.as_str());
        (known.value.settings, known.value.updated_at, known.value.closing) = (settings, now, false);
        return Ok(Json(accounts.replace_account(known).await?.into()));
    }
    let value = Account {
        tenant_id: who.tenant().clone(),
        carrier_id: CarrierId::generate(),
        created_at: now,
        updated_at: now,
        closing: false,
        settings,
    };
    trail.concerns(value.carrier_id.as_str());
    match accounts.insert_account(&value).await {
        // Another request set it at this moment.
        Err(StoreError::Duplicate) => Err(StoreError::Conflict.into()),
        inserted => {
            inserted?;
            Ok(Json(Stored { id: who.tenant().to_string(), version: 1, value }.into()))
        }
    }
}
