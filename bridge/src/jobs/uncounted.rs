//! Whose calls of days that are over are not in the sums yet: a report stays as it is made, so it waits for them. After an upgrade, and
//! after a time in which no bridge ran, they come in late.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use vox_shared::ids::TenantId;

use crate::store::calls::digest::Undigested;
use crate::store::{Cursor, Stamp, StoreError, Stores};

/// So long after a day or month is over its last calls may still be counted.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);
/// Pages of calls, and of digests, that are looked at. Where there are more everybody waits: all are late then, in the order in which
/// their calls ended.
const MAX_PAGES: usize = 10;

/// Days that ended before are over, and their last calls counted.
pub fn settled(now: Timestamp) -> Timestamp {
    now.saturating_sub(MARGIN).unwrap_or(now)
}

/// See the module.
#[derive(Default)]
pub struct Uncounted {
    /// Of these a call that ended has no digest yet: of which day it is, is not known.
    undigested: BTreeSet<TenantId>,
    /// The first day, by the tenant's clocks, of which one is digested and not counted: `2026-11-20`.
    since: BTreeMap<TenantId, String>,
    /// There are more than were looked at.
    is_cut: bool,
}

impl Uncounted {
    /// Look at the calls of all tenants. Those of a tenant that cannot be counted at all are not waited for.
    pub async fn look(stores: &Stores, now: Timestamp) -> Result<Self, StoreError> {
        let mut found = Self::default();
        // Calls first: what is digested meanwhile is among the digests.
        for which in [Undigested::Before(Stamp(settled(now))), Undigested::Old] {
            found.look_at_calls(stores, which).await?;
        }
        found.look_at_digests(stores, Stamp(now)).await?;
        Ok(found)
    }

    async fn look_at_calls(&mut self, stores: &Stores, which: Undigested) -> Result<(), StoreError> {
        let (calls, mut pages, mut after) = (stores.all_calls(), 0, None);
        while pages < MAX_PAGES {
            let page = calls.list_undigested(which, after).await?;
            // However many damaged ones stand before the others.
            pages += usize::from(!page.items.is_empty());
            self.undigested.extend(page.items.into_iter().map(|call| call.value.tenant_id));
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                return Ok(());
            }
        }
        self.is_cut = true;
        Ok(())
    }

    async fn look_at_digests(&mut self, stores: &Stores, now: Stamp) -> Result<(), StoreError> {
        let (digests, mut pages, mut after) = (stores.all_digests(), 0, None);
        while pages < MAX_PAGES {
            let page = digests.list_due_page(now, after).await?;
            pages += usize::from(!page.items.is_empty());
            for digest in page.items.into_iter().map(|digest| digest.value) {
                let days = [digest.fact, digest.counted].into_iter().flatten().map(|fact| fact.day);
                let known = self.since.remove(&digest.tenant_id);
                if let Some(first) = days.chain(known).min() {
                    self.since.insert(digest.tenant_id, first);
                }
            }
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                return Ok(());
            }
        }
        self.is_cut = true;
        Ok(())
    }

    /// Whether all calls of a tenant's day, which is over, are in its sums.
    pub fn holds_nothing_of(&self, tenant: &TenantId, day: Date) -> bool {
        let is_due = self.since.get(tenant).is_some_and(|first| *first <= day.to_string());
        !self.is_cut && !is_due && !self.undigested.contains(tenant)
    }
}
