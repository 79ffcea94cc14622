//! `GET /api/v1/bots/{bot_id}/compare`

use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::instrument;
use utoipa::{IntoParams, ToSchema};
use vox_shared::ids::BotId;
use vox_shared::model::bot::BotSettings;

use super::asked::edit;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadBots;
use crate::bot::catalogue::{Catalogue, Edit};
use crate::bot::compare::{Difference, compare as differences};
use crate::edge::params::{InPath, InQuery};
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;

/// How the draft is called among the versions.
const DRAFT: &str = "draft";

/// Which two. Without either it tells what publishing the draft would change.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct CompareQuery {
    /// The number of a version, or `draft`; by default the version that is published.
    from: Option<String>,
    /// The number of a version, or `draft`, which is the default.
    to: Option<String>,
}

/// What differs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Comparison {
    pub from: String,
    pub to: String,
    pub differences: Vec<DifferenceView>,
}

/// One field that differs.
#[derive(Debug, Serialize, ToSchema)]
pub struct DifferenceView {
    /// Dotted: `llm.fallbacks.0.model`.
    pub path: String,
    /// Absent when there was no such field. Secrets are masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub before: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub after: Option<Value>,
}

/// Compare two versions of a bot, or one with its draft, field by field.
#[instrument(name = "bots.compare", skip_all, fields(bot.id = %bot.0))]
pub async fn compare(
    who: Allowed<ReadBots>,
    bot: InPath<BotId>,
    query: InQuery<CompareQuery>,
    bots: Data<Catalogue>,
) -> ApiResult<Json<Comparison>> {
    let of = edit(&who, &bot.0, None);
    let published = bots.stores.bots(of.reach).get_bot(of.bot).await?.value.release.number;
    let from = query.0.from.unwrap_or_else(|| published.to_string());
    let to = query.0.to.unwrap_or_else(|| DRAFT.to_owned());
    let before = settings(&bots, of, ("from", &from)).await?;
    let after = settings(&bots, of, ("to", &to)).await?;
    let differences = differences(&before, &after).into_iter().map(DifferenceView::from).collect();
    Ok(Json(Comparison { from, to, differences }))
}

async fn settings(bots: &Catalogue, of: Edit<'_>, (field, which): (&str, &str)) -> ApiResult<BotSettings> {
    if which == DRAFT {
        let bot = bots.stores.bots(of.reach).get_bot(of.bot).await?;
        let draft = bot.value.draft.ok_or_else(|| ApiError::not_found("draft"))?;
        return Ok(draft.settings);
    }
    let wrong = || FieldError::new(field, "must be the number of a version, or 'draft'");
    let number = which.parse().map_err(|_| ApiError::invalid(vec![wrong()]))?;
    Ok(bots.get_version(of, number).await?.settings)
}

impl From<Difference> for DifferenceView {
    fn from(difference: Difference) -> Self {
        let Difference { path, before, after } = difference;
        Self { path, before, after }
    }
}
