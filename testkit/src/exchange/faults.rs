//! What goes wrong between the carrier and whoever uses it. Each fault strikes by chance, with a seed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::vendor::Dice;

/// Of all methods.
const ANY: &str = "*";

/// All of them; none by default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    pub seed: u64,
    pub requests: Vec<Strike>,
    pub webhooks: Vec<HookStrike>,
    /// Bodies of answers go out at this rate.
    pub drip_bytes_per_s: Option<u32>,
}

/// Of requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strike {
    /// `CreateRoom`, `CreateSIPParticipant`, …, or `*`.
    pub method: String,
    /// From 0 to 1.
    pub chance: f64,
    pub harm: Harm,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Harm {
    /// It arrives later: others overtake it.
    Hold { min_ms: u64, max_ms: u64 },
    /// It never arrives.
    Lose,
    /// It is done, and the answer is cut.
    LoseAnswer,
    /// It arrives a second time, so much later; nobody hears the second answer.
    Twice { after_ms: u64 },
    /// It is done, and answered at once with an error of the server: of a dial, when the INVITE is out.
    Fails,
    /// It is not done, and a balancer before the server says 503.
    Unavailable,
}

/// Of webhooks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookStrike {
    /// `participant_left`, …, or `*`.
    pub event: String,
    pub chance: f64,
    pub harm: HookHarm,
}

/// What happens to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookHarm {
    /// It is told later: others overtake it.
    Hold {
        min_ms: u64,
        max_ms: u64,
    },
    Lose,
    Twice,
}

/// What is to happen to one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub hold: Option<Duration>,
    pub twice: Option<Duration>,
    pub end: End,
}

/// How it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum End {
    #[default]
    Well,
    Lost,
    Unheard,
    Failed,
    Unavailable,
}

/// What is to happen to one webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct HookPlan {
    pub hold: Option<Duration>,
    pub lost: bool,
    pub twice: bool,
}

impl Faults {
    /// All that can happen, with this chance each: what a dialler must live through. A dial that arrives twice within the seconds that its
    /// token is good is not among it: the server rings twice then, and nobody who asks it can do anything about that. A connection
    /// delivers a request once; what must not stand before the server is a proxy that repeats POSTs.
    pub fn all(seed: u64, chance: f64) -> Self {
        let any = |harm| Strike { method: ANY.into(), chance, harm };
        let dial = |harm| Strike { method: "CreateSIPParticipant".into(), chance, harm };
        let room = |harm| Strike { method: "CreateRoom".into(), chance, harm };
        let hook = |harm| HookStrike { event: ANY.into(), chance: (2.0 * chance).min(1.0), harm };
        Self {
            seed,
            requests: vec![
                any(Harm::Hold { min_ms: 20, max_ms: 1_500 }),
                any(Harm::LoseAnswer),
                any(Harm::Unavailable),
                room(Harm::Twice { after_ms: 700 }),
                dial(Harm::Fails),
                dial(Harm::Lose),
            ],
            webhooks: vec![
                hook(HookHarm::Hold { min_ms: 20, max_ms: 3_000 }),
                hook(HookHarm::Lose),
                hook(HookHarm::Twice),
            ],
            drip_bytes_per_s: None,
        }
    }

    /// What is wrong with them, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        let chances = self.requests.iter().map(|strike| strike.chance);
        let chances = chances.chain(self.webhooks.iter().map(|strike| strike.chance));
        if chances.into_iter().any(|chance| !(0.0..=1.0).contains(&chance)) {
            return Some("a fault's 'chance' must be from 0 to 1".into());
        }
        (self.drip_bytes_per_s == Some(0)).then(|| "'drip_bytes_per_s' must be 1 or more".to_owned())
    }

    /// What happens to the next request of this method.
    pub(super) fn plan(&self, method: &str, dice: &mut Dice) -> Plan {
        let mut plan = Plan::default();
        for strike in &self.requests {
            if (strike.method != ANY && strike.method != method) || !strikes(strike.chance, dice) {
                continue;
            }
            match strike.harm {
                Harm::Hold { min_ms, max_ms } => plan.hold = Some(between(min_ms, max_ms, dice)),
                Harm::Twice { after_ms } => plan.twice = Some(Duration::from_millis(after_ms)),
                Harm::Lose => plan.end = End::Lost,
                Harm::LoseAnswer => plan.end = End::Unheard,
                Harm::Fails => plan.end = End::Failed,
                Harm::Unavailable => plan.end = End::Unavailable,
            }
        }
        plan
    }

    /// What happens to the next webhook of this event.
    pub(super) fn plan_hook(&self, event: &str, dice: &mut Dice) -> HookPlan {
        let mut plan = HookPlan::default();
        for strike in &self.webhooks {
            if (strike.event != ANY && strike.event != event) || !strikes(strike.chance, dice) {
                continue;
            }
            match strike.harm {
                HookHarm::Hold { min_ms, max_ms } => plan.hold = Some(between(min_ms, max_ms, dice)),
                HookHarm::Lose => plan.lost = true,
                HookHarm::Twice => plan.twice = true,
            }
        }
        plan
    }
}

fn strikes(chance: f64, dice: &mut Dice) -> bool {
    ((dice.roll() >> 11) as f64 / (1u64 << 53) as f64) < chance
}

fn between(min_ms: u64, max_ms: u64, dice: &mut Dice) -> Duration {
    Duration::from_millis(min_ms + dice.up_to(max_ms.saturating_sub(min_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_strike_what_they_are_aimed_at_and_as_often_as_they_are_told() {
        let text = r#"{"requests": [
            {"method": "CreateRoom", "chance": 1, "harm": {"twice": {"after_ms": 5}}},
            {"method": "*", "chance": 0.25, "harm": "lose_answer"}]}"#;
        let faults: Faults = serde_json::from_str(text).unwrap();
        let mut dice = Dice::new(1);
        let plans: Vec<Plan> = (0..4_000).map(|_| faults.plan("DeleteRoom", &mut dice)).collect();
        assert!(plans.iter().all(|plan| plan.twice.is_none() && plan.hold.is_none()));
        let unheard = plans.iter().filter(|plan| plan.end == End::Unheard).count();
        assert!((880..1_120).contains(&unheard), "{unheard} of 4,000");
        assert_eq!(faults.plan("CreateRoom", &mut dice).twice, Some(Duration::from_millis(5)));
        assert_eq!(Faults::default().plan("CreateRoom", &mut dice), Plan::default());
    }

    #[test]
    fn a_fault_that_makes_no_sense_is_refused() {
        let faults = Faults::all(1, 1.5);
        assert!(faults.fault().unwrap().contains("chance"));
        assert_eq!(Faults::all(1, 0.05).fault(), None);
        assert!(
            serde_json::from_str::<Faults>(r#"{"requests": [{"method": "*", "chance": 1, "harm": "lie"}]}"#)
                .is_err()
        );
    }
}
