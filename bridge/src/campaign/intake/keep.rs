//! Contacts into the store: new ones are added, known ones get what the list says anew, and nothing else of them changes.

use std::collections::HashMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use vox_shared::ids::{ContactId, ImportId, TenantId};

use super::super::import::CHUNK;
use super::super::import::row::{Made, RowFault, renew};
use crate::store::contacts::Contact;
use crate::store::{StoreError, Stores};

/// Contacts that are looked up at once.
const AT_ONCE: usize = 16;
/// Tries to change a contact that is being called.
const MAX_TRIES: usize = 5;

/// What was done.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    /// Lines of contacts of whom every number is on the do-not-call list.
    pub barred: Vec<u64>,
}

/// What became of a contact that was there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    /// By the same import, before whoever stored it died.
    Created,
    Updated,
    Unchanged,
}

/// The reason of those.
pub(super) fn barred() -> RowFault {
    RowFault {
        code: "do_not_call",
        detail: "every number of the row is on the tenant's do-not-call list".into(),
        field: "phones",
    }
}

/// Store contacts with the lines they are from; no two of them are the same.
pub(super) async fn keep(
    stores: &Stores,
    tenant: &TenantId,
    made: Vec<(u64, Made)>,
) -> Result<Kept, StoreError> {
    let mut kept = Kept::default();
    let mut made = made.into_iter().peekable();
    while made.peek().is_some() {
        let chunk: Vec<(u64, Made)> = made.by_ref().take(CHUNK).collect();
        let (barred, free) = sorted(stores, tenant, chunk).await?;
        kept.barred.extend(barred);
        let contacts = stores.contacts(tenant);
        let mut said: HashMap<String, Made> =
            free.iter().map(|made| (made.0.to_string(), made.clone())).collect();
        let count = free.len() as u64;
        let known = contacts.insert_contacts(free).await?;
        kept.created += count - known.len() as u64;
        let known: Vec<Made> = known.iter().filter_map(|id| said.remove(id)).collect();
        let renewed: Vec<Again> = stream::iter(known)
            .map(|(id, contact)| renewed(stores, tenant, id, contact))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let count = |what: Again| renewed.iter().filter(|again| **again == what).count() as u64;
        kept.created += count(Again::Created);
        kept.updated += count(Again::Updated);
        kept.unchanged += count(Again::Unchanged);
    }
    Ok(kept)
}

/// Lines of those who may not be called at all, and the others.
async fn sorted(
    stores: &Stores,
    tenant: &TenantId,
    made: Vec<(u64, Made)>,
) -> Result<(Vec<u64>, Vec<Made>), StoreError> {
    let looked: Vec<(bool, u64, Made)> = stream::iter(made)
        .map(|(line, made)| async move {
            let mut is_barred = true;
            for number in &made.1.numbers {
                let found = stores.do_not_call(tenant).find_number(&number.number.comparable()).await?;
                is_barred &= found.is_some();
            }
            Ok::<_, StoreError>((is_barred, line, made))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let (barred, free): (Vec<_>, Vec<_>) = looked.into_iter().partition(|(is_barred, ..)| *is_barred);
    Ok((
        barred.into_iter().map(|(_, line, _)| line).collect(),
        free.into_iter().map(|(.., made)| made).collect(),
    ))
}

/// What the list says of a known contact, into it.
async fn renewed(
    stores: &Stores,
    tenant: &TenantId,
    id: ContactId,
    said: Contact,
) -> Result<Again, StoreError> {
    let contacts = stores.contacts(tenant);
    for _ in 0..MAX_TRIES {
        let Some(mut known) = contacts.find_contact(&id).await? else { return Ok(Again::Unchanged) };
        let is_own = written_by(&known.value).is_some() && written_by(&known.value) == written_by(&said);
        let was_added = known.value.written.as_ref().is_some_and(|written| written.added);
        if !renew(&mut known.value, said.clone()) {
            return Ok(match (is_own, was_added) {
                (true, true) => Again::Created,
                (true, false) => Again::Updated,
                (false, _) => Again::Unchanged,
            });
        }
        match contacts.replace_contact(known).await {
            Ok(_) => return Ok(Again::Updated),
            // An attempt is under way: once more, with what it wrote.
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Conflict)
}

fn written_by(contact: &Contact) -> Option<&ImportId> {
    contact.written.as_ref().map(|written| &written.import)
}
