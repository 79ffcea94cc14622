//! `POST /api/v1/internal/recordings/{key}/direct/complete`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};
use tracing::instrument;
use vox_shared::wire::upload::CompleteRequest;

use super::fault::Fault;
use super::ticket::{Ticket, gone, whole};
use crate::api::recordings::serve::Recordings;
use crate::api::recordings::upload::{Uploaded, may_upload};
use crate::auth::of_call::OfCall;
use crate::auth::secret_token::hex;
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::objects::ObjectError;
use crate::objects::direct::Direct;
use crate::runtime::recording::{self, Recorded};

/// Put the parts of a recording together, and read it back: it is kept when it opens as what was announced. Completing again is
/// harmless.
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
    put_together(direct, &ticket).await.map_err(|error| match error {
        // What the key of S3 may do was changed meanwhile: begun anew, it passes through the bridge.
        Fault::Refused(_) => gone(),
        Fault::Other(error) => error,
    })?;
    let object = ticket.key()?;
    if !is_as_announced(&recordings, &ticket).await? {
        recordings.archive.objects.delete(object).await?;
        return Err(ObjectError::WrongHash.into());
    }
    let recorded = Recorded { key: &name, size_bytes: ticket.size_bytes, sha256: &ticket.sha256 };
    if !recording::tell(&recordings.stores, &recordings.clock, recorded).await? {
        recordings.archive.objects.delete(object).await?;
    }
    Ok(Json(Uploaded { key: name, size_bytes: ticket.size_bytes, sha256: ticket.sha256 }))
}

async fn put_together(direct: &dyn Direct, ticket: &Ticket) -> Result<(), Fault> {
    if is_there(direct, ticket).await? {
        // It was done before, and the answer was lost.
        return Ok(());
    }
    let plan = ticket.plan();
    let parts = whole(plan, direct.parts(ticket.place()?).await?.ok_or_else(gone)?);
    if parts.len() < plan.parts().len() {
        let detail = "not all parts of the upload are there; ask which, and put the others";
        return Err(ApiError::new(StatusCode::CONFLICT, "parts_missing", detail).into());
    }
    let put = direct.complete(ticket.place()?, parts.into_values().collect()).await;
    // The answer may be lost and the object be there all the same.
    match is_there(direct, ticket).await? {
        true => Ok(()),
        false => put.map_err(Into::into).and(Err(gone().into())),
    }
}

/// Whether the object is there, and is this upload's.
async fn is_there(direct: &dyn Direct, ticket: &Ticket) -> Result<bool, Fault> {
    let size = direct.size_of(ticket.key()?, ticket.mark.clone()).await?;
    Ok(size == Some(ticket.plan().bytes()))
}

/// Whether what is there opens, and is of the size and the hash that were announced.
async fn is_as_announced(with: &Recordings, ticket: &Ticket) -> ApiResult<bool> {
    let opened = |result| match result {
        Err(ObjectError::Unopened) => Ok(None),
        other => other,
    };
    let found = opened(with.archive.find(ticket.tenant.as_ref(), ticket.key()?).await)?;
    let is_so = |size: u64, is_sealed: bool| size == ticket.size_bytes && is_sealed == ticket.head.is_some();
    let Some(found) = found.filter(|found| is_so(found.size_bytes, found.is_sealed())) else {
        return Ok(false);
    };
    let Some(mut content) = with.archive.get(&found, 0..found.size_bytes).await? else { return Ok(false) };
    let mut hash = Sha256::new();
    loop {
        match content.try_next().await {
            Ok(Some(piece)) => hash.update(&piece),
            Ok(None) => return Ok(hex(&hash.finalize()) == ticket.sha256),
            // A piece that does not open.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => return Ok(false),
            Err(source) => {
                return Err(ObjectError::Unavailable { doing: "read a recording back", source }.into());
            }
        }
    }
}
