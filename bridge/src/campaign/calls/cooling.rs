//! How callees take the numbers that they are shown (`campaign/health.rs`). Calls are counted in this process as they get their results;
//! every quarter of an hour the upkeep writes them with their numbers and judges these. A bridge that is killed, or whose store is away
//! just then, loses what it counted since: shares stay what they are.

use std::collections::HashMap;

use jiff::SignedDuration;
use serde_json::json;
use vox_shared::ids::{CampaignId, TenantId};
use vox_shared::phone::Number;

use super::caller::begin_alike;
use super::{CallDesk, MAX_TRIES};
use crate::campaign::health::{self, Hour, Verdict};
use crate::campaign::outcome::AttemptResult;
use crate::store::attempts::Attempt;
use crate::store::dids::Did;
use crate::store::engine::{Cursor, MAX_PAGE};
use crate::store::events::Event;
use crate::store::{Stamp, StoreError, Stored};

/// The event.
pub const RESTS: &str = "number.rests";
/// Calls are written down when the first of them was counted so long ago.
const EVERY: SignedDuration = SignedDuration::from_mins(15);
/// Others are shown first for so long after a number was last found to be answered less.
const SPARED_FOR: SignedDuration = SignedDuration::from_hours(48);

/// What is counted together: the calls of a campaign that showed a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shown {
    pub tenant: TenantId,
    pub campaign: CampaignId,
    pub number: Number,
}

impl CallDesk {
    /// The call of an attempt came to this.
    pub(super) fn count_call(&self, attempt: &Attempt, result: AttemptResult) {
        let Ok(number) = attempt.caller.number.parse::<Number>() else { return };
        let callee = attempt.number.parse::<Number>().ok();
        let near = callee.as_ref().and_then(|callee| begin_alike(&number, callee));
        let (kind, now) = (health::kind(&attempt.campaign_id, near), self.now());
        if let Some(call) = Hour::of(result, kind, now) {
            let (tenant, campaign) = (attempt.tenant_id.clone(), attempt.campaign_id.clone());
            self.board.count(Shown { tenant, campaign, number }, call, now);
        }
    }

    /// Write down what was counted, if it is time.
    pub(super) async fn look_at_callers(&self) -> Result<(), StoreError> {
        self.write_counted(self.now() + -EVERY).await
    }

    /// Write down what was counted, if the first of it was counted before, and judge the numbers that it is of.
    pub(super) async fn write_counted(&self, before: Stamp) -> Result<(), StoreError> {
        let mut tenants: HashMap<TenantId, Vec<(Shown, Vec<Hour>)>> = HashMap::new();
        for (shown, calls) in self.board.take_counted(before) {
            tenants.entry(shown.tenant.clone()).or_default().push((shown, calls));
        }
        let mut done = Ok(());
        for (tenant, counted) in tenants {
            // One tenant's trouble is no other's.
            done = Box::pin(self.write_of(&tenant, counted)).await.and(done);
        }
        done
    }

    async fn write_of(&self, tenant: &TenantId, counted: Vec<(Shown, Vec<Hour>)>) -> Result<(), StoreError> {
        let mut numbers: HashMap<Number, Vec<Hour>> = HashMap::new();
        let mut watched: HashMap<CampaignId, bool> = HashMap::new();
        for (Shown { campaign, number, .. }, calls) in counted {
            let is_watched = match watched.get(&campaign) {
                Some(known) => *known,
                None => {
                    let found = self.stores.all_campaigns().find_campaign(&campaign).await?;
                    let is_watched = found.is_some_and(|found| found.value.settings.numbers.health);
                    watched.insert(campaign, is_watched);
                    is_watched
                }
            };
            if is_watched {
                health::add(numbers.entry(number).or_default(), &calls);
            }
        }
        if numbers.is_empty() {
            return Ok(());
        }
        let mut all = self.hours_of(tenant).await?;
        for new in numbers.values() {
            health::add(&mut all, new);
        }
        for (number, new) in &numbers {
            self.judge_number((tenant, number), new, &all).await?;
        }
        self.board.forget_lines(tenant);
        Ok(())
    }

    /// The calls of all numbers of a tenant, by hour and kind.
    async fn hours_of(&self, tenant: &TenantId) -> Result<Vec<Hour>, StoreError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.stores.dids(tenant).list_dids(MAX_PAGE, after).await?;
            for did in &page.items {
                health::add(&mut all, &did.value.health.hours);
            }
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// Write `new` calls with their number, and judge it among `all` calls, these too.
    async fn judge_number(
        &self,
        (tenant, number): (&TenantId, &Number),
        new: &[Hour],
        all: &[Hour],
    ) -> Result<(), StoreError> {
        for _ in 0..MAX_TRIES {
            let Some(mut found) = self.stores.all_dids().find_number(number).await? else { return Ok(()) };
            if found.value.tenant_id != *tenant {
                // It went to somebody else meanwhile.
                return Ok(());
            }
            let rests = judged(&mut found.value, new, all, self.now());
            match self.stores.dids(tenant).replace_did(found).await {
                Ok(written) if rests => {
                    self.tell_of_rest(&written).await;
                    return Ok(());
                }
                Err(StoreError::Conflict) => {}
                done => return done.map(drop),
            }
        }
        Err(StoreError::Conflict)
    }

    /// A number rests from now on.
    pub(super) async fn tell_of_rest(&self, did: &Stored<Did>) {
        let value = &did.value;
        let (Some(until), Some(why)) = (value.rests_until, value.health.rests_why) else { return };
        tracing::warn!(tenant.id = %value.tenant_id, did.id = did.id, why = why.as_str(), %until, "a number is shown to nobody for a while");
        self.metrics.campaigns().caller_rests(why.as_str());
        let data = json!({"did_id": did.id, "carrier_id": value.carrier_id, "why": why, "until": until});
        let once = Event::id_of(&format!("{RESTS} {} {until}", did.id)).to_string();
        let event = Event::of_tenant(&value.tenant_id, RESTS, data, self.now());
        // What cannot be told is shown with the number all the same.
        match self.stores.all_events().insert_events(vec![(once, event)]).await {
            Ok(()) => self.stored.notify_one(),
            Err(error) => tracing::warn!(did.id = did.id, %error, "that a number rests could not be told"),
        }
    }
}

/// Count `new` calls of a number and judge it; answers whether it rests from now on.
fn judged(did: &mut Did, new: &[Hour], all: &[Hour], now: Stamp) -> bool {
    did.health.count(new, now);
    if did.rests_until.is_some_and(|until| until > now) {
        return false;
    }
    // What was before its last rest counts no more.
    let since = did.rests_until.map_or(0, health::hour_of);
    match health::judge(&did.health.hours, all, (since, now)) {
        Verdict::Well => did.health.spared_until = None,
        Verdict::Spare => did.health.spared_until = Some(now + SPARED_FOR),
        Verdict::Cool(why) => {
            did.rests_until = Some(did.health.cool(why, now));
            return true;
        }
    }
    false
}
