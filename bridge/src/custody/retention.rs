//! What goes because it is old, where a tenant says so: calls with all that belongs to them, and recordings alone. A legal hold keeps
//! both. What stays may cool (`tiers`). Each step may be repeated.

use jiff::SignedDuration;
use serde_json::json;
use vox_shared::ids::{SessionId, TenantId};

use super::tiers::Moved;
use super::{Custodian, CustodyError};
use crate::jobs::runner::Failure;
use crate::jobs::upkeep::Upkeep;
use crate::objects::Key;
use crate::search::keys;
use crate::store::audit::{Entry, Kind};
use crate::store::calls::Call;
use crate::store::digests::Sought;
use crate::store::engine::Word;
use crate::store::events::Event;
use crate::store::jobs::Job;
use crate::store::settings::{Owner, Retention};
use crate::store::{Cursor, Reach, Stamp, StoreError, Stored};

/// The kind of job.
pub const KIND: &str = "retention";
/// The name of the event.
const DONE: &str = "retention.done";
/// Calls looked at in one batch.
const BATCH: usize = 100;

/// What went, and what stayed for a legal hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    pub calls: u64,
    pub recordings: u64,
    pub held: u64,
}

/// Carry out a tenant's retention once.
pub async fn carry_out(with: Upkeep, job: Stored<Job>) -> Result<(), Failure> {
    let tenant = job.value.tenant_id;
    let settings = with.stores.settings().get(&Owner::Tenant(tenant.clone())).await?.retention;
    let Some(retention) = settings else { return Ok(()) };
    let now = Stamp(with.clock.now());
    let before = |days: u32| now + -SignedDuration::from_hours(24 * i64::from(days));
    let begun = note(&with, &tenant, (&job.id, retention), None).await?;
    let (custodian, mut gone) = (&with.custodian, Gone::default());
    if let Some(days) = retention.calls_days {
        custodian.delete_older(&tenant, before(days), &mut gone).await?;
    }
    if let Some(days) = retention.recordings_days {
        custodian.delete_recordings_older(&tenant, before(days), &mut gone).await?;
    }
    let (reach, mut moved) = (Reach::whole(tenant.clone()), Moved::default());
    if let Some(days) = retention.warm_days() {
        custodian.warm_older(&reach, before(days), &mut moved).await?;
    }
    if let Some(days) = retention.calls_archive_days {
        custodian.archive_older(&reach, before(days), &mut moved).await?;
    }
    tracing::info!(
        tenant.id = %tenant, calls = gone.calls, recordings = gone.recordings, held = gone.held, warmed = moved.warmed,
        archived = moved.archived, "what was too old is deleted, and what is old has cooled"
    );
    note(&with, &tenant, (&job.id, retention), Some(begun)).await?;
    Ok(tell(&with, &tenant, (gone, moved, &job.id), now).await?)
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
    let entry = Entry {
        tenant_id: tenant.clone(),
        seq: 0,
        at: Stamp(with.clock.now()),
        kind: if begun.is_some() { Kind::End } else { Kind::Begin },
        actor_id: KIND.to_owned(),
        actor_email: None,
        actor_role: None,
        actor_tenant: None,
        in_tenant: None,
        client: String::new(),
        method: "JOB".to_owned(),
        route: KIND.to_owned(),
        parameters: days.collect(),
        request_id: String::new(),
        object: Some(job.to_owned()),
        begin: begun,
        status: None,
        code: None,
        count: None,
        prev_hash: String::new(),
        hash: String::new(),
    };
    with.audit.append(entry).await.map_err(|error| Failure::Now(error.to_string()))
}

impl Custodian {
    /// Delete calls that began before; those that were never brought to an end are closed by others first.
    async fn delete_older(
        &self,
        tenant: &TenantId,
        before: Stamp,
        gone: &mut Gone,
    ) -> Result<(), StoreError> {
        let reach = Reach::whole(tenant.clone());
        let words = vec![Word::Whole(keys::Key::Any.word())];
        let sought = Sought { words, now: before, from: None, to: Some(before) };
        let mut after = None;
        loop {
            let page = self.stores.digests(&reach).search(&sought, BATCH, after).await?;
            for digest in page.items {
                let Ok(id) = digest.id.parse::<SessionId>() else { continue };
                match Box::pin(self.delete(&reach, &id)).await {
                    Ok(()) => gone.calls += 1,
                    Err(CustodyError::Held) => gone.held += 1,
                    // Somebody deleted it, or it runs.
                    Err(CustodyError::Store(StoreError::NotFound | StoreError::Conflict)) => {}
                    Err(CustodyError::Store(error)) => return Err(error),
                    Err(_) => {}
                }
                // What cannot be removed now is removed later.
                match Box::pin(self.clean(&id)).await {
                    Ok(_) | Err(StoreError::Conflict) => {}
                    Err(error) => return Err(error),
                }
            }
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Delete the recordings of calls that began before. The sound goes first: a call that names none is not looked at again.
    async fn delete_recordings_older(
        &self,
        tenant: &TenantId,
        before: Stamp,
        gone: &mut Gone,
    ) -> Result<(), Failure> {
        let reach = Reach::whole(tenant.clone());
        let mut after = None;
        loop {
            let page = self.stores.calls(&reach).list_with_recording(before, BATCH, after).await?;
            for call in page.items {
                if call.value.is_held() {
                    gone.held += 1;
                    continue;
                }
                gone.recordings += u64::from(self.delete_recording(&reach, &call).await?);
            }
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Whether it went.
    async fn delete_recording(&self, reach: &Reach, call: &Stored<Call>) -> Result<bool, Failure> {
        let Ok(id) = call.id.parse::<SessionId>() else { return Ok(false) };
        let own = format!("{}.wav", call.id);
        for name in
            [Some(&own), call.value.recording_key.as_ref().filter(|key| **key != own)].into_iter().flatten()
        {
            let Ok(key) = Key::of_recording(name) else { continue };
            self.objects.delete(key).await.map_err(|error| Failure::Now(error.to_string()))?;
        }
        let forgotten = self.change(reach, &id, |call| {
            call.recording_key = None;
            call.recording_token_hash = None;
            for name in ["recording_key", "recording_url"] {
                call.result.as_mut().map(|result| result.remove(name));
            }
            Ok(())
        });
        match Box::pin(forgotten).await {
            Ok(_) => Ok(true),
            Err(CustodyError::Store(StoreError::NotFound | StoreError::Conflict)) => Ok(false),
            Err(CustodyError::Store(error)) => Err(error.into()),
            Err(error) => Err(Failure::Now(error.to_string())),
        }
    }
}

/// Whoever must show what was deleted, and when, finds it among the events; a job that is repeated tells it once.
async fn tell(
    with: &Upkeep,
    tenant: &TenantId,
    (gone, moved, job): (Gone, Moved, &str),
    now: Stamp,
) -> Result<(), StoreError> {
    if gone == Gone::default() && moved == Moved::default() {
        return Ok(());
    }
    let data = json!({
        "tenant_id": tenant, "calls_deleted": gone.calls, "recordings_deleted": gone.recordings, "held": gone.held,
        "calls_warmed": moved.warmed, "calls_archived": moved.archived,
    });
    let event = Event::of_tenant(tenant, DONE, data, now);
    let id = Event::id_of(&format!("{tenant}:{DONE}.{job}"));
    with.stores.all_events().insert_events(vec![(id.to_string(), event)]).await
}
