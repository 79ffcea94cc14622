//! What is left of a tenant that leaves, in every collection there is: a new one is among them by itself.

use serde_json::Value;
use vox_shared::ids::TenantId;

use super::audit::AUDIT;
use super::calls::{CALLS, WITHOUT_RESULT};
use super::documents::{StoreError, TENANT};
use super::engine::{Collection, Cursor, Document, EngineError, Index, IndexKind, Query, Which};
use super::proofs::CAMPAIGN_PROOFS;
use super::{COLLECTIONS, SWEPT, Stores};
use crate::vault::DATA_KEYS;

/// A call of a tenant that leaves, whatever is in it.
#[derive(Clone, Debug)]
pub struct LeftCall {
    pub id: String,
    version: u64,
    /// Under what its recording was stored.
    pub recording_key: Option<String>,
    /// Objects with what was archived of it.
    pub objects: Vec<String>,
    /// It is under a legal hold.
    pub is_held: bool,
}

/// Some of them, and where the next ones begin.
pub type LeftCalls = (Vec<LeftCall>, Option<Cursor>);

impl Stores {
    /// Calls of a tenant, deleted ones among them. In MongoDB one that holds a value that Vox never writes is not: see
    /// [`Self::count_left_calls`].
    pub async fn list_left_calls(
        &self,
        tenant: &TenantId,
        after: Option<Cursor>,
    ) -> Result<LeftCalls, StoreError> {
        let index = index_of_tenants(&CALLS).ok_or_else(|| undeclared(&CALLS))?;
        let query = Query::by_index(&CALLS, index.name).equals(TENANT, tenant);
        let page = self.engine.find(query.limit(SWEPT).after(after).omit(WITHOUT_RESULT)).await?;
        Ok((page.documents.iter().map(left).collect(), page.next))
    }

    /// How many calls of a tenant there are, those that cannot be read among them.
    pub async fn count_left_calls(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let index = index_of_tenants(&CALLS).ok_or_else(|| undeclared(&CALLS))?;
        Ok(self.engine.count(Query::by_index(&CALLS, index.name).equals(TENANT, tenant)).await?)
    }

    /// Delete a call for good. [`StoreError::Conflict`] when somebody wrote it since.
    pub async fn forget_left_call(&self, call: &LeftCall) -> Result<(), StoreError> {
        match self.engine.delete(&CALLS, call.id.clone(), call.version).await? {
            true => Ok(()),
            false => Err(StoreError::Conflict),
        }
    }

    /// Delete what else there is of a tenant, [`SWEPT`] documents of each kind that is searched by tenant at most; answers whether
    /// nothing is left. Ledger, audit log and proofs of campaigns stay, which are only ever added to, and the tenant's own document.
    pub async fn forget_tenant(&self, tenant: &TenantId) -> Result<bool, StoreError> {
        let mut is_done = true;
        let stays = |of: &Collection| {
            of.is_append_only() || [CALLS.name, AUDIT.name, CAMPAIGN_PROOFS.name].contains(&of.name)
        };
        let left = || COLLECTIONS.iter().filter(|of| !stays(of));
        for collection in left() {
            let Some(index) = index_of_tenants(collection) else { continue };
            let query = Query::by_index(collection, index.name).equals(TENANT, tenant);
            is_done &= self.engine.delete_many(query.limit(SWEPT)).await? < SWEPT;
        }
        if !is_done {
            return Ok(false);
        }
        for collection in left().filter(|of| index_of_tenants(of).is_none()) {
            is_done &= self.forget_by_id(collection, tenant).await?;
        }
        Ok(is_done)
    }

    /// The same of a collection that nobody searches by tenant. It is read through, everybody's documents: once, after all else.
    async fn forget_by_id(
        &self,
        collection: &'static Collection,
        tenant: &TenantId,
    ) -> Result<bool, StoreError> {
        let (mut is_done, mut after) = (true, None);
        loop {
            let page = self.engine.list_by_id(collection, Which::All, after).await?;
            let Some(last) = page.last().map(|kept| kept.document.id.clone()) else { return Ok(is_done) };
            for document in page.into_iter().map(|kept| kept.document) {
                if is_of(collection, &document, tenant) {
                    is_done &= self.engine.delete(collection, document.id, document.version).await?;
                }
            }
            after = Some(last);
        }
    }
}

/// An index that every document is in, by its tenant first.
fn index_of_tenants(collection: &'static Collection) -> Option<&'static Index> {
    let is_it =
        |index: &&Index| index.kind == IndexKind::Ordered && index.fields.first() == Some(&TENANT.place());
    collection.indexes.iter().find(is_it)
}

fn is_of(collection: &Collection, document: &Document, tenant: &TenantId) -> bool {
    let named = TENANT.place().of(&document.body).and_then(Value::as_str);
    // A tenant's data keys have it in their ids.
    let keyed = document.id.split_once('~').map(|(tenant, _)| tenant);
    named == Some(tenant.as_str()) || (collection.name == DATA_KEYS.name && keyed == Some(tenant.as_str()))
}

fn left(call: &Document) -> LeftCall {
    let objects = call.body.get("kept").and_then(|kept| kept.get("objects")).and_then(Value::as_array);
    let objects = objects.into_iter().flatten().filter_map(Value::as_str);
    let hold = call.body.get("custody").and_then(|custody| custody.get("hold"));
    LeftCall {
        id: call.id.clone(),
        version: call.version,
        recording_key: call.body.get("recording_key").and_then(Value::as_str).map(str::to_owned),
        objects: objects.map(str::to_owned).collect(),
        is_held: hold.is_some_and(|hold| !hold.is_null()),
    }
}

fn undeclared(collection: &Collection) -> StoreError {
    StoreError::Engine(EngineError::Undeclared(format!("{}: no index by tenant", collection.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digests of all tenants' calls were read through for each batch of one tenant's.
    #[test]
    fn what_there_is_of_each_call_is_found_by_its_tenant() {
        for name in ["calls", "call_digests", "events", "deliveries", "jobs", "crm_pushes"] {
            let collection = COLLECTIONS.iter().find(|of| of.name == name).unwrap();
            assert!(index_of_tenants(collection).is_some(), "{name}");
        }
    }
}
