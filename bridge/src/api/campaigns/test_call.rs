//! `POST /api/v1/campaigns/{campaign_id}/test-call`

use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::CampaignId;

use super::super::dialout::place::{Asked, place};
use super::view::whole_tenant;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::PlaceCalls;
use crate::dialout::Dialler;
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::fields::{FieldError, typed};

/// Whom to call, as if it was a contact of the campaign.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignTestCall {
    /// Your own telephone.
    pub number: String,
    /// Which of the campaign's bots, as a row would choose it.
    #[serde(default)]
    pub prompt: Option<String>,
    #[serde(default)]
    pub language: Option<String>,
    /// What the bot is told, as by a row.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub variables: Map<String, Value>,
}

/// The call that was placed.
#[derive(Debug, Serialize, ToSchema)]
pub struct CampaignTestCallView {
    pub call_id: String,
}

/// Have the campaign's bot call a number now. It is a call of its own: no contact, no attempt, and the campaign's hours do not hold; the
/// do-not-call list and the bot's own hours do.
#[instrument(name = "campaigns.test_call", skip_all, fields(campaign.id = %id.0))]
pub async fn test_call(
    (who, trail): (Allowed<PlaceCalls>, Trail),
    id: InPath<CampaignId>,
    dialler: Data<Dialler>,
    request: HttpRequest,
    body: Checked<Value>,
) -> ApiResult<Json<CampaignTestCallView>> {
    let tenant = whole_tenant(&who)?;
    trail.concerns(id.0.as_str());
    let campaign = dialler.stores.campaigns(tenant).get_campaign(&id.0).await?.value;
    let asked: CampaignTestCall = typed(body.0).map_err(|fault| ApiError::invalid(vec![fault]))?;
    let CampaignTestCall { number, prompt, language, mut variables } = asked;
    let unknown = |path: &str| FieldError::new(path, "the campaign has none of this name");
    let faults = [
        (prompt.as_deref().is_some_and(|prompt| !campaign.settings.knows_prompt(prompt)), "prompt"),
        (language.as_deref().is_some_and(|language| !campaign.settings.knows_language(language)), "language"),
    ];
    let faults: Vec<FieldError> =
        faults.into_iter().filter(|(is_unknown, _)| *is_unknown).map(|(_, path)| unknown(path)).collect();
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    let bot = campaign.settings.bot_for(prompt.as_deref(), language.as_deref(), &campaign.bot_id).clone();
    if let Some(language) = language {
        variables.insert("language".into(), language.into());
    }
    let from = campaign.settings.numbers.pool().next().map(|number| number.to_string());
    let asked =
        Asked { bot, to: ("number", number), from: ("numbers.from", from), event: ("variables", variables) };
    let call_id = Box::pin(place(&who, (&dialler, &request), asked)).await?;
    Ok(Json(CampaignTestCallView { call_id }))
}
