//! `POST /api/v1/campaigns`

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Deserialize;
use serde_json::Value;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::BotId;

use super::view::{Tagged, tagged, whole_tenant};
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCampaigns;
use crate::campaign::desk::{CampaignDesk, PARTITIONS, Wish};
use crate::campaign::settings::Settings;
use crate::edge::body::Checked;
use crate::edge::idempotency::creation;
use crate::error::{ApiError, ApiResult};
use crate::fields::typed;

/// A campaign to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCampaign {
    /// 1 to 120 characters.
    pub name: String,
    /// Who calls, unless a row chooses another one of `settings.choices`.
    #[schema(value_type = String)]
    pub bot_id: BotId,
    /// 16, or 64 for lists of more than 100,000.
    #[serde(default)]
    pub partitions: Option<u32>,
    #[serde(default)]
    #[schema(inline = false)]
    pub settings: Settings,
}

/// Make a campaign. It is a draft: it calls nobody until it is started.
#[instrument(name = "campaigns.create", skip_all)]
pub async fn create(
    who: Allowed<EditCampaigns>,
    trail: Trail,
    desk: Data<CampaignDesk>,
    request: HttpRequest,
    body: Checked<Value>,
) -> ApiResult<Tagged> {
    let tenant = whole_tenant(&who)?;
    let creation = creation(request.headers(), who.id(), &body.0)?;
    let asked: NewCampaign = typed(body.0).map_err(|fault| ApiError::invalid(vec![fault]))?;
    let wish = Wish {
        name: asked.name.trim().to_owned(),
        bot_id: asked.bot_id,
        partitions: asked.partitions.unwrap_or(PARTITIONS[0]),
        settings: asked.settings,
    };
    let campaign = desk.create((tenant, who.id()), creation, wish).await?;
    trail.concerns(&campaign.id);
    Ok(tagged(campaign, StatusCode::CREATED))
}
