//! `POST /api/v1/internal/recordings/{key}/direct/complete`

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::wire::upload::CompleteRequest;

use super::fault::Fault;
use super::ticket::{Ticket, gone, whole};
use crate::api::recordings::readings::Reading;
use crate::api::recordings::serve::Recordings;
use crate::api::recordings::upload::{Uploaded, may_upload};
use crate::auth::of_call::OfCall;
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::objects::ObjectError;
use crate::objects::direct::{Direct, There};
use crate::runtime::recording::{self, Recorded};

/// Longest reading of one: the largest over a slow line.
const READ_DEADLINE: Duration = Duration::from_secs(240);

/// Whose putting together it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Put {
    /// This request's: nobody was told of the object yet.
    Now,
    /// An earlier one's, whose answer may have told of it.
    Before,
}

/// Put the parts of a recording together, and read it back: it is kept when it opens as what was announced. Completing again is
/// harmless. Where another recording of the name is there it stays, and this one is to begin anew.
#[instrument(name = "recordings.direct.complete", skip_all)]
pub async fn complete(
    sender: OfCall,
    key: InPath<String>,
    recordings: Data<Recordings>,
    body: Checked<CompleteRequest>,
) -> ApiResult<Json<Uploaded>> {
    let name = key.0;
    may_upload(&sender, &recordings, &name).await?;
    let ticket = Ticket::read(&recordings, &body.0.upload, &name).ok_or_else(gone)?;
    let direct = recordings.archive.objects.direct().ok_or_else(gone)?;
    // Before anything is done: who finds none asks again.
    let place = recordings.read_back.place().await?;
    let put = put_together(direct, &ticket).await.map_err(|error| match error {
        // What the key of S3 may do was changed meanwhile: begun anew, it passes through the bridge.
        Fault::Refused(_) => gone(),
        Fault::Other(error) => error,
    })?;
    let object = ticket.key()?;
    if !is_as_announced(&recordings, place, &ticket).await? {
        // One from before may have been whole, and be damaged since: whoever was told of it has no other. And another may be there by now.
        if put == Put::Now && own_size(direct, &ticket).await?.is_some() {
            recordings.archive.objects.delete(object).await?;
        }
        return Err(ObjectError::WrongHash.into());
    }
    if ticket.head.is_none() {
        recordings.archive.stored_in_clear().await?;
    }
    let recorded = Recorded { key: &name, size_bytes: ticket.size_bytes, sha256: &ticket.sha256 };
    if !recording::tell(&recordings.stores, &recordings.clock, recorded).await? {
        recordings.archive.objects.delete(object).await?;
    }
    Ok(Json(Uploaded { key: name, size_bytes: ticket.size_bytes, sha256: ticket.sha256 }))
}

async fn put_together(direct: &dyn Direct, ticket: &Ticket) -> Result<Put, Fault> {
    let plan = ticket.plan();
    match direct.there(ticket.key()?, ticket.mark.clone()).await? {
        // It was done before, and the answer was lost.
        There::Own { size_bytes } if size_bytes == plan.bytes() => return Ok(Put::Before),
        There::Anothers => {
            direct.give_up(ticket.place()?).await?;
            return Err(gone().into());
        }
        There::Own { .. } | There::Nothing => {}
    }
    let parts = whole(plan, direct.parts(ticket.place()?).await?.ok_or_else(gone)?);
    if parts.len() < plan.parts().len() {
        let detail = "not all parts of the upload are there; ask which, and put the others";
        return Err(ApiError::new(StatusCode::CONFLICT, "parts_missing", detail).into());
    }
    let put = direct.complete(ticket.place()?, parts.into_values().collect()).await;
    // The answer may be lost and the object be there all the same.
    match own_size(direct, ticket).await? == Some(plan.bytes()) {
        true => Ok(Put::Now),
        false => put.map_err(Into::into).and(Err(gone().into())),
    }
}

/// The size of this upload's own object; `None` when it is not there.
async fn own_size(direct: &dyn Direct, ticket: &Ticket) -> Result<Option<u64>, ObjectError> {
    match direct.there(ticket.key()?, ticket.mark.clone()).await? {
        There::Own { size_bytes } => Ok(Some(size_bytes)),
        There::Anothers | There::Nothing => Ok(None),
    }
}

/// Whether what is there opens, and is of the size and the hash that were announced.
async fn is_as_announced(with: &Recordings, place: Reading, ticket: &Ticket) -> ApiResult<bool> {
    let opened = |result| match result {
        Err(ObjectError::Unopened) => Ok(None),
        other => other,
    };
    let found = opened(with.archive.find(ticket.tenant.as_ref(), ticket.key()?).await)?;
    let is_so = |size: u64, is_sealed: bool| size == ticket.size_bytes && is_sealed == ticket.head.is_some();
    let Some(found) = found.filter(|found| is_so(found.size_bytes, found.is_sealed())) else {
        return Ok(false);
    };
    let Some(content) = with.archive.get(&found, 0..found.size_bytes).await? else { return Ok(false) };
    match place.read(content, READ_DEADLINE).await {
        Ok(read) => Ok(read.sha256 == ticket.sha256),
        // A piece that does not open.
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Ok(false),
        Err(source) => Err(ObjectError::Unavailable { doing: "read a recording back", source }.into()),
    }
}
