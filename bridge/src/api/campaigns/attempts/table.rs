//! `GET /api/v1/campaigns/{campaign_id}/attempts.csv`

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use futures_util::{StreamExt, stream};
use tracing::instrument;
use vox_shared::ids::CampaignId;

use super::super::view::whole_tenant;
use super::view::{AttemptView, head, line};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCampaigns;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::attempts::Attempts;
use crate::store::engine::MAX_PAGE;
use crate::store::{Cursor, Stores};

/// All attempts of a campaign as CSV, newest first, a line for each. A cell that a spreadsheet would take for a formula begins with an
/// apostrophe.
#[instrument(name = "campaigns.attempts.table", skip_all, fields(campaign.id = %id.0))]
pub async fn table(
    who: Allowed<ReadCampaigns>,
    id: InPath<CampaignId>,
    stores: Data<Stores>,
) -> ApiResult<HttpResponse> {
    let tenant = whole_tenant(&who)?;
    stores.campaigns(tenant).get_campaign(&id.0).await?;
    let from = Place { attempts: stores.attempts(tenant), campaign: id.0, after: None };
    let first = stream::once(async { Ok(Bytes::from(head())) });
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, "text/csv; charset=utf-8"));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response.insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"attempts.csv\""));
    Ok(response.streaming(first.chain(stream::unfold(Some(from), page))))
}

struct Place {
    attempts: Attempts,
    campaign: CampaignId,
    after: Option<Cursor>,
}

async fn page(place: Option<Place>) -> Option<(std::io::Result<Bytes>, Option<Place>)> {
    let Place { attempts, campaign, after } = place?;
    let listed = match attempts.list_attempts(&campaign, MAX_PAGE, after).await {
        Ok(listed) => listed,
        Err(error) => return Some((Err(std::io::Error::other(error)), None)),
    };
    let after = listed.next_cursor.as_deref().and_then(|cursor| Cursor::parse(cursor).ok());
    let lines: String = listed.items.into_iter().map(|stored| line(&AttemptView::from(stored))).collect();
    let next = after.map(|after| Place { attempts, campaign, after: Some(after) });
    // A piece without bytes would be the end of the answer.
    if lines.is_empty() { None } else { Some((Ok(Bytes::from(lines)), next)) }
}
