//! What LiveKit has of a carrier: its trunks, the rule that brings its calls into rooms, and how making them went. Under the carrier's id;
//! apart from it, so that what the bridge notes here is no change of what somebody edits.

use std::sync::Arc;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vox_shared::ids::{CarrierId, TenantId};

use super::documents::{Documents, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Index, MAX_PAGE, Query, Text};
use super::stamp::Stamp;
use crate::field;

const OF_TENANT: &str = "of_tenant";
const BY_INBOUND: &str = "by_inbound";

const INBOUND_ID: Field<Text> = field!(Trunk => inbound_id: Text);
/// So many callees that a carrier refuses within this time are no matter of their numbers.
const MANY_REFUSED: usize = 3;
const REFUSED_WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// Refused callees that are remembered.
const MOST_REFUSED: usize = 20;
/// Tries of a change against others that write the same document.
const MAX_TRIES: usize = 8;

pub static TRUNKS: Collection = Collection {
    name: "trunks",
    indexes: &[
        Index::ordered(OF_TENANT, &[TENANT.place()]),
        Index::sparse(BY_INBOUND, &[INBOUND_ID.place()]),
    ],
    fields: &[],
    steps: &[],
};

/// How a carrier stands with LiveKit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncStatus {
    /// It is still to be made known there.
    #[default]
    Pending,
    /// LiveKit has it as it is set.
    Synced,
    /// LiveKit does not take it, or cannot be asked.
    Error,
}

impl SyncStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Synced => "synced",
            Self::Error => "error",
        }
    }
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trunk {
    pub tenant_id: TenantId,
    pub status: SyncStatus,
    /// Why it is so, for people; without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When it was last made known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced_at: Option<Stamp>,
    /// `ST_…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbound_id: Option<String>,
    /// `SDR_…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<String>,
    /// Hash of what was made known, without passwords.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_of: Option<String>,
    /// Calls that the carrier refused. Whoever makes it known leaves this as it is.
    #[serde(default, skip_serializing_if = "Refuses::is_none")]
    pub refuses: Refuses,
}

/// Callees whom a carrier refused lately (403).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refuses {
    /// Hashes of their numbers, and when each was refused last.
    #[serde(default)]
    callees: Vec<(String, Stamp)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Stamp>,
}

/// A carrier refuses so many callees that it is no matter of their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    pub since: Stamp,
    /// Within the last hour.
    pub callees: usize,
}

impl Refuses {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The alarm, while there is one.
    pub fn alarm(&self, now: Stamp) -> Option<Alarm> {
        let callees = self.callees.iter().filter(|(_, at)| *at + REFUSED_WITHIN > now).count();
        self.since.filter(|_| callees >= MANY_REFUSED).map(|since| Alarm { since, callees })
    }

    /// One more; answers the alarm when it begins with this.
    fn note(&mut self, callee: &str, now: Stamp) -> Option<Alarm> {
        let was_on = self.alarm(now).is_some();
        self.callees.retain(|(known, at)| known != callee && *at + REFUSED_WITHIN > now);
        self.callees.push((callee.to_owned(), now));
        let over = self.callees.len().saturating_sub(MOST_REFUSED);
        self.callees.drain(..over);
        if !was_on {
            self.since = (self.callees.len() >= MANY_REFUSED).then_some(now);
        }
        self.alarm(now).filter(|_| !was_on)
    }
}

impl Trunk {
    /// Of a carrier that is not known there yet.
    pub fn pending(tenant_id: TenantId) -> Self {
        Self {
            tenant_id,
            status: SyncStatus::Pending,
            text: None,
            synced_at: None,
            inbound_id: None,
            outbound_id: None,
            rule_id: None,
            made_of: None,
            refuses: Refuses::default(),
        }
    }
}

impl OfTenant for Trunk {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// Those of one tenant.
pub struct Trunks(Scoped<Trunk>);

impl Trunks {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &TRUNKS), tenant))
    }

    /// Of a carrier; one that nothing is known of is pending.
    pub async fn of_carrier(&self, carrier: &CarrierId) -> Result<Trunk, StoreError> {
        let found = self.0.find(carrier.as_str()).await?;
        Ok(found.map_or_else(|| Trunk::pending(self.0.tenant.clone()), |trunk| trunk.value))
    }

    /// Of all of the tenant's carriers.
    pub async fn list_all(&self) -> Result<Vec<Stored<Trunk>>, StoreError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.0.list(self.0.query(OF_TENANT).limit(MAX_PAGE).after(after)).await?;
            all.extend(page.items);
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// Keep how a carrier stands; what stands so already is not written. What it refuses stays as it is.
    pub async fn keep(&self, carrier: &CarrierId, trunk: &Trunk) -> Result<(), StoreError> {
        for _ in 0..MAX_TRIES {
            let written = match self.0.find(carrier.as_str()).await? {
                Some(stored) => {
                    let value = Trunk { refuses: stored.value.refuses.clone(), ..trunk.clone() };
                    match stored.value == value {
                        true => Ok(()),
                        false => self.0.replace(Stored { value, ..stored }).await.map(drop),
                    }
                }
                None => self.0.insert(carrier.as_str(), trunk).await,
            };
            match written {
                Err(StoreError::Conflict | StoreError::Duplicate) => {}
                written => return written,
            }
        }
        Err(StoreError::Conflict)
    }

    /// The carrier refused this callee, a hash. Answers the alarm when it begins with it; a carrier that is not known there refuses nobody.
    pub async fn note_refused(
        &self,
        carrier: &CarrierId,
        callee: &str,
        now: Stamp,
    ) -> Result<Option<Alarm>, StoreError> {
        for _ in 0..MAX_TRIES {
            let Some(mut stored) = self.0.find(carrier.as_str()).await? else { return Ok(None) };
            let begins = stored.value.refuses.note(callee, now);
            match self.0.replace(stored).await {
                Err(StoreError::Conflict) => {}
                written => return written.map(|_| begins),
            }
        }
        Err(StoreError::Conflict)
    }

    /// It is gone there, or its carrier here.
    pub async fn forget(&self, carrier: &CarrierId) -> Result<(), StoreError> {
        self.0.forget(carrier.as_str()).await
    }
}

/// Those of all tenants.
pub struct AllTrunks(Documents<Trunk>);

impl AllTrunks {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &TRUNKS))
    }

    /// Whose calls come over this trunk.
    pub async fn find_by_inbound(&self, id: &str) -> Result<Option<Stored<Trunk>>, StoreError> {
        self.0.first(Query::by_index(&TRUNKS, BY_INBOUND).equals(INBOUND_ID, id)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_callees_within_an_hour_are_an_alarm_and_it_is_told_once() {
        let at = |minute| Stamp("2026-11-30T10:00:00Z".parse().unwrap()) + SignedDuration::from_mins(minute);
        let mut refuses = Refuses::default();
        for (callee, minute) in [("a", 0), ("b", 1), ("a", 2), ("b", 3)] {
            assert_eq!(refuses.note(callee, at(minute)), None, "they are two");
        }
        let alarm = Alarm { since: at(4), callees: 3 };
        assert_eq!(refuses.note("c", at(4)), Some(alarm));
        assert_eq!(refuses.note("d", at(5)), None, "it was told");
        assert_eq!(refuses.alarm(at(6)), Some(Alarm { callees: 4, ..alarm }));
        assert_eq!(refuses.alarm(at(64)), None, "an hour after the last but two");
        assert_eq!(refuses.note("e", at(64)), None);
        assert_eq!(refuses.note("f", at(64)), Some(Alarm { since: at(64), callees: 3 }), "another one");
        let text = serde_json::to_string(&refuses).unwrap();
        assert_eq!(serde_json::from_str::<Refuses>(&text).unwrap(), refuses);
    }
}
