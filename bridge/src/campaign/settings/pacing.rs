//! How fast a campaign dials. The dialler computes it (`dialler/src/pacing`); this says what it may do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Faults;

/// By which rule lines are rung.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A person lets each call through (`preview`); then as `reserve_first`.
    Preview,
    /// One free slot for each line that rings: nobody ever answers into silence.
    ReserveFirst,
    /// Slots for the expected answers and a reserve of standard deviations above them.
    #[default]
    FourSigma,
    /// `ratio` lines for each free slot, and reserve-first once the abandon ceiling is near.
    Power,
    /// As many lines as keep the share of abandoned calls at `target_percent`.
    Predictive,
    /// `per_minute` calls a minute, evenly, and no more than one for each free slot: to warm numbers up, and to try.
    Rate,
}

/// Pacing of a campaign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pacing {
    pub mode: Mode,
    /// Of `power`: lines for each free slot, 1 to 2.
    pub ratio: f64,
    /// Of `predictive`: abandoned calls in a hundred answered by people that it aims at, 0.5 to 3.
    pub target_percent: f64,
    /// Of `four_sigma`: standard deviations held back, 3 to 6.
    pub reserve_sigma: f64,
    /// Of `rate`: calls that are begun in a minute, 0.1 to 600.
    pub per_minute: f64,
    /// Most calls at once, ringing ones too, 1 to 1,000.
    pub max_lines: u32,
    /// Calls that may talk at once, 1 to `max_lines`; ringing lines share them. Null: as many as `max_lines`.
    pub slots: Option<u32>,
    /// Its share beside the tenant's other running campaigns, 1 to 100.
    pub weight: u32,
    /// Abandoned calls in a hundred answered by people, over 30 days, from which on only reserve-first dials; 0.1 to 3.
    pub abandon_percent: f64,
}

impl Default for Pacing {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            ratio: 1.2,
            target_percent: 2.0,
            reserve_sigma: 4.0,
            per_minute: 6.0,
            max_lines: 10,
            slots: None,
            weight: 1,
            abandon_percent: 2.8,
        }
    }
}

impl Pacing {
    pub(super) fn faults(&self, faults: &mut Faults<'_>) {
        faults.between("max_lines", self.max_lines, 1, 1_000);
        if let Some(slots) = self.slots {
            faults.between("slots", slots, 1, self.max_lines.max(1));
        }
        faults.between("weight", self.weight, 1, 100);
        faults.share("ratio", self.ratio, (1.0, 2.0));
        faults.share("target_percent", self.target_percent, (0.5, 3.0));
        faults.share("reserve_sigma", self.reserve_sigma, (3.0, 6.0));
        faults.share("per_minute", self.per_minute, (0.1, 600.0));
        faults.share("abandon_percent", self.abandon_percent, (0.1, 3.0));
    }
}
