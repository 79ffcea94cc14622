//! What goes because it is old, where a tenant says so: calls with all that belongs to them, and recordings alone. A legal hold keeps
//! both. What stays may cool (`tiers`). Each step may be repeated.

use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use vox_shared::ids::{SessionId, TenantId};

use super::tiers::Moved;
use super::trouble::Trouble;
use super::{Custodian, CustodyError, Part, may_go};
use crate::jobs::runner::Failure;
use crate::jobs::upkeep::Upkeep;
use crate::search::keys;
use crate::store::audit::{Entry, Kind};
use crate::store::calls::tier::Tier;
use crate::store::digests::Sought;
use crate::store::engine::Word;
use crate::store::events::Event;
use crate::store::jobs::{Job, Queue};
use crate::store::settings::Retention;
use crate::store::{Cursor, Reach, Stamp, StoreError, Stored};

/// The kind of job.
pub const KIND: &str = "retention";
/// The name of the event.
const DONE: &str = "retention.done";
/// Calls looked at in one batch.
const BATCH: usize = 100;

/// Where a job goes on that another one left off: it names the last call that was looked at.
const CALLS_AFTER: &str = "calls_after";
/// The same, of those whose recordings are deleted; the calls are done.
const RECORDINGS_AFTER: &str = "recordings_after";

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
struct Round {
    gone: Gone,
    moved: Moved,
    /// So many may still be looked at.
    left: usize,
    /// With what the rest is to be begun, once none may.
    rest: Option<(&'static str, String)>,
}

/// Carry out a tenant's retention once. What was done is told however it ends.
pub async fn carry_out(with: Upkeep, job: Stored<Job>) -> Result<(), Failure> {
    let tenant = job.value.tenant_id.clone();
    if with.find_tenant(&tenant).await?.is_none() {
        return Ok(());
    }
    let Some(retention) = with.stores.settings().retention(&tenant).await? else { return Ok(()) };
    let now = Stamp(with.clock.now());
    let begun = note(&with, &tenant, (&job.id, retention), None).await?;
    let mut round =
        Round { gone: Gone::default(), moved: Moved::default(), left: with.most_aged.max(1), rest: None };
    let done = with.custodian.age((&tenant, &job.value.arguments), (retention, now), &mut round).await;
    let Round { gone, moved, rest, .. } = round;
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
    if let Some(rest) = rest {
        begin_rest(&with, &job, rest, now).await?;
    }
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

/// Make the job that goes on where this one left off. It comes after those that wait now.
async fn begin_rest(
    with: &Upkeep,
    job: &Stored<Job>,
    (name, after): (&str, String),
    now: Stamp,
) -> Result<(), StoreError> {
    let mut arguments = job.value.arguments.clone();
    arguments.retain(|known, _| ![CALLS_AFTER, RECORDINGS_AFTER].contains(&known.as_str()));
    arguments.insert(name.to_owned(), after.into());
    let rest = Job::new(job.value.tenant_id.clone(), (Queue::Reports, KIND), arguments, now);
    // Made once, however often this one is repeated: what is looked at again is no more than that.
    let id = Job::id_of(&format!("{}:rest", job.id));
    match with.stores.jobs(&job.value.tenant_id).insert_job(&id, &rest).await {
        Err(StoreError::Duplicate) => Ok(()),
        made => made,
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
        (tenant, arguments): (&TenantId, &Map<String, Value>),
        (retention, now): (Retention, Stamp),
        round: &mut Round,
    ) -> Result<(), Trouble> {
        let before = |days: u32| now + -SignedDuration::from_hours(24 * i64::from(days));
        // Without one from the first: those that are done are gone.
        let begin = |name| arguments.get(name).and_then(Value::as_str).and_then(|at| Cursor::parse(at).ok());
        if let Some(days) = retention.calls_days.filter(|_| !arguments.contains_key(RECORDINGS_AFTER)) {
            self.delete_older(tenant, (before(days), begin(CALLS_AFTER)), round).await?;
        }
        if let Some(days) = retention.recordings_days.filter(|_| round.rest.is_none()) {
            self.delete_recordings_older(tenant, (before(days), begin(RECORDINGS_AFTER)), round).await?;
        }
        // They cool when all is deleted that is to be.
        if round.rest.is_some() {
            return Ok(());
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
    async fn delete_older(
        &self,
        tenant: &TenantId,
        (before, mut after): (Stamp, Option<Cursor>),
        round: &mut Round,
    ) -> Result<(), Trouble> {
        let reach = Reach::whole(tenant.clone());
        let words = vec![Word::Whole(keys::Key::Any.word())];
        let sought = Sought { words, now: before, from: None, to: Some(before) };
        loop {
            let page = self.stores.digests(&reach).search(&sought, BATCH.min(round.left), after).await?;
            round.left = round.left.saturating_sub(page.items.len().max(1));
            let gone = &mut round.gone;
            for digest in page.items {
                let Ok(id) = digest.id.parse::<SessionId>() else { continue };
                let deleted = Box::pin(self.delete(&reach, &id)).await;
                if gone.takes(&id, deleted)? {
                    gone.calls += 1;
                    self.clean_now(&id, gone).await?;
                }
            }
            after = round.next(CALLS_AFTER, page.next_cursor)?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Delete the recordings of calls that began before.
    async fn delete_recordings_older(
        &self,
        tenant: &TenantId,
        (before, mut after): (Stamp, Option<Cursor>),
        round: &mut Round,
    ) -> Result<(), Trouble> {
        let reach = Reach::whole(tenant.clone());
        loop {
            let limit = BATCH.min(round.left);
            if limit == 0 {
                // Nothing of these was looked at: the rest begins with the first of them.
                round.rest = Some((RECORDINGS_AFTER, String::new()));
                return Ok(());
            }
            let page = self.stores.calls(&reach).list_with_recording(before, limit, after).await?;
            round.left = round.left.saturating_sub(page.items.len().max(1));
            let gone = &mut round.gone;
            for call in page.items {
                let Ok(id) = call.id.parse::<SessionId>() else { continue };
                let forgotten = Box::pin(self.forget_recording(&reach, &id)).await;
                if gone.takes(&id, forgotten)? {
                    gone.recordings += 1;
                    self.clean_now(&id, gone).await?;
                }
            }
            after = round.next(RECORDINGS_AFTER, page.next_cursor)?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Take the recording out of a call and note that its sound is to go, in one step: a hold comes before that, or too late.
    async fn forget_recording(&self, reach: &Reach, id: &SessionId) -> Result<(), CustodyError> {
        let now = Stamp(self.clock.now());
        let forgotten = self.change(reach, (id, Part::Whole), |call| {
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

impl Round {
    /// Where the next page begins, or what the rest is begun with if no more may be looked at.
    fn next(&mut self, name: &'static str, next: Option<String>) -> Result<Option<Cursor>, StoreError> {
        match next {
            Some(next) if self.left == 0 => {
                self.rest = Some((name, next));
                Ok(None)
            }
            next => Ok(next.as_deref().map(Cursor::parse).transpose()?),
        }
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
