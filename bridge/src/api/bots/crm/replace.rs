//! `PUT /api/v1/bots/{bot_id}/crm`

use actix_web::web::{Data, Json};
use serde_json::Value;
use tracing::instrument;
use vox_shared::ids::BotId;

use super::view::CrmView;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::crm::Crm;
use crate::crm::settings::{CrmRequest, CrmSettings};
use crate::edge::body::Checked;
use crate::edge::params::{IfMatch, InPath};
use crate::error::{ApiError, ApiResult};
use crate::fields::typed;
use crate::store::crm::Integration;
use crate::store::{Stamp, StoreError, Stored};

/// Set a bot's CRM anew. Values of headers that are left out stay.
#[instrument(name = "bots.crm.replace", skip_all, fields(bot.id = %bot.0))]
pub async fn replace(
    who: Allowed<EditBots>,
    (trail, bot): (Trail, InPath<BotId>),
    expected: IfMatch,
    crm: Data<Crm>,
    body: Checked<Value>,
) -> ApiResult<Json<CrmView>> {
    trail.concerns(bot.0.as_str());
    crm.stores.bots(who.reach()).get_bot(&bot.0).await?;
    let request: CrmRequest = typed(body.0).map_err(|fault| ApiError::invalid(vec![fault]))?;
    let (tenant, now) = (who.reach().tenant(), Stamp(crm.clock.now()));
    let integrations = crm.stores.crm(tenant);
    let known = integrations.find_integration(&bot.0).await?;
    if expected.0.is_some_and(|version| Some(version) != known.as_ref().map(|known| known.version)) {
        return Err(StoreError::Conflict.into());
    }
    let none = CrmSettings::default();
    let old = known.as_ref().map_or(&none, |known| &known.value.settings);
    let rules = crm.stores.tenants().egress_rules(tenant).await?;
    let settings = request.checked(old, (&crm.egress, &rules)).map_err(ApiError::invalid)?;
    if let Some(mut known) = known {
        (known.value.settings, known.value.updated_at) = (settings, now);
        return Ok(Json(integrations.replace_integration(known).await?.into()));
    }
    let value = Integration { tenant_id: tenant.clone(), created_at: now, updated_at: now, settings };
    match integrations.insert_integration(&bot.0, &value).await {
        // Another request set it at this moment.
        Err(StoreError::Duplicate) => Err(StoreError::Conflict.into()),
        inserted => {
            inserted?;
            Ok(Json(Stored { id: bot.0.to_string(), version: 1, value }.into()))
        }
    }
}
