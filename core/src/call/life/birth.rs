//! The birth of a call: what is written down before anything is done about it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::time::error::Elapsed;
use vox_shared::ids::{BotId, SessionId};
use vox_shared::outbox::AppendError;
use vox_shared::telemetry::spans;
use vox_shared::wire::WIRE_VERSION;
use vox_shared::wire::journal::Accepted;
use vox_shared::wire::proof::Proof;

use super::Ordered;
use crate::app::App;
use crate::call::record;
use crate::courier::live::{Fact, Watched};
use crate::transport::line::CallInfo;

/// The disk must take the call's birth within this: the caller hears nothing meanwhile.
pub(super) const BIRTH_DEADLINE: Duration = Duration::from_secs(4);
/// Of a claim to a call: 32 characters.
const CLAIM_BYTES: usize = 24;

pub(super) fn accepted(
    app: &App,
    info: &CallInfo,
    bot_id: &BotId,
    session_id: &SessionId,
    transport: &str,
) -> Accepted {
    let now = app.clock.now();
    let key = record::recording_key(now, session_id);
    Accepted {
        version: WIRE_VERSION,
        session_id: session_id.clone(),
        bot_id: bot_id.clone(),
        worker_id: app.worker_id.clone(),
        transport: transport.to_owned(),
        started_at: now.to_string(),
        stream_id: info.stream_id.clone(),
        caller_id: info.caller_id.clone(),
        call_direction: info.direction.clone(),
        from_number: None,
        connected_event: Some(serde_json::Value::Object(info.connected_event.clone())),
        recording_file: Some(key.clone()),
        recording_key: Some(key),
        bridge_url: app.bridge.url().to_owned(),
        traceparent: spans::current(),
        proof: Proof { claim: Some(claim()), ..Proof::default() },
    }
}

/// With what whoever ordered the call says of it.
pub(super) fn of_order(accepted: Accepted, ordered: Option<Ordered>) -> Accepted {
    let Some(Ordered { bridge_url, from_number, .. }) = ordered else { return accepted };
    let proof = Proof { bridge_url: bridge_url.clone(), ..accepted.proof };
    Accepted { bridge_url: bridge_url.unwrap_or(accepted.bridge_url), from_number, proof, ..accepted }
}

/// What nobody else knows of the call: whoever asks for its config again, or delivers for it without its token, must.
fn claim() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; CLAIM_BYTES]>())
}

/// The recording goes by the call's own name: by that the bridge knows whose it is.
pub(super) fn recorded_as(accepted: Accepted, name: &SessionId) -> Accepted {
    if accepted.session_id == *name {
        return accepted;
    }
    let key = accepted.started_at.parse().ok().map(|at| record::recording_key(at, name));
    Accepted { recording_file: key.clone(), recording_key: key, ..accepted }
}

/// Who is told of the call while it runs. So many events were told of it by workers that died.
pub(super) fn watched(app: &App, accepted: &Accepted, told: u64) -> Watched {
    Watched {
        session_id: accepted.session_id.clone(),
        worker_id: app.worker_id.clone(),
        clock: app.clock.clone(),
        proof: accepted.proof.clone(),
        told,
    }
}

pub(super) fn ringing(accepted: &Accepted) -> Fact {
    Fact::Ringing { from: accepted.caller_id.clone(), direction: accepted.call_direction.clone() }
}

/// What is wrong with a write that the call waited for.
pub(super) fn fault<T>(written: Result<Result<T, AppendError>, Elapsed>) -> Option<String> {
    match written {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("the disk took no record within {} s", BIRTH_DEADLINE.as_secs())),
    }
}
