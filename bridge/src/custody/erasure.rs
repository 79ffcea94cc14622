//! The erasure of a person: every call of the tenant with their number at one of its ends is deleted. Durable and resumable: what is
//! being deleted is noted before it is, and whoever finds the note goes on.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::SignedDuration;
use vox_shared::ids::{JobId, SessionId, TenantId};
use vox_shared::model::bot::ApiKey;
use vox_shared::phone::Number;

use super::trouble::is_of_all;
use super::{Custodian, CustodyError};
use crate::error::with_source;
use crate::store::calls::Call;
use crate::store::calls::custody::End;
use crate::store::engine::Renewal;
use crate::store::erasures::Erasure;
use crate::store::{Cursor, Reach, Stamp, StoreError, Stored};

/// How long a bridge may be silent before another goes on.
const LEASE: SignedDuration = SignedDuration::from_mins(2);
/// Calls that wait are looked at again after this.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// Calls deleted between two notes.
const BATCH: usize = 50;

/// Calls that an erasure names whose archived part was lost; the others are counted.
const MAX_LOST: usize = 1_000;

/// Steps of writing the indexes over words anew in one round, and the pause between them: well within the lease, and the store belongs to
/// the calls.
const STEPS: usize = 256;
const STEP_PAUSE: Duration = Duration::from_millis(20);

/// What is asked for.
pub struct Asked {
    pub tenant: TenantId,
    /// The user.
    pub by: String,
    pub number: Number,
    /// Whether the number is taken off the do-not-call list too.
    pub unlist: bool,
}

/// Calls of one round that stay.
#[derive(Default)]
struct Staying {
    held: u64,
    waiting: u64,
}

impl Staying {
    /// It runs, or cannot be read or written: the others have their turn, and it is looked at again.
    fn passes_over(&mut self, id: &str, error: &dyn std::error::Error) {
        tracing::warn!(
            call.id = id,
            error = with_source(error),
            "a call of a person who is erased is deleted later"
        );
        self.waiting += 1;
    }
}

impl Custodian {
    /// Note an erasure; a bridge begins it within half a minute.
    pub async fn ask_erasure(&self, asked: Asked) -> Result<Stored<Erasure>, StoreError> {
        let (id, now) = (JobId::generate(), Stamp(self.clock.now()));
        let number = asked.number.comparable();
        let erasure = Erasure {
            tenant_id: asked.tenant.clone(),
            asked_by: asked.by,
            asked_at: now,
            number_hash: self.stores.settings().number_hash(&asked.tenant, &number, now).await?,
            number: Some(ApiKey::new(number.as_str())),
            unlist: asked.unlist,
            due_at: Some(now),
            done_at: None,
            going: Vec::new(),
            calls: 0,
            held: 0,
            waiting: 0,
            lost: Vec::new(),
            lost_count: 0,
            is_renewing: false,
            listed: false,
        };
        self.stores.erasures(&asked.tenant).insert_erasure(&id, &erasure).await?;
        self.stores.erasures(&asked.tenant).get_erasure(&id).await
    }

    /// Go on with the erasure that is due the longest; answers whether there was one.
    pub async fn erase_due(&self) -> Result<bool, StoreError> {
        let now = Stamp(self.clock.now());
        let Some(erasure) = self.stores.all_erasures().claim(now, LEASE).await? else { return Ok(false) };
        match self.erase(erasure).await {
            // Another bridge took it over.
            Err(StoreError::Conflict) => Ok(true),
            done => done.map(|()| true),
        }
    }

    async fn erase(&self, mut erasure: Stored<Erasure>) -> Result<(), StoreError> {
        let Some(number) = erasure.value.number.clone() else { return Ok(()) };
        let mut staying = Staying::default();
        erasure = self.finish_going(erasure, &mut staying).await?;
        for end in [End::Caller, End::Called] {
            let mut after = None;
            loop {
                let tenant = erasure.value.tenant_id.clone();
                let asked = (end, number.expose());
                let page = self.stores.all_calls().list_with_number(&tenant, asked, (BATCH, after)).await?;
                erasure = self.erase_batch(erasure, page.items, &mut staying).await?;
                after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
                if after.is_none() {
                    break;
                }
            }
        }
        if let Ok(number) = number.expose().parse::<Number>() {
            let whose = (erasure.id.as_str(), &erasure.value.tenant_id);
            staying.waiting += self.erase_in_campaigns(whose, &number).await?;
        }
        self.end_round(erasure, &number, &staying).await
    }

    async fn erase_batch(
        &self,
        mut erasure: Stored<Erasure>,
        calls: Vec<Stored<Call>>,
        staying: &mut Staying,
    ) -> Result<Stored<Erasure>, StoreError> {
        let (held, calls): (Vec<_>, Vec<_>) = calls.into_iter().partition(|call| call.value.is_held());
        let (running, calls): (Vec<_>, Vec<_>) = calls.into_iter().partition(|call| call.value.is_running());
        staying.held += held.len() as u64;
        staying.waiting += running.len() as u64;
        if calls.is_empty() {
            return Ok(erasure);
        }
        for call in &calls {
            self.note_lost(&mut erasure.value, call).await;
        }
        erasure.value.going.extend(calls.into_iter().map(|call| call.id));
        erasure = self.note_erasure(erasure).await?;
        let reach = Reach::whole(erasure.value.tenant_id.clone());
        for id in erasure.value.going.iter().filter_map(|id| id.parse::<SessionId>().ok()) {
            match self.delete(&reach, &id).await {
                // What was deleted before is cleaned below; what is held since, or runs, is found in the next round.
                Ok(()) | Err(CustodyError::Store(StoreError::NotFound)) => {}
                Err(CustodyError::Held) => staying.held += 1,
                Err(CustodyError::Store(error)) if is_of_all(&error) => return Err(error),
                // It makes no sense, which is met and told below.
                Err(CustodyError::Store(StoreError::Engine(_))) => {}
                Err(error) => staying.passes_over(id.as_str(), &error),
            }
        }
        self.finish_going(erasure, staying).await
    }

    /// Name a call in the proof whose archived part was lost before it could be removed: where it is, nobody knows here. While the object
    /// store is away nothing is said of it.
    async fn note_lost(&self, erasure: &mut Erasure, call: &Stored<Call>) {
        let Some(object) = call.value.kept.as_ref().and_then(|kept| kept.object.as_deref()) else { return };
        let is_known = erasure.lost.contains(&call.id);
        if is_known || !matches!(self.depot.has(object).await, Ok(false)) {
            return;
        }
        tracing::error!(call.id = %call.id, "what was archived of a call of a person who is erased is not in the object store");
        erasure.lost_count += 1;
        if erasure.lost.len() < MAX_LOST {
            erasure.lost.push(call.id.clone());
        }
    }

    /// Clean what was deleted, count it, and note that.
    async fn finish_going(
        &self,
        mut erasure: Stored<Erasure>,
        staying: &mut Staying,
    ) -> Result<Stored<Erasure>, StoreError> {
        if erasure.value.going.is_empty() {
            return Ok(erasure);
        }
        erasure.value.is_renewing = false;
        for id in std::mem::take(&mut erasure.value.going) {
            let Ok(session) = id.parse::<SessionId>() else { continue };
            match self.clean_erased(&session).await {
                Ok(Some(true)) => erasure.value.calls += 1,
                Ok(None) => {}
                Err(error) if is_of_all(&error) => return Err(error),
                Ok(Some(false)) | Err(StoreError::Conflict) => {
                    staying.waiting += 1;
                    erasure.value.going.push(id);
                }
                Err(error) => {
                    staying.passes_over(&id, &error);
                    erasure.value.going.push(id);
                }
            }
        }
        self.note_erasure(erasure).await
    }

    /// Whether all is gone that a deleted call left; `None` when it is not deleted.
    async fn clean_erased(&self, id: &SessionId) -> Result<Option<bool>, StoreError> {
        // Not whole: what was archived of one that stays may be lost.
        let found = self.stores.all_calls().find_top(id).await?;
        if !found.is_some_and(|call| call.value.is_deleted()) {
            return Ok(None);
        }
        self.clean(id).await.map(Some)
    }

    /// Write down how far it is, and that this bridge still works on it.
    async fn note_erasure(&self, mut erasure: Stored<Erasure>) -> Result<Stored<Erasure>, StoreError> {
        erasure.value.due_at = Some(Stamp(self.clock.now()) + LEASE);
        self.stores.all_erasures().replace_erasure(erasure).await
    }

    async fn end_round(
        &self,
        mut erasure: Stored<Erasure>,
        number: &ApiKey,
        staying: &Staying,
    ) -> Result<(), StoreError> {
        let now = Stamp(self.clock.now());
        if let Ok(number) = number.expose().parse::<Number>() {
            let list = self.stores.do_not_call(&erasure.value.tenant_id);
            if erasure.value.unlist {
                match list.remove(&number).await {
                    Ok(()) | Err(StoreError::NotFound) => {}
                    Err(error) => return Err(error),
                }
            }
            erasure.value.listed = list.find_number(&number).await?.is_some();
        }
        (erasure.value.held, erasure.value.waiting) = (staying.held, staying.waiting);
        if staying.waiting > 0 {
            erasure.value.due_at = Some(now + AGAIN);
            return self.stores.all_erasures().replace_erasure(erasure).await.map(drop);
        }
        let (mut erasure, is_renewed) = self.renew_words(erasure).await?;
        if !is_renewed {
            erasure.value.due_at = Some(Stamp(self.clock.now()));
            return self.stores.all_erasures().replace_erasure(erasure).await.map(drop);
        }
        (erasure.value.number, erasure.value.due_at, erasure.value.done_at) = (None, None, Some(now));
        let done = self.stores.all_erasures().replace_erasure(erasure).await?;
        tracing::info!(erasure.id = %done.id, calls = done.value.calls, held = done.value.held, "a person is erased");
        self.unsettled.store(true, Ordering::Relaxed);
        self.settle().await;
        Ok(())
    }

    /// Have the indexes over words rid of what the calls' words left in them; false when that goes on in the next round. One that was
    /// begun goes on after a kill too.
    async fn renew_words(&self, mut erasure: Stored<Erasure>) -> Result<(Stored<Erasure>, bool), StoreError> {
        if !erasure.value.is_renewing {
            if self.stores.renew_words(Renewal::Begin).await? {
                return Ok((erasure, true));
            }
            erasure.value.is_renewing = true;
            erasure = self.note_erasure(erasure).await?;
        }
        for _ in 0..STEPS {
            if self.stores.renew_words(Renewal::GoOn).await? {
                return Ok((erasure, true));
            }
            tokio::time::sleep(STEP_PAUSE).await;
        }
        Ok((erasure, false))
    }
}
