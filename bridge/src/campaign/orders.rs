//! What an operator may do with a campaign, and when. Pure: whoever stores it says when it is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::Stamp;
use crate::store::campaigns::{Campaign, CampaignState};

/// Why a campaign is paused whose first calls all failed.
pub const CANARY: &str = "canary";

/// An order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Begin to call.
    Start,
    /// Begin no more calls; those that run go on.
    Pause,
    /// Go on after a pause, a drain, or a failure whose reason was mended.
    Resume,
    /// End it: nobody else is called, and calls that ring or run are ended.
    Stop,
    /// Begin no more calls, and complete when the last one has ended.
    Drain,
    /// Call those again who were not reached.
    Restart,
    /// Keep it to be read.
    Archive,
}

/// Why an order is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a campaign that is {} cannot be {}; it can be {}", .state.as_str(), .order.past(), .may)]
pub struct NotNow {
    order: Order,
    state: CampaignState,
    /// What it can be, in words.
    may: &'static str,
}

impl Order {
    pub const ALL: [Self; 7] =
        [Self::Start, Self::Pause, Self::Resume, Self::Stop, Self::Drain, Self::Restart, Self::Archive];

    /// What was done, in a sentence and in the event's name.
    pub fn past(self) -> &'static str {
        match self {
            Self::Start => "started",
            Self::Pause => "paused",
            Self::Resume => "resumed",
            Self::Stop => "stopped",
            Self::Drain => "drained",
            Self::Restart => "restarted",
            Self::Archive => "archived",
        }
    }

    /// The event that it makes.
    pub fn event(self) -> &'static str {
        match self {
            Self::Start => "campaign.started",
            Self::Pause => "campaign.paused",
            Self::Resume => "campaign.resumed",
            Self::Stop => "campaign.completed",
            Self::Drain => "campaign.draining",
            Self::Restart => "campaign.restarted",
            Self::Archive => "campaign.archived",
        }
    }

    /// Whether it begins calls, so that all that would be in their way is looked at first.
    pub fn begins_calls(self) -> bool {
        matches!(self, Self::Start | Self::Resume | Self::Restart)
    }

    /// Change a campaign by it.
    pub fn apply(self, campaign: &mut Campaign, now: Stamp) -> Result<(), NotNow> {
        use CampaignState::{Archived, Completed, Draft, Failed, Paused, Running};
        let (state, is_draining) = (campaign.state, campaign.draining);
        let next = match (self, state) {
            (Self::Start, Draft) | (Self::Restart, Completed | Failed | Paused) => {
                campaign.run_number += 1;
                (campaign.started_at, campaign.canary_from) = (Some(now), Some(now));
                campaign.ended_at = None;
                Running
            }
            (Self::Pause, Running) => Paused,
            // A drain that was taken back.
            (Self::Resume, Running) if is_draining => Running,
            (Self::Resume, Paused) => {
                if campaign.why.as_deref() == Some(CANARY) {
                    // What was wrong is mended, or is not: the next calls are the first ones again.
                    campaign.canary_from = Some(now);
                }
                Running
            }
            // What was in the way is mended: the same run goes on.
            (Self::Resume, Failed) => {
                campaign.ended_at = None;
                Running
            }
            (Self::Stop, Running | Paused) => {
                campaign.ended_at = Some(now);
                Completed
            }
            (Self::Drain, Running) if !is_draining => {
                campaign.draining = true;
                campaign.why = None;
                campaign.updated_at = now;
                return Ok(());
            }
            (Self::Archive, Draft | Completed | Failed) => Archived,
            _ => return Err(NotNow { order: self, state, may: may(state) }),
        };
        campaign.state = next;
        campaign.draining = false;
        campaign.why = (self == Self::Stop).then(|| "stopped".to_owned());
        campaign.updated_at = now;
        Ok(())
    }
}

/// What can be done with a campaign in a state.
fn may(state: CampaignState) -> &'static str {
    match state {
        CampaignState::Draft => "changed, started, cloned or archived",
        CampaignState::Running => "paused, drained or stopped; one that is drained, resumed too",
        CampaignState::Paused => "resumed, restarted or stopped",
        CampaignState::Completed => "restarted, cloned or archived",
        CampaignState::Failed => "resumed, restarted, cloned or archived",
        CampaignState::Archived => "cloned",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::settings::Settings;

    fn campaign(state: CampaignState) -> Campaign {
        let at = Stamp("2026-11-30T10:00:00Z".parse().unwrap());
        Campaign {
            tenant_id: "ten_a".parse().unwrap(),
            created_at: at,
            updated_at: at,
            created_by: "usr_a".into(),
            name: "a".into(),
            bot_id: "bot_a".parse().unwrap(),
            state,
            draining: false,
            why: None,
            settings: Settings::default(),
            run_number: 1,
            partitions: 16,
            started_at: None,
            canary_from: None,
            ended_at: None,
            creation: None,
        }
    }

    /// Every state with every order.
    #[test]
    fn a_campaign_goes_where_it_may() {
        use CampaignState::{Archived, Completed, Draft, Failed, Paused, Running};
        let now = Stamp("2026-11-30T11:00:00Z".parse().unwrap());
        let goes = |state, order: Order| {
            let mut campaign = campaign(state);
            order
                .apply(&mut campaign, now)
                .map(|()| (campaign.state, campaign.draining, campaign.run_number))
                .ok()
        };
        for state in [Draft, Running, Paused, Completed, Failed, Archived] {
            for order in Order::ALL {
                let expected = match (order, state) {
                    (Order::Start, Draft) => Some((Running, false, 2)),
                    (Order::Restart, Completed | Failed | Paused) => Some((Running, false, 2)),
                    (Order::Pause, Running) => Some((Paused, false, 1)),
                    (Order::Resume, Paused | Failed) => Some((Running, false, 1)),
                    (Order::Stop, Running | Paused) => Some((Completed, false, 1)),
                    (Order::Drain, Running) => Some((Running, true, 1)),
                    (Order::Archive, Draft | Completed | Failed) => Some((Archived, false, 1)),
                    _ => None,
                };
                assert_eq!(goes(state, order), expected, "{state:?} {order:?}");
            }
        }
    }

    #[test]
    fn whoever_was_stopped_by_the_first_calls_begins_with_first_calls() {
        let now = Stamp("2026-11-30T11:00:00Z".parse().unwrap());
        let resumed = |why: Option<&str>| {
            let mut campaign = campaign(CampaignState::Paused);
            campaign.why = why.map(str::to_owned);
            Order::Resume.apply(&mut campaign, now).unwrap();
            (campaign.canary_from, campaign.why)
        };
        assert_eq!(resumed(Some(CANARY)), (Some(now), None));
        assert_eq!(resumed(Some("dead_air")), (None, None));
        assert_eq!(resumed(None), (None, None));
        let mut draft = campaign(CampaignState::Draft);
        Order::Start.apply(&mut draft, now).unwrap();
        assert_eq!(draft.canary_from, Some(now));
    }

    #[test]
    fn a_drain_can_be_taken_back() {
        let now = Stamp("2026-11-30T11:00:00Z".parse().unwrap());
        let mut draining = campaign(CampaignState::Running);
        Order::Drain.apply(&mut draining, now).unwrap();
        assert!(Order::Drain.apply(&mut draining, now).is_err());
        Order::Resume.apply(&mut draining, now).unwrap();
        assert!(!draining.draining && draining.state == CampaignState::Running);
    }
}
