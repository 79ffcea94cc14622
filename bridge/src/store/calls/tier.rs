//! How a call is kept: hot as it came, warm with its heavy part compressed in its document, in the archive with that part in an object
//! (decision 0052). What lists, filters, holds and erasures need stays at the top of the document in every tier.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{BY_TIER, BY_TIME, CREATED_AT, Call, Calls, DELETED_AT, TIER, WITHOUT_RESULT};
use crate::store::Stamp;
use crate::store::documents::{Listed, StoreError, Stored};
use crate::store::engine::{Cursor, EngineError, Filter, Json, Order, Query, Text, Update, holds};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    Hot,
    Warm,
    Archive,
}

impl Tier {
    fn as_str(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Warm => "warm",
            Self::Archive => "archive",
        }
    }
}

holds! { Text: Tier => |tier| tier.as_str().into(); }

/// Where the heavy part of a call is that has cooled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// `hot` of one that was changed since it had cooled; absent of what is left of a deleted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// The object that has the heavy part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Every object that may have been made for the call: noted before it is, so that a deletion finds it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<String>,
}

impl Kept {
    /// Of a deleted call: the objects that are still to be removed.
    pub(super) fn buried(self) -> Self {
        Self { objects: self.objects, ..Self::default() }
    }
}

/// A compressed heavy part as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed(pub String);

holds! { Json: Packed => |packed| packed.0.as_str().into(); }

impl Call {
    pub fn tier(&self) -> Tier {
        self.kept.as_ref().and_then(|kept| kept.tier).unwrap_or(Tier::Hot)
    }

    /// A call that is written whole has its heavy part in its own fields again.
    pub(super) fn come_back(&mut self) {
        self.packed = None;
        let is_deleted = self.is_deleted();
        if let Some(kept) = &mut self.kept {
            (kept.tier, kept.object) = ((!is_deleted).then_some(Tier::Hot), None);
        }
    }

    /// Take the heavy part out, by the names of its fields.
    pub fn take_heavy(&mut self) -> serde_json::Result<Map<String, Value>> {
        let parts = [
            ("result", self.result.take().map(Value::Object)),
            ("connected_event", self.connected_event.take()),
            ("crm", self.crm.take().map(serde_json::to_value).transpose()?),
            ("analysis", self.analysis.take().map(serde_json::to_value).transpose()?),
            ("summary", self.summary.take().map(serde_json::to_value).transpose()?),
        ];
        Ok(parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part?))).collect())
    }
}

impl Calls {
    /// Write back a call in another tier, and otherwise as it was read: it is not digested anew, and is found by what it was found by.
    pub async fn shelve_call(&self, call: Stored<Call>) -> Result<Stored<Call>, StoreError> {
        self.within(&call.value)?;
        self.of_tenant.replace(call).await
    }

    /// Have a hot call stand among those of its tier, where the next round finds it although later ones have cooled.
    pub async fn stay_hot(&self, id: &str) -> Result<(), StoreError> {
        let hot = vec![Filter::absent(TIER), Filter::absent(DELETED_AT)];
        match self.of_tenant.update(id, hot, Update::default().set(TIER, Tier::Hot)).await {
            // It is written; what makes no sense of it is known.
            Err(StoreError::Engine(EngineError::Malformed(_))) => Ok(()),
            written => written.map(drop),
        }
    }

    /// Those of a tier that began before, the oldest first, without their results.
    pub async fn list_in_tier(
        &self,
        tier: Tier,
        before: Stamp,
        (limit, after): (usize, Option<Cursor>),
    ) -> Result<Listed<Call>, StoreError> {
        let query = self.of_tenant.query(BY_TIER).equals(TIER, tier).below(CREATED_AT, before);
        self.of_tenant.list(query.limit(limit).after(after).omit(WITHOUT_RESULT)).await
    }

    /// Those that began within these bounds, the oldest first, deleted ones among them, without their results.
    pub async fn list_begun(
        &self,
        (from, before): (Option<Stamp>, Stamp),
        (limit, after): (usize, Option<Cursor>),
    ) -> Result<Listed<Call>, StoreError> {
        let query = self.of_tenant.query(BY_TIME).below(CREATED_AT, before);
        let query = from.into_iter().fold(query, |query, from| query.from(CREATED_AT, from));
        self.of_tenant.list(query.limit(limit).after(after).omit(WITHOUT_RESULT)).await
    }

    /// When the latest began of those that have cooled.
    pub async fn last_cooled(&self) -> Result<Option<Stamp>, StoreError> {
        let mut last = None;
        for tier in [Tier::Warm, Tier::Archive] {
            let query: Query = self.of_tenant.query(BY_TIER).equals(TIER, tier).order(Order::Descending);
            let found = self.of_tenant.first(query.omit(WITHOUT_RESULT)).await?;
            last = last.max(found.map(|call| call.value.created_at));
        }
        Ok(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_that_lists_leave_out_is_of_the_heavy_part() {
        let left_out: Vec<_> = WITHOUT_RESULT.iter().map(|field| field.place().path).collect();
        assert_eq!(left_out, ["result", "connected_event", "crm", "analysis", "summary", "packed"]);
    }
}
