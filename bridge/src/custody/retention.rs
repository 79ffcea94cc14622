//! What goes because it is old, where a tenant says so: calls with all that belongs to them, and recordings alone. A legal hold keeps
//! both. What stays may cool (`tiers`). Each step may be repeated.

use jiff::SignedDuration;
use serde_json::json;
use vox_shared::ids::{SessionId, TenantId};

use super::tiers::Moved;
use super::trouble::Trouble;
use super::{Custodian, CustodyError, may_go};
use crate::jobs::runner::Failure;
use crate::jobs::upkeep::Upkeep;
use crate::search::keys;
use crate::store::audit::{Entry, Kind};
use crate::store::calls::tier::Tier;
use crate::store::digests::Sought;
use crate::store::engine::Word;
use crate::store::events::Event;
use crate::store::jobs::Job;
use crate::store::settings::Retention;
use crate::store::{Cursor, Reach, Stamp, StoreError, Stored};

/// The kind of job.
pub const KIND: &str = "retention";
/// The name of the event.
const DONE: &str = "retention.done";
/// Calls looked at in one batch.
const BATCH: usize = 100;

/// What went, and what stayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Gone {
    calls: u64,
    recordings: u64,
    /// For a legal hold.
    held: u64,
    /// It could not be read or written, or somebody changed it all the time.
    damaged: u64,
    /// What is left of them is removed later.
    is_behind: bool,
}

/// What a round came to.
#[derive(Default)]
struct Round {
    gone: Gone,
    moved: Moved,
}

/// Carry out a tenant's retention once. What was done is told however it ends.
pub async fn carry_out(with: Upkeep, job: Stored<Job>) -> Result<(), Failure> {
    let tenant = job.value.tenant_id.clone();
    let Some(retention) = with.stores.settings().retention(&tenant).await? else { return Ok(()) };
    let now = Stamp(with.clock.now());
    let begun = note(&with, &tenant, (&job.id, retention), None).await?;
    let mut round = Round::default();
    let done = with.custodian.age(&tenant, (retention, now), &mut round).await;
    let (gone, moved) = (round.gone, round.moved);
    tracing::info!(
        tenant.id = %tenant, calls = gone.calls, recordings = gone.recordings, held = gone.held, warmed = moved.warmed,
        archived = moved.archived, "what was too old is deleted, and what is old has cooled"
    );
    // The one says it to people, the other to programs: neither waits for the other.
    let noted = note(&with, &tenant, (&job.id, retention), Some(begun)).await;
    let told = tell(&with, &job, (gone, moved), now).await;
    done?;
    noted?;
    told?;
    match (gone.damaged + moved.damaged, moved.unended) {
        (0, 0) => Ok(()),
        (damaged, 0) => Err(Failure::ForGood(format!(
            "{damaged} calls could not be read or written, the log names them; the next day's job tries again"
        ))),
        (damaged, unended) => Err(Failure::ForGood(format!(
            "{unended} calls have not ended that began before others cooled, and {damaged} could not be read or written, the log names \
             them; the next day's job tries again"
        ))),
    }
}

/// Say in the tenant's audit log that it begins, or that what began with this entry has ended; answers the entry's number. A job that is
/// killed leaves a begin without an end, and its next try another pair.
async fn note(
    with: &Upkeep,
    tenant: &TenantId,
    (job, retention): (&str, Retention),
    begun: Option<i64>,
) -> Result<i64, Failure> {
    let days = [
        ("calls_days", retention.calls_days),
        ("recordings_days", retention.recordings_days),
        ("calls_warm_days", retention.calls_warm_days),
        ("calls_archive_days", retention.calls_archive_days),
    ];
    let days = days.into_iter().filter_map(|(name, days)| Some((name.to_owned(), days?.to_string())));
    let kind = if begun.is_some() { Kind::End } else { Kind::Begin };
    let entry = Entry {
        at: Stamp(with.clock.now()),
        parameters: days.collect(),
        object: Some(job.to_owned()),
        begin: begun,
        ..Entry::of_bridge(tenant.clone(), kind, (KIND, KIND))
    };
    with.audit.append(entry).await.map_err(|error| Failure::Now(error.to_string()))
}

impl Custodian {
    /// Delete what is too old, then move what is old. What was done by then stands in `round` when it fails too.
    async fn age(
        &self,
        tenant: &TenantId,
        (retention, now): (Retention, Stamp),
        round: &mut Round,
    ) -> Result<(), Trouble> {
        let before = |days: u32| now + -SignedDuration::from_hours(24 * i64::from(days));
        if let Some(days) = retention.calls_days {
            self.delete_older(tenant, before(days), &mut round.gone).await?;
        }
        if let Some(days) = retention.recordings_days {
            self.delete_recordings_older(tenant, before(days), &mut round.gone).await?;
        }
        let reach = Reach::whole(tenant.clone());
        if let Some(days) = retention.warm_days() {
            self.warm_older(&reach, before(days), &mut round.moved).await?;
        }
        if let Some(days) = retention.calls_archive_days {
            self.move_older(&reach, (Tier::Warm, before(days)), &mut round.moved).await?;
        }
        Ok(())
    }

    /// Delete calls that began before; those that were never brought to an end are closed by others first.
    async fn delete_older(&self, tenant: &TenantId, before: Stamp, gone: &mut Gone) -> Result<(), Trouble> {
        let reach = Reach::whole(tenant.clone());
        let words = vec![Word::Whole(keys::Key::Any.word())];
        let sought = Sought { words, now: before, from: None, to: Some(before) };
        let mut after = None;
        loop {
            let page = self.stores.digests(&reach).search(&sought, BATCH, after).await?;
            for digest in page.items {
                let Ok(id) = digest.id.parse::<SessionId>() else { continue };
                let deleted = Box::pin(self.delete(&reach, &id)).await;
                if gone.takes(&id, deleted)? {
                    gone.calls += 1;
                    self.clean_now(&id, gone).await?;
                }
            }
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Delete the recordings of calls that began before.
    async fn delete_recordings_older(
        &self,
        tenant: &TenantId,
        before: Stamp,
        gone: &mut Gone,
    ) -> Result<(), Trouble> {
        let reach = Reach::whole(tenant.clone());
        let mut after = None;
        loop {
            let page = self.stores.calls(&reach).list_with_recording(before, BATCH, after).await?;
            for call in page.items {
                let Ok(id) = call.id.parse::<SessionId>() else { continue };
                let forgotten = Box::pin(self.forget_recording(&reach, &id)).await;
                if gone.takes(&id, forgotten)? {
                    gone.recordings += 1;
                    self.clean_now(&id, gone).await?;
                }
            }
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Take the recording out of a call and note that its sound is to go, in one step: a hold comes before that, or too late. The result of
    /// an archived one still names it in its object, and not where the call is read (`crate::shelf`): thousands may go in a night, and none
    /// comes back from the archive for it.
    async fn forget_recording(&self, reach: &Reach, id: &SessionId) -> Result<(), CustodyError> {
        let now = Stamp(self.clock.now());
        let forgotten = self.change(reach, id, |call| {
            may_go(call)?;
            call.recording_token_hash = None;
            for name in ["recording_key", "recording_url"] {
                call.result.as_mut().map(|result| result.remove(name));
            }
            let named = call.recording_key.take();
            let custody = call.custody_mut();
            (custody.old_recording, custody.clean_at) = (named, Some(now));
            Ok(())
        });
        forgotten.await.map(drop)
    }

    /// Remove what is left of it. Once that did not work, whoever looks for what is left (`jobs/custody.rs`) does the others too: a
    /// store that is away is not waited for again and again.
    async fn clean_now(&self, id: &SessionId, gone: &mut Gone) -> Result<(), Trouble> {
        if gone.is_behind {
            return Ok(());
        }
        match Box::pin(self.clean(id)).await {
            Ok(is_clean) => gone.is_behind = !is_clean,
            // Somebody else cleans it, or changes it: it is looked at again.
            Err(StoreError::Conflict) => {}
            Err(error) => gone.passes_over(id, error)?,
        }
        Ok(())
    }
}

impl Gone {
    /// Whether it went. One that cannot be read or written keeps no other from its turn.
    fn takes(&mut self, id: &SessionId, went: Result<(), CustodyError>) -> Result<bool, Trouble> {
        match went {
            Ok(()) => return Ok(true),
            Err(CustodyError::Held) => self.held += 1,
            // Somebody deleted it.
            Err(CustodyError::Store(StoreError::NotFound)) => {}
            Err(CustodyError::Store(error)) => self.passes_over(id, error)?,
            // It runs.
            Err(_) => {}
        }
        Ok(false)
    }

    fn passes_over(&mut self, id: &SessionId, error: StoreError) -> Result<(), Trouble> {
        Trouble::from(error).pass_over(id.as_str(), "a call that is too old cannot be deleted")?;
        self.damaged += 1;
        Ok(())
    }
}

/// Whoever must show what was deleted, and when, finds it among the events. A later try tells what it deleted itself.
async fn tell(
    with: &Upkeep,
    job: &Stored<Job>,
    (gone, moved): (Gone, Moved),
    now: Stamp,
) -> Result<(), StoreError> {
    let (tenant, fence) = (&job.value.tenant_id, job.value.fence);
    let is_first = fence <= 1;
    if moved.is_nothing() && gone.calls + gone.recordings == 0 && (gone.held == 0 || !is_first) {
        return Ok(());
    }
    let of_try = if is_first { String::new() } else { format!(".{fence}") };
    let data = json!({
        "tenant_id": tenant, "calls_deleted": gone.calls, "recordings_deleted": gone.recordings, "held": gone.held,
        "calls_warmed": moved.warmed, "calls_archived": moved.archived,
    });
    let event = Event::of_tenant(tenant, DONE, data, now);
    let id = Event::id_of(&format!("{tenant}:{DONE}.{}{of_try}", job.id));
    with.stores.all_events().insert_events(vec![(id.to_string(), event)]).await
}
