//! How much of the deployment campaigns may take.

use vox_shared::env::Env;

const TENANT_LINES: u32 = 100;
const INBOUND_PERCENT: u32 = 30;
/// More would leave campaigns nothing.
const MOST_INBOUND_PERCENT: u32 = 95;

/// What campaigns leave to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CampaignLimits {
    /// `VOX_CAMPAIGN_TENANT_LINES` (100): calls of all campaigns of a tenant at once.
    pub tenant_lines: u32,
    /// `VOX_CAMPAIGN_INBOUND_PERCENT` (30): of a hundred slots of workers, those that campaigns leave to calls that come in; 0 to 95.
    pub inbound_percent: u32,
}

impl Default for CampaignLimits {
    fn default() -> Self {
        Self { tenant_lines: TENANT_LINES, inbound_percent: INBOUND_PERCENT }
    }
}

impl CampaignLimits {
    pub(super) fn from_env(env: &mut Env) -> Self {
        let tenant_lines = env.parsed("VOX_CAMPAIGN_TENANT_LINES").unwrap_or(TENANT_LINES);
        let inbound_percent = env.parsed("VOX_CAMPAIGN_INBOUND_PERCENT").unwrap_or(INBOUND_PERCENT);
        if inbound_percent > MOST_INBOUND_PERCENT {
            env.fault(format!("VOX_CAMPAIGN_INBOUND_PERCENT: must be 0 to {MOST_INBOUND_PERCENT}"));
        }
        Self { tenant_lines, inbound_percent }
    }

    /// How many of so many slots campaigns may have: one is left to others where there are three or more, whatever the share.
    pub fn slots(&self, total: u32) -> u32 {
        let share = u64::from(total) * u64::from(self.inbound_percent) / 100;
        let least = u64::from(total >= 3 && self.inbound_percent > 0);
        total.saturating_sub(u32::try_from(share.max(least)).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_slots_are_left_to_calls_that_come_in() {
        let slots = |total| CampaignLimits::default().slots(total);
        assert_eq!([0, 1, 2, 3, 10, 100].map(slots), [0, 1, 2, 2, 7, 70]);
        let all = CampaignLimits { inbound_percent: 0, ..CampaignLimits::default() };
        assert_eq!(all.slots(10), 10);
    }

    #[test]
    fn a_share_that_leaves_nothing_is_a_fault() {
        let read = |value: &str| {
            let vars = [("VOX_CAMPAIGN_INBOUND_PERCENT".to_owned(), value.to_owned())];
            let mut env = Env::from_vars(vars);
            let limits = CampaignLimits::from_env(&mut env);
            env.finish().map(|()| limits)
        };
        assert_eq!(read("10").unwrap().inbound_percent, 10);
        assert!(read("96").is_err());
    }
}
