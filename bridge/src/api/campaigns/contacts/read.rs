//! `GET /api/v1/campaigns/{campaign_id}/contacts/{contact_id}`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::{CampaignId, ContactId};

use super::super::view::whole_tenant;
use super::view::ContactView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCampaigns;
use crate::campaign::calendar::Rules;
use crate::campaign::desk::CampaignDesk;
use crate::campaign::preflight::look_at;
use crate::campaign::why::Standing;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::store::campaigns::{Campaign, CampaignState};
use crate::store::contacts::{Contact, ContactStatus};

/// A contact, why it is not called yet, and when next.
#[instrument(name = "campaigns.contacts.read", skip_all, fields(campaign.id = %ids.0.0))]
pub async fn read(
    who: Allowed<ReadCampaigns>,
    ids: InPath<(CampaignId, ContactId)>,
    desk: Data<CampaignDesk>,
) -> ApiResult<Json<ContactView>> {
    let (tenant, (campaign, contact)) = (whole_tenant(&who)?, &ids.0);
    let stores = &desk.stores;
    let campaign_now = stores.campaigns(tenant).get_campaign(campaign).await?.value;
    let found = stores.contacts(tenant).find_contact(contact).await?;
    let found = found.filter(|found| found.value.campaign_id == *campaign);
    let found = found.ok_or_else(|| ApiError::not_found("contact"))?;
    let calendar = stores.settings().calendar(tenant).await?;
    let rules = Rules { settings: &campaign_now.settings, calendar: &calendar };
    let why = look_at(stores, rules, &found.value, desk.clock.now()).await?;
    let why = of_campaign(&campaign_now, &found.value, why);
    Ok(Json(ContactView { why: Some(why), ..found.into() }))
}

/// What the state of the campaign says before all else.
fn of_campaign(campaign: &Campaign, contact: &Contact, why: Standing) -> Standing {
    let is_stopped = |reason, detail: &str| Standing { reason, detail: detail.to_owned(), next_at: None };
    if contact.status != ContactStatus::Ready {
        return why;
    }
    match campaign.state {
        CampaignState::Running if campaign.draining => {
            is_stopped("draining", "the campaign begins no more calls")
        }
        CampaignState::Running => why,
        CampaignState::Draft => is_stopped("not_started", "the campaign was not started"),
        CampaignState::Paused => is_stopped("paused", "the campaign is paused: resume it"),
        CampaignState::Failed => {
            is_stopped("ended", "the campaign cannot go on: mend what it lacks, and resume it")
        }
        CampaignState::Completed => is_stopped("ended", "the campaign has ended: restart it"),
        CampaignState::Archived => is_stopped("ended", "the campaign has ended, and is kept to be read"),
    }
}
