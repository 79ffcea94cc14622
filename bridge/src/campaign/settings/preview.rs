//! What a person may do with a contact in a campaign of the mode `preview`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Faults;

/// Cards: in the mode `preview` a person looks at each contact before it is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = CampaignPreview)]
pub struct Preview {
    /// For how long a card is somebody's, seconds, 10 to 600. One that is not answered goes back.
    pub card_secs: u32,
    /// How often a contact may be skipped, 0 to 10. Skipped once more it waits for a person (`review`).
    pub skips: u32,
}

impl Default for Preview {
    fn default() -> Self {
        Self { card_secs: 30, skips: 2 }
    }
}

impl Preview {
    pub(super) fn faults(&self, faults: &mut Faults<'_>) {
        faults.between("card_secs", self.card_secs, 10, 600);
        faults.between("skips", self.skips, 0, 10);
    }
}
