//! `GET /api/v1/recordings/{session_id}/check`

use std::time::Duration;

use actix_web::web::{Data, Json};
use serde::Serialize;
use tokio::time::timeout;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::{SessionId, TenantId};

use super::readings::{Reading, WasRead};
use super::serve::Recordings;
use crate::api::calls::view::Links;
use crate::auth::allowed::Allowed;
use crate::auth::permission::CheckRecordings;
use crate::auth::secret_token;
use crate::custody::links;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::fleet::files::{Holders, NoAnswer, Said};
use crate::objects::archive::Found;
use crate::objects::{Key, ObjectError};
use crate::runtime::recording::announced;
use crate::store::calls::Call;
use crate::store::{Stamp, Stored};

/// Longest reading of a recording, to its end.
const READ_DEADLINE: Duration = Duration::from_secs(60);

/// What came of the tries to play a recording.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingCheck {
    pub session_id: String,
    /// Whether whoever may hear it gets it: from the store, or from a host.
    pub plays: bool,
    pub key: RecordingKey,
    pub link: RecordingLink,
    /// Null when there is no key to look for.
    pub storage: Option<RecordingStorage>,
    /// What each host says, by name. Empty when there is no key, and when no host is known.
    pub hosts: Vec<RecordingHost>,
}

/// Whether the call says under what name its recording is.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingKey {
    /// `known`; `none`: no worker has told of one, or the recording was deleted; `bad`: no recording can have this name.
    pub result: &'static str,
    pub key: Option<String>,
}

/// The link that opens it without a login.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingLink {
    /// `valid`; `revoked`; `expired`; `none`: the call has not ended; `not_shown`: one is valid that cannot be shown, as the worker chose
    /// it or `JWT_SECRET` was another.
    pub result: &'static str,
    /// RFC 3339; null for one that does not end by itself, and for none.
    pub ends_at: Option<String>,
}

/// The object store. It was read to its end, as a listener would.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingStorage {
    /// `directory` or `s3`.
    pub store: &'static str,
    /// `whole`: it is there and opens; `missing`; `does_not_open`: changed, cut, moved, or another tenant's; `away`: the store does
    /// not answer, or refuses; `cut`: the reading stopped before its end.
    pub result: &'static str,
    /// What the store said, if it failed.
    pub detail: Option<String>,
    /// Whether it is sealed with the tenant's key.
    pub sealed: Option<bool>,
    pub size_bytes: Option<u64>,
    /// Of what was read, hex.
    pub sha256: Option<String>,
    /// Whether `recording.ready` told of this very content; events are kept for 30 days.
    pub announced: Option<bool>,
}

/// A host of the fleet.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingHost {
    pub host: String,
    /// `has_it`; `has_not`; `refused`; `no_answer`.
    pub result: &'static str,
    /// What it answered.
    pub status: Option<u16>,
    pub size_bytes: Option<u64>,
}

/// Try all that is between a call and the sound of it, and tell what came of each.
#[instrument(name = "recordings.check", skip_all, fields(call.id = %call.0))]
pub async fn check(
    who: Allowed<CheckRecordings>,
    call: InPath<SessionId>,
    recordings: Data<Recordings>,
    links: Data<Links>,
) -> ApiResult<Json<RecordingCheck>> {
    let stored = recordings.stores.calls(who.reach()).get_call(&call.0).await?;
    let link = of_link(&links, &call.0, &stored).await?;
    let (key, names) = of_key(stored.value.recording_key.as_deref());
    let (mut storage, mut hosts) = (None, Vec::new());
    if let Some((object, name)) = names {
        storage = Some(of_storage(&recordings, &call.0, &stored.value.tenant_id, object).await?);
        hosts = of_hosts(&recordings, &name).await?;
    }
    let plays = storage.as_ref().is_some_and(|storage| storage.result == "whole")
        || hosts.iter().any(|host| host.result == "has_it");
    Ok(Json(RecordingCheck { session_id: stored.id, plays, key, link, storage, hosts }))
}

/// And what it is called in the store and at hosts.
fn of_key(name: Option<&str>) -> (RecordingKey, Option<(Key, Key)>) {
    let names = name.and_then(|name| Some((Key::of_recording(name).ok()?, Key::parse(name).ok()?)));
    let result = match (name, &names) {
        (None, _) => "none",
        (_, None) => "bad",
        (_, Some(_)) => "known",
    };
    (RecordingKey { result, key: name.map(str::to_owned) }, names)
}

async fn of_link(links: &Links, id: &SessionId, stored: &Stored<Call>) -> ApiResult<RecordingLink> {
    let call = &stored.value;
    let Some(known) = call.recording_token_hash.as_deref() else {
        let made = call.custody.as_ref().and_then(|custody| custody.link.as_ref());
        let result = if made.is_some_and(|link| link.revoked) { "revoked" } else { "none" };
        return Ok(RecordingLink { result, ends_at: None });
    };
    let ends_at = links::ends_at(call, links::days(&links.stores, &call.tenant_id).await?);
    let own = links.tokens.recording_link(id, links::number(call));
    let own = own.map_err(|error| ApiError::internal("make a recording link", &error))?;
    let result = match ends_at {
        Some(end) if end <= Stamp(links.clock.now()) => "expired",
        _ if secret_token::hash(&own) == known => "valid",
        _ => "not_shown",
    };
    Ok(RecordingLink { result, ends_at: ends_at.map(|end| end.to_string()) })
}

async fn of_storage(
    from: &Recordings,
    call: &SessionId,
    tenant: &TenantId,
    key: Key,
) -> ApiResult<RecordingStorage> {
    let mut view = RecordingStorage {
        store: from.archive.objects.name(),
        result: "missing",
        detail: None,
        sealed: None,
        size_bytes: None,
        sha256: None,
        announced: None,
    };
    match from.archive.find(Some(tenant), key).await {
        Ok(None) => {}
        Ok(Some(found)) => {
            (view.sealed, view.size_bytes) = (Some(found.is_sealed()), Some(found.size_bytes));
            let place = from.checked.place().await?;
            match timeout(READ_DEADLINE, read(from, place, &found)).await {
                Ok(Ok(sha256)) => {
                    view.announced = Some(announced(&from.stores, (tenant, call), &sha256).await?);
                    (view.result, view.sha256) = ("whole", Some(sha256));
                }
                Ok(Err(error)) => view.failed("cut", &error),
                Err(_) => {
                    let detail = format!("it could not be read within {} s", READ_DEADLINE.as_secs());
                    (view.result, view.detail) = ("cut", Some(detail));
                }
            }
        }
        Err(error @ ObjectError::Unopened) => view.failed("does_not_open", &error),
        Err(error) => view.failed("away", &error),
    }
    Ok(view)
}

impl RecordingStorage {
    fn failed(&mut self, result: &'static str, error: &dyn std::fmt::Display) {
        (self.result, self.detail) = (result, Some(error.to_string()));
    }
}

/// All of it; answers its hash.
async fn read(from: &Recordings, place: Reading, found: &Found) -> Result<String, std::io::Error> {
    let content = from.archive.get(found, 0..found.size_bytes).await.map_err(std::io::Error::other)?;
    let content = content.ok_or_else(|| std::io::Error::other("it went while it was read"))?;
    let WasRead { size_bytes: size, sha256 } = place.read(content, READ_DEADLINE).await?;
    if size == found.size_bytes {
        Ok(sha256)
    } else {
        Err(std::io::Error::other(format!("{size} bytes came, and {} were announced", found.size_bytes)))
    }
}

async fn of_hosts(from: &Recordings, name: &Key) -> ApiResult<Vec<RecordingHost>> {
    let holders = Holders::look(&from.stores, from.clock.now().into()).await?;
    let said = from.worker_files.ask_all(name, &holders).await;
    let view = |(host, said): (String, Result<Said, NoAnswer>)| {
        let (result, status, size_bytes) = match said {
            Ok(Said::Given(file)) => ("has_it", Some(200), file.size_bytes),
            Ok(Said::Refused(404)) => ("has_not", Some(404), None),
            Ok(Said::Refused(status)) => ("refused", Some(status), None),
            Err(NoAnswer) => ("no_answer", None, None),
        };
        RecordingHost { host, result, status, size_bytes }
    };
    Ok(said.into_iter().map(view).collect())
}
