//! What a campaign's calls were like.

use jiff::SignedDuration;
use vox_shared::ids::CampaignId;

use super::outcome::Tally;
use crate::store::{Stamp, StoreError, Stores};

/// The stretch over which abandoned calls are counted.
pub const LEDGER: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Calls whose length is looked at, the newest.
const LOOKED_AT: usize = 200;
/// Outcomes from which on a campaign's own figures say more than the usual ones.
const ENOUGH: u64 = 50;

/// Shares and lengths before anything was measured: of a hundred dials 25 people, 30 machines, and a call of 90 s.
const USUAL: (f64, f64, f64) = (0.25, 0.30, 90.0);
/// A person answers after so long, and a machine, seconds.
const ANSWERS: (f64, f64) = (9.0, 21.0);
/// How long a machine is listened to, seconds.
const MACHINE: f64 = 10.0;

/// Attempts of the last 30 days by what they came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    pub human: u64,
    pub abandoned: u64,
    pub machine: u64,
    pub unanswered: u64,
    pub failed: u64,
    /// Those that do not count: the carrier's trouble, or ours.
    pub uncounted: u64,
    /// Mean length of the newest calls that people answered, seconds.
    pub talk_secs: Option<f64>,
}

impl Figures {
    /// Of a campaign.
    pub async fn of(
        stores: &Stores,
        (tenant, campaign): (&vox_shared::ids::TenantId, &CampaignId),
        now: Stamp,
    ) -> Result<Self, StoreError> {
        let (attempts, since) = (stores.attempts(tenant), now + -LEDGER);
        let mut figures = Self::default();
        for tally in Tally::ALL {
            let count = attempts.count_tally(campaign, tally, since).await?;
            match tally {
                Tally::Human => figures.human = count,
                Tally::Abandoned => figures.abandoned = count,
                Tally::Machine => figures.machine = count,
                Tally::Unanswered => figures.unanswered = count,
                Tally::Failed => figures.failed = count,
                Tally::Uncounted => figures.uncounted = count,
            }
        }
        if figures.human > 0 {
            let newest = attempts.list_attempts(campaign, LOOKED_AT, None).await?.items;
            let talks: Vec<f64> = newest
                .iter()
                .filter(|attempt| attempt.value.tally == Some(Tally::Human))
                .filter_map(|attempt| Some(attempt.value.word.as_ref()?.talk_seconds))
                .collect();
            figures.talk_secs = (!talks.is_empty()).then(|| talks.iter().sum::<f64>() / talks.len() as f64);
        }
        Ok(figures)
    }

    /// Attempts that count.
    pub fn outcomes(&self) -> u64 {
        self.human + self.abandoned + self.machine + self.unanswered + self.failed
    }

    /// Whether its own figures are told, instead of the usual ones.
    pub fn are_measured(&self) -> bool {
        self.outcomes() >= ENOUGH
    }

    /// Of what is dialled, the share that people answer; none while nothing was dialled.
    pub fn answer_share(&self) -> Option<f64> {
        let outcomes = self.outcomes();
        (outcomes > 0).then(|| (self.human + self.abandoned) as f64 / outcomes as f64)
    }

    /// Calls that people answered, and those of them that were abandoned, in hundredths.
    pub fn abandon_percent(&self) -> Option<f64> {
        let answered = self.human + self.abandoned;
        (answered > 0).then(|| 100.0 * self.abandoned as f64 / answered as f64)
    }

    /// How many more may be abandoned before this ceiling, with what was answered until now.
    pub fn abandons_left(&self, ceiling_percent: f64) -> u64 {
        let answered = (self.human + self.abandoned) as f64;
        ((answered * ceiling_percent / 100.0).floor() as u64).saturating_sub(self.abandoned)
    }

    /// How people and machines answer from now on, and how long people talk, seconds.
    pub fn expected(&self) -> Expectation {
        let (human, machine, talk_secs) = match self.are_measured() {
            true => {
                let outcomes = self.outcomes() as f64;
                let human = (self.human + self.abandoned) as f64 / outcomes;
                (human, self.machine as f64 / outcomes, self.talk_secs.unwrap_or(USUAL.2))
            }
            false => USUAL,
        };
        Expectation { human, machine, talk_secs }
    }
}

/// What calls will probably be like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expectation {
    /// Shares of what is dialled.
    pub human: f64,
    pub machine: f64,
    pub talk_secs: f64,
}

impl Expectation {
    /// How long a dial has a line, seconds.
    pub fn line_secs(&self, ring_secs: u32) -> f64 {
        let rest = (1.0 - self.human - self.machine).max(0.0);
        self.human * (ANSWERS.0 + self.talk_secs)
            + self.machine * (ANSWERS.1 + MACHINE)
            + rest * f64::from(ring_secs)
    }

    /// Dials for one contact that has so many attempts at most: until a person answers.
    pub fn dials_each(&self, most: u32) -> f64 {
        let missed = (1.0 - self.human).clamp(0.0, 1.0);
        if self.human <= f64::EPSILON {
            return f64::from(most);
        }
        (1.0 - missed.powi(i32::try_from(most).unwrap_or(i32::MAX))) / self.human
    }

    /// Calls that people answer, for each contact.
    pub fn answers_each(&self, most: u32) -> f64 {
        self.human * self.dials_each(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_the_ceiling_is_whole_calls() {
        let figures = Figures { human: 990, abandoned: 10, ..Figures::default() };
        assert_eq!((figures.abandons_left(3.0), figures.abandon_percent()), (20, Some(1.0)));
        assert_eq!(figures.abandons_left(0.5), 0);
        assert_eq!(Figures::default().abandon_percent(), None);
    }

    #[test]
    fn few_outcomes_say_nothing_yet() {
        let few = Figures { human: 20, ..Figures::default() };
        assert!(!few.are_measured());
        assert!((few.expected().human - USUAL.0).abs() < 1e-9);
        let many =
            Figures { human: 30, machine: 30, unanswered: 40, talk_secs: Some(60.0), ..Figures::default() };
        let expected = many.expected();
        assert!((expected.human - 0.3).abs() < 1e-9 && (expected.talk_secs - 60.0).abs() < 1e-9);
        assert!((expected.dials_each(1) - 1.0).abs() < 1e-9);
        assert!(
            (expected.dials_each(2) - 1.7).abs() < 1e-9,
            "the second is for the seven in ten who were missed"
        );
    }
}
