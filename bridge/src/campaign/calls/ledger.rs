//! Figures of a campaign, counted from its attempts: nothing is added up beside them, so nothing can differ from them.

use jiff::{SignedDuration, Timestamp};
use vox_shared::ids::CampaignId;
use vox_shared::wire::dialler::Statistics;

use super::CallDesk;
use crate::campaign::outcome::Tally;
use crate::store::attempts::Attempts;
use crate::store::campaigns::Campaign;
use crate::store::{Stamp, StoreError};

/// The law looks back so far.
const MONTH: SignedDuration = SignedDuration::from_hours(30 * 24);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// A share of fewer answers says nothing.
const LEAST_ANSWERS: u64 = 100;
/// Calls whose length is averaged.
const TALKS: usize = 50;

/// What is known of a campaign's calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    pub statistics: Statistics,
    /// Outcomes since it was started last.
    pub since_start: u64,
    /// So many calls were abandoned that nothing but one line for each free slot is allowed.
    pub hard_stop: bool,
}

impl CallDesk {
    /// The figures of now, or of some seconds ago.
    pub(super) async fn figures(&self, id: &CampaignId, campaign: &Campaign) -> Result<Figures, StoreError> {
        let now = self.now();
        if let Some(known) = self.board.figures(id, now) {
            return Ok(known);
        }
        let attempts = self.stores.attempts(&campaign.tenant_id);
        let figures = Figures {
            statistics: statistics((&attempts, id), now).await?,
            since_start: outcomes((&attempts, id), campaign.started_at.unwrap_or(now)).await?,
            hard_stop: false,
        };
        let (answered, abandoned) = (figures.statistics.answered_30d, figures.statistics.abandoned_30d);
        let hard_stop = is_too_many((answered, abandoned), campaign.settings.pacing.abandon_percent);
        let figures = Figures { hard_stop, ..figures };
        self.board.keep_figures(id, figures.clone(), now);
        Ok(figures)
    }
}

pub(in crate::campaign) fn is_too_many((answered, abandoned): (u64, u64), percent: f64) -> bool {
    answered >= LEAST_ANSWERS && 100.0 * abandoned as f64 >= percent * answered as f64
}

async fn statistics((attempts, id): (&Attempts, &CampaignId), now: Stamp) -> Result<Statistics, StoreError> {
    let seconds = now.0.as_second();
    let midnight = Timestamp::from_second(seconds - seconds.rem_euclid(DAY.as_secs())).map_or(now, Stamp);
    let day = now + -DAY;
    let count = |tally, since| attempts.count_tally(id, tally, since);
    let (humans, abandoned) = (count(Tally::Human, day).await?, count(Tally::Abandoned, day).await?);
    let (machines, failed) = (count(Tally::Machine, day).await?, count(Tally::Failed, day).await?);
    let unanswered = count(Tally::Unanswered, day).await?;
    let month = now + -MONTH;
    let abandoned_30d = count(Tally::Abandoned, month).await?;
    let abandoned_today = count(Tally::Abandoned, midnight).await?;
    Ok(Statistics {
        outcomes: humans + abandoned + machines + failed + unanswered,
        humans: humans + abandoned,
        machines,
        failed,
        talk_secs: talk((attempts, id)).await?,
        answered_30d: count(Tally::Human, month).await? + abandoned_30d,
        abandoned_30d,
        answered_today: count(Tally::Human, midnight).await? + abandoned_today,
        abandoned_today,
    })
}

async fn talk((attempts, id): (&Attempts, &CampaignId)) -> Result<Option<f64>, StoreError> {
    let newest = attempts.newest_of_tally(id, Tally::Human, TALKS).await?;
    let talks: Vec<f64> = newest.into_iter().filter_map(|one| Some(one.value.word?.talk_seconds)).collect();
    Ok((!talks.is_empty()).then(|| talks.iter().sum::<f64>() / talks.len() as f64))
}

async fn outcomes((attempts, id): (&Attempts, &CampaignId), since: Stamp) -> Result<u64, StoreError> {
    let mut all = 0;
    for tally in Tally::ALL.into_iter().filter(|tally| *tally != Tally::Uncounted) {
        all += attempts.count_tally(id, tally, since).await?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_stops_only_when_it_says_something() {
        assert!(!is_too_many((99, 99), 2.8));
        assert!(!is_too_many((1_000, 27), 2.8));
        assert!(is_too_many((1_000, 28), 2.8));
    }
}
