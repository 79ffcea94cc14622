//! `GET /api/v1/campaigns/{campaign_id}/contacts`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;
use vox_shared::ids::CampaignId;

use super::super::view::whole_tenant;
use super::view::ContactPage;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCampaigns;
use crate::edge::params::{InPath, InQuery, limit_of};
use crate::error::ApiResult;
use crate::store::contacts::ContactStatus;
use crate::store::{Cursor, StoreError, Stores};

/// Which contacts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ContactQuery {
    /// Those in this status only, by when they are due.
    #[param(inline)]
    status: Option<ContactStatus>,
    /// 1 to 200; 50 by default.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The contacts of a campaign, in the order in which they were added.
#[instrument(name = "campaigns.contacts.list", skip_all, fields(campaign.id = %id.0))]
pub async fn list(
    who: Allowed<ReadCampaigns>,
    id: InPath<CampaignId>,
    query: InQuery<ContactQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<ContactPage>> {
    let tenant = whole_tenant(&who)?;
    stores.campaigns(tenant).get_campaign(&id.0).await?;
    let cursor = query.0.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let (contacts, limit) = (stores.contacts(tenant), limit_of(query.0.limit)?);
    let found = match query.0.status {
        None => contacts.list_contacts(&id.0, limit, cursor).await?,
        Some(status) => contacts.list_in((&id.0, status), limit, cursor).await?,
    };
    Ok(Json(found.into()))
}
