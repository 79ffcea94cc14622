//! What is judged: the journal as it grows, and what the stores hold at the end.

use std::collections::BTreeSet;

use vox_bridge::campaign::outcome::AttemptResult;
use vox_bridge::store::campaigns::CampaignState;
use vox_shared::ids::AttemptId;

use super::World;

impl World {
    pub(super) async fn open(&self) -> Vec<String> {
        let open = self.floor.bridge.app.stores.all_attempts().list_open(200, None).await.unwrap();
        open.items.into_iter().map(|attempt| attempt.id).collect()
    }

    pub(super) async fn is_over(&self) -> bool {
        for campaign in &self.campaigns {
            if self.floor.state(campaign).await.0 != CampaignState::Completed {
                return false;
            }
        }
        self.open().await.is_empty()
    }

    /// A telephone rings or talks: its number is its attempt's, so that no other attempt can be made.
    pub(super) async fn holds_number(&mut self, attempt: &AttemptId) {
        let Some(invite) = self.carrier.journal.iter().rev().find(|one| one.attempt == *attempt) else {
            return;
        };
        let numbers = self.floor.bridge.app.stores.called_numbers(&self.floor.bridge.tenant());
        let known = numbers.find_number(&invite.number).await.unwrap();
        let lock = known.and_then(|known| known.value.lock);
        if lock.as_ref() != Some(attempt) {
            self.seen
                .push(format!("{attempt} rings or talks at {} ms, and its number is {lock:?}'s", self.now));
        }
    }

    /// What is wrong at the end.
    pub(super) async fn faults(&self) -> Vec<String> {
        let mut faults = [self.seen.clone(), self.carrier.faults()].concat();
        let invited: BTreeSet<&AttemptId> = self.carrier.journal.iter().map(|one| &one.attempt).collect();
        let tenant = self.floor.bridge.tenant();
        for campaign in &self.campaigns {
            let attempts = self.floor.bridge.app.stores.attempts(&tenant);
            for attempt in attempts.list_attempts(campaign, 200, None).await.unwrap().items {
                let (id, value): (AttemptId, _) = (attempt.id.parse().unwrap(), attempt.value);
                let none = [AttemptResult::Aborted, AttemptResult::Infra];
                match value.result {
                    None => faults.push(format!("{id} has no result")),
                    Some(result) if none.contains(&result) && invited.contains(&id) => {
                        faults.push(format!("{id} rang, and its result is {}", result.as_str()));
                    }
                    Some(AttemptResult::Done) if !invited.contains(&id) => {
                        faults.push(format!("{id} never rang, and its result is done"));
                    }
                    Some(_) => {}
                }
                if value.open_since.is_some() || value.waits_until.is_some() {
                    faults.push(format!("{id} still occupies something"));
                }
                let known = self.floor.bridge.app.stores.called_numbers(&tenant);
                let known = known.find_number(&value.number).await.unwrap();
                if known.is_some_and(|known| known.value.lock.is_some()) {
                    faults.push(format!("{} is still locked", value.number));
                }
            }
        }
        faults
    }
}
