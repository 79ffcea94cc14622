//! Calls that cool: after so many days their heavy part is compressed in their documents, later moved to the object store, where a
//! tenant says so (decision 0052). Each step may be repeated, by any bridge: a call is written back only as it was read, and an object
//! is noted in its call before it is made.

use vox_shared::ids::SessionId;

use super::trouble::Trouble;
use super::{Custodian, MAX_TRIES};
use crate::shelf::depot::Depot;
use crate::shelf::pack::{self, PackError};
use crate::store::calls::Call;
use crate::store::calls::tier::{Kept, Packed, Tier};
use crate::store::{Cursor, Listed, Reach, Stamp, StoreError, Stored};

/// Calls looked at in one batch.
const BATCH: usize = 100;
/// Most calls that one day's job moves: others of its queue wait for it. The rest is moved on the next days.
pub const MAX_MOVED: u64 = 100_000;

/// What was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    pub warmed: u64,
    pub archived: u64,
    /// They could not be read, compressed or written, and stay where they are.
    pub damaged: u64,
}

impl Moved {
    fn is_full(self) -> bool {
        self.warmed + self.archived >= MAX_MOVED
    }

    pub fn is_nothing(self) -> bool {
        self.warmed + self.archived == 0
    }
}

/// The heavy part of a call that was taken out of it.
struct Taken {
    call: Stored<Call>,
    packed: Vec<u8>,
}

impl Custodian {
    /// Compress the calls that began before.
    pub(super) async fn warm_older(
        &self,
        reach: &Reach,
        before: Stamp,
        moved: &mut Moved,
    ) -> Result<(), Trouble> {
        // Those that were changed since they had cooled, and those that could not be.
        self.move_older(reach, (Tier::Hot, before), moved).await?;
        let calls = self.stores.calls(reach.clone());
        // The others, one after the other from where the last round came to: what it left behind is among those above.
        let (from, mut after) = (calls.last_cooled().await?, None);
        while !moved.is_full() {
            let page = calls.list_begun((from, before), (BATCH, after)).await?;
            for call in page.items.iter().filter(|call| !call.value.is_deleted()) {
                // It is closed soon, if its worker is gone, and cools tomorrow with all after it.
                if call.value.is_running() {
                    return Ok(());
                }
                if call.value.kept.is_none() {
                    self.cool(reach, (&call.id, Tier::Hot), moved).await?;
                }
            }
            after = next(&page)?;
            if after.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Move the calls of a tier that began before to the next one: the hot are compressed, the warm go to the object store.
    pub(super) async fn move_older(
        &self,
        reach: &Reach,
        (from, before): (Tier, Stamp),
        moved: &mut Moved,
    ) -> Result<(), Trouble> {
        let calls = self.stores.calls(reach.clone());
        let mut after = None;
        loop {
            let page = calls.list_in_tier(from, before, (BATCH, after)).await?;
            for call in &page.items {
                self.cool(reach, (&call.id, from), moved).await?;
            }
            after = next(&page)?;
            if after.is_none() || moved.is_full() {
                return Ok(());
            }
        }
    }

    /// Move a call on from its tier. One that cannot be moved keeps no other from its turn.
    async fn cool(&self, reach: &Reach, (id, from): (&str, Tier), moved: &mut Moved) -> Result<(), Trouble> {
        let done = match from {
            Tier::Hot => self.warm(reach, id).await,
            Tier::Warm | Tier::Archive => self.archive(reach, id).await,
        };
        match done {
            Ok(false) => {}
            Ok(true) if from == Tier::Hot => moved.warmed += 1,
            Ok(true) => moved.archived += 1,
            Err(trouble) => {
                trouble.pass_over(id, "an old call stays in its tier")?;
                moved.damaged += 1;
                if from == Tier::Hot {
                    self.stores.calls(reach.clone()).stay_hot(id).await?;
                }
            }
        }
        Ok(())
    }

    /// Whether it was moved.
    async fn warm(&self, reach: &Reach, id: &str) -> Result<bool, Trouble> {
        for _ in 0..MAX_TRIES {
            let Some(Taken { mut call, packed }) = self.take(reach, id).await? else { return Ok(false) };
            call.value.packed = Some(Packed(pack::to_text(&packed)));
            kept_mut(&mut call.value).tier = Some(Tier::Warm);
            match self.stores.calls(reach.clone()).shelve_call(call).await {
                Err(StoreError::Conflict) => {}
                written => return Ok(written.map(|_| true)?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Whether it was moved. Somebody who changes the call meanwhile has it back, and the object stays noted for the next time.
    async fn archive(&self, reach: &Reach, id: &str) -> Result<bool, Trouble> {
        let calls = self.stores.calls(reach.clone());
        let Some(Taken { mut call, packed }) = self.take(reach, id).await? else { return Ok(false) };
        let (name, tenant) = (Depot::new_name(), call.value.tenant_id.clone());
        call.value.packed = Some(Packed(pack::to_text(&packed)));
        let kept = kept_mut(&mut call.value);
        kept.tier = Some(Tier::Warm);
        kept.objects.push(name.clone());
        let Some(mut call) = unless_changed(calls.shelve_call(call).await)? else { return Ok(false) };
        self.depot.put(&tenant, &name, packed).await?;
        call.value.packed = None;
        let kept = kept_mut(&mut call.value);
        (kept.tier, kept.object) = (Some(Tier::Archive), Some(name.clone()));
        let Some(mut call) = unless_changed(calls.shelve_call(call).await)? else { return Ok(false) };
        let kept = kept_mut(&mut call.value);
        let stale: Vec<String> = kept.objects.extract_if(.., |object| *object != name).collect();
        if !stale.is_empty() {
            for object in &stale {
                self.depot.delete(object).await?;
            }
            unless_changed(calls.shelve_call(call).await)?;
        }
        Ok(true)
    }

    /// A call that has ended, with its heavy part taken out; `None` when it is gone, or runs.
    async fn take(&self, reach: &Reach, id: &str) -> Result<Option<Taken>, Trouble> {
        let Ok(session) = id.parse::<SessionId>() else { return Ok(None) };
        let mut call = match self.stores.calls(reach.clone()).get_call(&session).await {
            Ok(call) if call.value.is_running() => return Ok(None),
            Ok(call) => call,
            Err(StoreError::NotFound) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let part = call.value.take_heavy().map_err(PackError::from)?;
        let packed = pack::aside(move || pack::pack(&part)).await?;
        Ok(Some(Taken { call, packed }))
    }
}

fn kept_mut(call: &mut Call) -> &mut Kept {
    call.kept.get_or_insert_default()
}

fn next(page: &Listed<Call>) -> Result<Option<Cursor>, StoreError> {
    Ok(page.next_cursor.as_deref().map(Cursor::parse).transpose()?)
}

/// `None` when somebody else wrote it, or deleted it.
fn unless_changed(written: Result<Stored<Call>, StoreError>) -> Result<Option<Stored<Call>>, StoreError> {
    match written {
        Err(StoreError::Conflict | StoreError::NotFound) => Ok(None),
        written => written.map(Some),
    }
}
