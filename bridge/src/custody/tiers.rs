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
    /// They began so long ago that they should have cooled, and have not ended: whoever closes lost calls could not close them.
    pub unended: u64,
}

impl Moved {
    fn is_full(self) -> bool {
        self.warmed + self.archived >= MAX_MOVED
    }

    pub fn is_nothing(self) -> bool {
        self.warmed + self.archived == 0
    }
}

/// A call whose heavy part is to be taken out of it.
enum Taken {
    Part {
        call: Box<Stored<Call>>,
        packed: Vec<u8>,
    },
    /// It has not ended.
    Running,
    Gone,
}

/// What came of a call that is to be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    Moved,
    /// It has not ended.
    Running,
    /// Somebody deleted it or changed it.
    Gone,
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
            Ok(Came::Gone) => {}
            Ok(Came::Moved) if from == Tier::Hot => moved.warmed += 1,
            Ok(Came::Moved) => moved.archived += 1,
            // All calls that began then are closed by now, if that can be done. It waits among the hot, and the others go on.
            Ok(Came::Running) => {
                tracing::error!(
                    call.id = id,
                    "a call that began long ago has not ended, and does not cool: the log says why it could not be closed"
                );
                moved.unended += 1;
                self.stores.calls(reach.clone()).stay_hot(id).await?;
            }
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

    async fn warm(&self, reach: &Reach, id: &str) -> Result<Came, Trouble> {
        for _ in 0..MAX_TRIES {
            let (mut call, packed) = match self.take(reach, id).await? {
                Taken::Part { call, packed } => (*call, packed),
                Taken::Running => return Ok(Came::Running),
                Taken::Gone => return Ok(Came::Gone),
            };
            call.value.packed = Some(Packed(pack::to_text(&packed)));
            kept_mut(&mut call.value).tier = Some(Tier::Warm);
            match self.stores.calls(reach.clone()).shelve_call(call).await {
                Err(StoreError::Conflict) => {}
                written => return Ok(written.map(|_| Came::Moved)?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Somebody who changes the call meanwhile has it back, and the object stays noted for the next time.
    async fn archive(&self, reach: &Reach, id: &str) -> Result<Came, Trouble> {
        let calls = self.stores.calls(reach.clone());
        let (mut call, packed) = match self.take(reach, id).await? {
            Taken::Part { call, packed } => (*call, packed),
            Taken::Running => return Ok(Came::Running),
            Taken::Gone => return Ok(Came::Gone),
        };
        let (name, tenant) = (Depot::new_name(), call.value.tenant_id.clone());
        call.value.packed = Some(Packed(pack::to_text(&packed)));
        let kept = kept_mut(&mut call.value);
        kept.tier = Some(Tier::Warm);
        kept.objects.push(name.clone());
        let Some(mut call) = unless_changed(calls.shelve_call(call).await)? else { return Ok(Came::Gone) };
        self.depot.put(&tenant, &name, packed).await?;
        call.value.packed = None;
        let kept = kept_mut(&mut call.value);
        (kept.tier, kept.object) = (Some(Tier::Archive), Some(name.clone()));
        let Some(mut call) = unless_changed(calls.shelve_call(call).await)? else { return Ok(Came::Gone) };
        let kept = kept_mut(&mut call.value);
        let stale: Vec<String> = kept.objects.extract_if(.., |object| *object != name).collect();
        if !stale.is_empty() {
            for object in &stale {
                self.depot.delete(object).await?;
            }
            unless_changed(calls.shelve_call(call).await)?;
        }
        Ok(Came::Moved)
    }

    async fn take(&self, reach: &Reach, id: &str) -> Result<Taken, Trouble> {
        let Ok(session) = id.parse::<SessionId>() else { return Ok(Taken::Gone) };
        let mut call = match self.stores.calls(reach.clone()).get_call(&session).await {
            Ok(call) if call.value.is_running() => return Ok(Taken::Running),
            Ok(call) => call,
            Err(StoreError::NotFound) => return Ok(Taken::Gone),
            Err(error) => return Err(error.into()),
        };
        let part = call.value.take_heavy().map_err(PackError::from)?;
        let packed = pack::aside(move || pack::pack(&part)).await?;
        Ok(Taken::Part { call: Box::new(call), packed })
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
