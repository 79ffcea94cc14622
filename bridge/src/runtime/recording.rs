//! What follows from a recording that was stored.

use serde_json::json;
use vox_shared::clock::Clock;
use vox_shared::ids::{SessionId, TenantId};

use crate::store::engine::EngineError;
use crate::store::events::Event;
use crate::store::outbox::{Follows, Outbox, Pending};
use crate::store::{Stamp, StoreError, Stores};

/// Tries against others that write the same call.
const MAX_TRIES: usize = 8;
const READY: &str = "recording.ready";

/// A recording as it was stored.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    /// `<day>-<session id>.wav`.
    pub key: &'a str,
    pub size_bytes: u64,
    pub sha256: &'a str,
}

/// Whose recording it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    Tenant(TenantId),
    /// Its call was deleted, or the recording was taken out of it: it is no longer taken.
    Deleted,
    /// No call of this name is known here, or not yet.
    NotKnown,
}

/// Whose recording has this name.
pub async fn owner(stores: &Stores, key: &str) -> Result<Owner, StoreError> {
    let Some(session) = session_of(key) else { return Ok(Owner::NotKnown) };
    let call = stores.all_calls().find_with_deleted(&session).await?;
    Ok(match call {
        Some(call) if call.value.has_given_up(key) => Owner::Deleted,
        Some(call) => Owner::Tenant(call.value.tenant_id),
        None => Owner::NotKnown,
    })
}

/// The call that a recording's name says: workers put the day before the session's id.
pub fn session_of(key: &str) -> Option<SessionId> {
    let name = key.rsplit_once('.').map_or(key, |(name, _)| name);
    let is_day = |day: &str| day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit());
    let session = name.split_once('-').filter(|(day, _)| is_day(day)).map_or(name, |(_, session)| session);
    session.parse().ok()
}

/// Whether the tenant was told that a recording of this content is there. It is told within a second of the upload, and kept as long as
/// events are.
pub async fn announced(
    stores: &Stores,
    (tenant, call): (&TenantId, &SessionId),
    sha256: &str,
) -> Result<bool, StoreError> {
    let id = Event::id_of(&format!("{call}:{READY}.{sha256}"));
    Ok(stores.events(tenant).find_event(id.as_str()).await?.is_some())
}

/// Say in the call's outbox that its recording is there. The same recording once more is told once: the entry's id is made of its
/// hash. A recording of no call that is known here is told to nobody. Answers `false` when the call, or its recording, was deleted
/// meanwhile: it is to be removed.
pub async fn tell(stores: &Stores, clock: &Clock, recorded: Recorded<'_>) -> Result<bool, StoreError> {
    let Some(session) = session_of(recorded.key) else { return Ok(true) };
    for _ in 0..MAX_TRIES {
        let Some(mut call) = stores.all_calls().find_with_deleted(&session).await? else { return Ok(true) };
        if call.value.has_given_up(recorded.key) {
            return Ok(false);
        }
        let data = json!({
            "call_id": call.id, "bot_id": call.value.bot_id.as_str(),
            "size_bytes": recorded.size_bytes, "sha256": recorded.sha256,
        });
        let data = data.as_object().cloned().unwrap_or_default();
        let (id, what) =
            (format!("{READY}.{}", recorded.sha256), Follows::Event { event: READY.into(), data });
        Outbox::push(&mut call.value.outbox, Pending { id, at: Stamp(clock.now()), what });
        let tenant = call.value.tenant_id.clone();
        match stores.calls(&tenant).replace_call(call).await {
            // Its result came at this moment.
            Err(StoreError::Conflict) => {}
            written => return written.map(|_| true),
        }
    }
    // To be sent again: a conflict would be the worker's fault.
    Err(EngineError::Unavailable("others change the call all the time".into()).into())
}
