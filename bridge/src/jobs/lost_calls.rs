//! Closes calls whose result never came: the host is gone with its outbox, or nobody starts a worker on it again. They get the
//! terminal record `worker_lost`, which gives way to a result that comes after all.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use vox_shared::ids::SessionId;
use vox_shared::wire::result::{CallResult, DisconnectedBy};

use crate::auth::of_call::Seen;
use crate::runtime::result::{ResultError, Results, record};
use crate::store::calls::Call;
use crate::store::{Cursor, Stamp, StoreError, Stored};

/// Pause between two rounds.
const PAUSE: Duration = Duration::from_secs(60);
/// Pause before the next batch while there is more to do.
const BREATH: Duration = Duration::from_millis(200);
/// Calls looked at in one batch.
const BATCH: usize = 100;
/// A call that a worker still has is looked at again after this.
const AGAIN: SignedDuration = SignedDuration::from_mins(10);

/// Close lost calls again and again until `stop`.
pub async fn run(results: Results, stop: CancellationToken) {
    let mut pause = PAUSE;
    while stop.run_until_cancelled(sleep(pause)).await.is_some() {
        pause = match close(&results).await {
            Ok(BATCH) => BREATH,
            Ok(_) => PAUSE,
            Err(error) => {
                tracing::warn!(%error, "lost calls could not be closed");
                PAUSE
            }
        };
    }
}

/// One batch; answers how many calls were done with. Those that cannot be read or written keep no other from its turn,
/// however many they are: the longest overdue come first, and these stay.
pub async fn close(of: &Results) -> Result<usize, ResultError> {
    let now = of.clock.now();
    let live = of.stores.workers().list_live(Stamp(now)).await?;
    let running: BTreeSet<SessionId> = live.into_iter().filter_map(|w| w.report.session_id).collect();
    let (mut done, mut after) = (0, None);
    while done < BATCH {
        let page = of.stores.all_calls().list_overdue(Stamp(now), BATCH - done, after).await?;
        for call in page.items {
            let call_id = call.id.clone();
            match Box::pin(settle(of, call, &running)).await {
                Ok(()) => done += 1,
                Err(error) => tracing::error!(call.id = %call_id, %error, "a lost call could not be closed"),
            }
        }
        after = page.next_cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
        if after.is_none() {
            break;
        }
    }
    Ok(done)
}

async fn settle(of: &Results, call: Stored<Call>, running: &BTreeSet<SessionId>) -> Result<(), ResultError> {
    let id: SessionId = call.id.parse().map_err(|_| ResultError::UnknownCall)?;
    match running.contains(&id) {
        true => Ok(ask_later(of, call, of.clock.now()).await?),
        false => Box::pin(lose(of, id, call)).await,
    }
}

async fn ask_later(of: &Results, mut call: Stored<Call>, now: Timestamp) -> Result<(), StoreError> {
    call.value.deadline = Some(Stamp(now.saturating_add(AGAIN).unwrap_or(Timestamp::MAX)));
    let tenant = call.value.tenant_id.clone();
    match of.stores.calls(&tenant).replace_call(call).await {
        // Its result came meanwhile.
        Err(StoreError::Conflict) => Ok(()),
        other => other.map(drop),
    }
}

async fn lose(of: &Results, id: SessionId, call: Stored<Call>) -> Result<(), ResultError> {
    let mut result = CallResult::bare(id.clone(), DisconnectedBy::WorkerLost);
    result.bot_id = Some(call.value.bot_id);
    result.started_at = Some(call.value.created_at.to_string());
    result.error = Some("no result came, and no worker has the call any more".into());
    let Ok(Value::Object(mut raw)) = serde_json::to_value(&result) else {
        return Ok(());
    };
    raw.retain(|_, value| !value.is_null());
    tracing::warn!(call.id = %id, "a call without a result is closed as lost");
    record(of, raw, &result, (None, Seen::Not)).await.map(drop)
}
