//! What a bridge remembers of campaigns for some seconds: nothing of it decides whether a number is rung.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use vox_shared::ids::{CampaignId, TenantId};

use super::caller::Line;
use super::cooling::Shown;
use super::ledger::Figures;
use crate::campaign::health::{self, Hour};
use crate::store::Stamp;

const LINES_FOR: SignedDuration = SignedDuration::from_secs(5);
const FIGURES_FOR: SignedDuration = SignedDuration::from_secs(10);
const SLOTS_FOR: SignedDuration = SignedDuration::from_secs(2);
const OPEN_FOR: SignedDuration = SignedDuration::from_secs(5);
/// What is kept of each kind; then all of it is forgotten.
const MOST: usize = 10_000;

/// See the module. Cheap to clone.
#[derive(Clone, Default)]
pub struct Board(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    lines: HashMap<TenantId, (Stamp, Arc<Vec<Line>>)>,
    figures: HashMap<CampaignId, (Stamp, Figures)>,
    slots: Option<(Stamp, u32)>,
    open: Option<(Stamp, Vec<CampaignId>)>,
    /// Whose first calls are known to be over, and since when these were counted.
    begun: HashMap<CampaignId, Stamp>,
    /// Calls that are not written down yet, and when the first of them was counted.
    counted: HashMap<Shown, Vec<Hour>>,
    counted_since: Option<Stamp>,
}

impl Board {
    pub(super) fn lines(&self, tenant: &TenantId, now: Stamp) -> Option<Arc<Vec<Line>>> {
        let kept = self.kept();
        kept.lines.get(tenant).filter(|(at, _)| now < *at + LINES_FOR).map(|(_, lines)| lines.clone())
    }

    pub(super) fn keep_lines(&self, tenant: &TenantId, lines: Arc<Vec<Line>>, now: Stamp) {
        let mut kept = self.kept();
        if kept.lines.len() >= MOST {
            kept.lines.clear();
        }
        kept.lines.insert(tenant.clone(), (now, lines));
    }

    pub(super) fn forget_lines(&self, tenant: &TenantId) {
        self.kept().lines.remove(tenant);
    }

    pub(super) fn figures(&self, campaign: &CampaignId, now: Stamp) -> Option<Figures> {
        let kept = self.kept();
        kept.figures
            .get(campaign)
            .filter(|(at, _)| now < *at + FIGURES_FOR)
            .map(|(_, figures)| figures.clone())
    }

    pub(super) fn keep_figures(&self, campaign: &CampaignId, figures: Figures, now: Stamp) {
        let mut kept = self.kept();
        if kept.figures.len() >= MOST {
            kept.figures.clear();
        }
        kept.figures.insert(campaign.clone(), (now, figures));
    }

    pub(super) fn forget_figures(&self, campaign: &CampaignId) {
        self.kept().figures.remove(campaign);
    }

    /// Whether the first calls of a campaign, counted since then, are over. Once they are they stay so.
    pub(super) fn has_begun(&self, campaign: &CampaignId, since: Stamp) -> bool {
        self.kept().begun.get(campaign) == Some(&since)
    }

    pub(super) fn keep_begun(&self, campaign: &CampaignId, since: Stamp) {
        let mut kept = self.kept();
        if kept.begun.len() >= MOST {
            kept.begun.clear();
        }
        kept.begun.insert(campaign.clone(), since);
    }

    /// Campaigns with calls that are not over.
    pub(super) fn open_campaigns(&self, now: Stamp) -> Option<Vec<CampaignId>> {
        let kept = self.kept();
        kept.open.as_ref().filter(|(at, _)| now < *at + OPEN_FOR).map(|(_, open)| open.clone())
    }

    pub(super) fn keep_open_campaigns(&self, open: Vec<CampaignId>, now: Stamp) {
        self.kept().open = Some((now, open));
    }

    pub(super) fn slots(&self, now: Stamp) -> Option<u32> {
        self.kept().slots.filter(|(at, _)| now < *at + SLOTS_FOR).map(|(_, slots)| slots)
    }

    pub(super) fn keep_slots(&self, slots: u32, now: Stamp) {
        self.kept().slots = Some((now, slots));
    }

    /// A call is over.
    pub(super) fn count(&self, shown: Shown, call: Hour, now: Stamp) {
        let mut kept = self.kept();
        if kept.counted.len() >= MOST && !kept.counted.contains_key(&shown) {
            return;
        }
        if kept.counted_since.is_none() {
            kept.counted_since = Some(now);
        }
        health::add(kept.counted.entry(shown).or_default(), &[call]);
    }

    /// The calls that are over, if the first of them was counted before; they are not kept any more.
    pub(super) fn take_counted(&self, before: Stamp) -> Vec<(Shown, Vec<Hour>)> {
        let mut kept = self.kept();
        if kept.counted_since.is_none_or(|since| since > before) {
            return Vec::new();
        }
        kept.counted_since = None;
        kept.counted.drain().collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
