//! How a campaign goes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use vox_shared::ids::CampaignId;
use vox_shared::wire::dialler::tick::Factor;

use super::calendar::Rules;
use super::calls::ToldTick;
use super::figures::Figures;
use super::preflight::Dials;
use crate::store::campaigns::{Campaign, CampaignState};
use crate::store::contacts::{Contact, ContactStatus};
use crate::store::{Stamp, StoreError, Stored, Stores};

/// Contacts that are looked at for somebody who can be called.
const SAMPLE: usize = 20;

/// A campaign as it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CampaignStatus {
    pub state: CampaignState,
    pub draining: bool,
    /// Why it stands where it stands, where nobody asked for it.
    pub why: Option<String>,
    /// Contacts by status.
    pub contacts: BTreeMap<String, u64>,
    /// Of those that are ready, those whose time has come.
    pub due: u64,
    /// When the next one's time comes; null when nobody is ready.
    #[schema(value_type = Option<String>)]
    pub next_at: Option<Timestamp>,
    /// Attempts of the last 30 days by what they came to.
    pub attempts: AttemptCounts,
    /// Of what was dialled, the share that people answered; null while nothing was.
    pub answer_share: Option<f64>,
    /// Mean length of the newest calls that people answered, seconds.
    pub handle_seconds: Option<f64>,
    pub abandons: Abandons,
    /// Lines in flight, the ringing ones among them, as its diallers told at `told_at`; 0 when none told anything.
    pub lines: u32,
    pub ringing: u32,
    /// When they told it, of several the one that told first; null when none did in the last 15 s, or the campaign is over with its last call.
    #[schema(value_type = Option<String>)]
    pub told_at: Option<Timestamp>,
    pub limiting: CampaignLimit,
    /// RFC 3339, UTC, without the waits between attempts; null when it does not run, or cannot be told.
    #[schema(value_type = Option<String>)]
    pub expected_end: Option<Timestamp>,
}

/// How many attempts came to what.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = CampaignAttemptCounts)]
pub struct AttemptCounts {
    pub human: u64,
    pub abandoned: u64,
    pub machine: u64,
    pub unanswered: u64,
    pub failed: u64,
    /// The carrier's trouble, or ours: they count against no cap.
    pub uncounted: u64,
}

/// Calls that people answered and that were left in silence, over 30 days.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = CampaignAbandons)]
pub struct Abandons {
    pub answered: u64,
    pub abandoned: u64,
    /// In hundredths; null while nobody answered.
    pub percent: Option<f64>,
    pub ceiling_percent: f64,
    /// How many more may be, with what was answered until now.
    pub left: u64,
}

/// What keeps a campaign from calling more now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CampaignLimit {
    /// A word, see `docs/campaigns.md`.
    pub factor: String,
    pub detail: String,
}

/// Look at a campaign, with what its diallers told of it last.
pub async fn of(
    stores: &Stores,
    (campaign, told): (&Stored<Campaign>, &[ToldTick]),
    now: Timestamp,
) -> Result<CampaignStatus, StoreError> {
    let id: CampaignId = campaign.id.parse().map_err(|_| StoreError::NotFound)?;
    let Campaign { tenant_id, settings, state, draining, why, .. } = &campaign.value;
    let contacts = stores.contacts(tenant_id);
    let mut counts = BTreeMap::new();
    for status in ContactStatus::ALL {
        counts.insert(status.as_str().to_owned(), contacts.count_in(&id, status).await?);
    }
    let due = contacts.count_due(&id, Stamp(now)).await?;
    let first = contacts.list_in((&id, ContactStatus::Ready), SAMPLE, None).await?.items;
    let figures = Figures::of(stores, (tenant_id, &id), Stamp(now)).await?;
    let ready = counts.get(ContactStatus::Ready.as_str()).copied().unwrap_or_default();
    let calendar = stores.settings().calendar(tenant_id).await?;
    let rules = Rules { settings, calendar: &calendar };
    let dials = Dials { expectation: figures.expected(), contacts: ready as f64, rules };
    let runs = *state == CampaignState::Running && !draining;
    // Of the first ones somebody may be callable at no time: by whose hours the end is told is whoever has some.
    let end = |contact: &Stored<Contact>| dials.finished_at(&contact.value, now.max(contact.value.next_at.0));
    let expected_end = if runs { first.iter().find_map(end) } else { None };
    Ok(CampaignStatus {
        state: *state,
        draining: *draining,
        why: why.clone(),
        contacts: counts,
        due,
        next_at: first.first().map(|first| first.value.next_at.0),
        attempts: AttemptCounts {
            human: figures.human,
            abandoned: figures.abandoned,
            machine: figures.machine,
            unanswered: figures.unanswered,
            failed: figures.failed,
            uncounted: figures.uncounted,
        },
        answer_share: figures.answer_share(),
        handle_seconds: figures.talk_secs,
        abandons: Abandons {
            answered: figures.human + figures.abandoned,
            abandoned: figures.abandoned,
            percent: figures.abandon_percent(),
            ceiling_percent: settings.pacing.abandon_percent,
            left: figures.abandons_left(settings.pacing.abandon_percent),
        },
        lines: told.iter().map(|told| told.tick.lines).sum(),
        ringing: told.iter().map(|told| told.tick.ringing).sum(),
        told_at: told.iter().map(|told| told.at).min(),
        limiting: limiting(&campaign.value, (ready, due), told),
        expected_end,
    })
}

/// From what is plainest on: the state, the list, and then what its diallers say.
fn limiting(campaign: &Campaign, (ready, due): (u64, u64), told: &[ToldTick]) -> CampaignLimit {
    let limit =
        |factor: &str, detail: &str| CampaignLimit { factor: factor.to_owned(), detail: detail.to_owned() };
    match campaign.state {
        CampaignState::Running if campaign.draining => limit("draining", "it begins no more calls"),
        CampaignState::Running if ready == 0 => limit("list", "nobody is left who is not called already"),
        CampaignState::Running if due == 0 => limit("waiting", "nobody's time has come; `next_at` says when"),
        CampaignState::Running => {
            let limits = told.iter().map(|told| &told.tick.limiting);
            match limits.max_by_key(|limiting| limiting.factor != Factor::Nothing) {
                None => limit(
                    "dialler",
                    "no dialler works on it: does vox-dialler run, and does it reach the bridge?",
                ),
                Some(limiting) if campaign.settings.previews() && limiting.factor == Factor::List => {
                    limit("cards", "somebody has to accept the next card")
                }
                Some(limiting) => limit(&word(limiting.factor), &limiting.detail),
            }
        }
        state => limit(state.as_str(), "it does not run"),
    }
}

/// As on the wire.
fn word(factor: Factor) -> String {
    serde_json::to_value(factor).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
