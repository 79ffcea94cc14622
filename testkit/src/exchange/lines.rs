//! What a carrier allows on a trunk: so many new calls in a second, and so many at once.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::settings::Trunk;

const WINDOW: Duration = Duration::from_secs(1);
/// What the carrier says with its 503.
const TOO_FAST: &str = "CPS limit exceeded";
const TOO_MANY: &str = "Concurrent call limit exceeded";

/// The lines of all trunks.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// When the last INVITEs went out.
    lately: BTreeMap<String, VecDeque<Instant>>,
    /// The trunks of the calls that go on.
    busy: BTreeMap<String, String>,
}

impl Lines {
    /// A call begins; the carrier's words if it takes it not. Each INVITE counts in its second, whatever becomes of it.
    pub(super) fn take(&mut self, trunk: &Trunk, call: &str, now: Instant) -> Option<&'static str> {
        let lately = self.lately.entry(trunk.id.clone()).or_default();
        while lately.front().is_some_and(|at| now.saturating_duration_since(*at) >= WINDOW) {
            lately.pop_front();
        }
        lately.push_back(now);
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        if trunk.limits.cps.is_some_and(|most| lately.len() > count(most)) {
            return Some(TOO_FAST);
        }
        let busy = self.busy.values().filter(|id| **id == trunk.id).count();
        if trunk.limits.concurrent.is_some_and(|most| busy >= count(most)) {
            return Some(TOO_MANY);
        }
        self.busy.insert(call.to_owned(), trunk.id.clone());
        None
    }

    pub(super) fn free(&mut self, call: &str) {
        self.busy.remove(call);
    }

    /// Calls that go on.
    pub(super) fn busy(&self) -> usize {
        self.busy.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::settings::Limits;

    #[test]
    fn a_carrier_takes_so_many_calls_and_says_why_it_takes_no_more() {
        let limits = Limits { cps: Some(2), concurrent: Some(3) };
        let trunk = Trunk { limits, ..Trunk::default() };
        let (mut lines, began) = (Lines::default(), Instant::now());
        let mut take = |call: &str, ms: u64| lines.take(&trunk, call, began + Duration::from_millis(ms));
        assert_eq!([take("a", 0), take("b", 10), take("c", 20)], [None, None, Some(TOO_FAST)]);
        // The one that was refused counts too.
        assert_eq!([take("d", 1_015), take("e", 1_025)], [None, Some(TOO_MANY)]);
        lines.free("a");
        assert_eq!(lines.take(&trunk, "f", began + Duration::from_secs(3)), None);
        assert_eq!(lines.busy(), 3);
    }
}
