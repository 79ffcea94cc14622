//! `POST /api/v1/internal/recordings/{key}/direct`

use std::collections::BTreeSet;

use actix_web::web::{Data, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tracing::instrument;
use vox_shared::ids::TenantId;
use vox_shared::model::bot::ApiKey;
use vox_shared::wire::upload::{DirectUpload, MAX_URLS, PartUrl, Seal, UploadAnswer, UploadRequest};

use super::fault::Fault;
use super::ticket::{Ticket, whole};
use crate::api::recordings::serve::Recordings;
use crate::api::recordings::upload::may_upload;
use crate::auth::of_call::OfCall;
use crate::auth::secret_token;
use crate::config::Sealing;
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::objects::direct::{Direct, Mark, Part, Place, There};
use crate::objects::{Key, ObjectError};
use crate::runtime::recording::{self, Owner};

/// A smaller recording goes through the bridge: one request instead of four.
const LEAST_BYTES: u64 = 5 * 1024 * 1024;

/// Where a recording is to be put: asked to begin, to go on, and for more addresses.
#[instrument(name = "recordings.direct.begin", skip_all)]
pub async fn begin(
    sender: OfCall,
    key: InPath<String>,
    recordings: Data<Recordings>,
    body: Checked<UploadRequest>,
) -> ApiResult<Json<UploadAnswer>> {
    let (name, asked) = (key.0, body.0);
    let object = Key::of_recording(&name)?;
    may_upload(&sender, &recordings, &name).await?;
    check(&asked, recordings.max_bytes)?;
    let Some(direct) = recordings.archive.objects.direct().filter(|_| asked.size_bytes >= LEAST_BYTES) else {
        return Ok(Json(UploadAnswer::Bridge));
    };
    let tenant = match recording::owner(&recordings.stores, &name).await? {
        // It is read there and not kept.
        Owner::Deleted => return Ok(Json(UploadAnswer::Bridge)),
        Owner::Tenant(tenant) => Some(tenant),
        Owner::NotKnown => None,
    };
    let begun = asked.upload.as_deref().and_then(|text| Ticket::read(&recordings, text, &name));
    let begun = begun.filter(|ticket| is_of(ticket, &asked, tenant.as_ref(), recordings.archive.sealing));
    let offered = async {
        if is_taken(direct, object.clone(), begun.as_ref()).await? {
            return Ok(None);
        }
        let anew =
            async || anew(&recordings, direct, (&name, object.clone()), (tenant.clone(), &asked)).await;
        offer(&recordings, direct, begun, anew).await.map(Some)
    };
    match offered.await {
        Ok(Some(told)) => Ok(Json(UploadAnswer::Direct(Box::new(told)))),
        // There it is replaced only by one that is what was announced.
        Ok(None) => Ok(Json(UploadAnswer::Bridge)),
        Err(Fault::Refused(refused)) => {
            tracing::warn!(%refused, "recordings pass through the bridge: the key of S3 may not do all that direct uploads need");
            Ok(Json(UploadAnswer::Bridge))
        }
        Err(Fault::Other(error)) => Err(error),
    }
}

/// Whether another recording of this name is there than that of the upload that was begun. Parts that are put together take its place
/// before anybody has looked at them.
async fn is_taken(direct: &dyn Direct, object: Key, begun: Option<&Ticket>) -> Result<bool, ObjectError> {
    let mark = begun.map(|ticket| ticket.mark.clone()).unwrap_or_default();
    Ok(direct.there(object, mark).await? == There::Anothers)
}

/// Go on with the upload that was begun, or begin one.
async fn offer(
    with: &Recordings,
    direct: &dyn Direct,
    begun: Option<Ticket>,
    anew: impl AsyncFnOnce() -> Result<Ticket, Fault>,
) -> Result<DirectUpload, Fault> {
    let known = match begun {
        Some(ticket) => stored(direct, &ticket).await?.map(|stored| (ticket, stored)),
        None => None,
    };
    let (ticket, stored) = match known {
        Some(known) => known,
        None => (anew().await?, BTreeSet::new()),
    };
    told(with, direct, &ticket, stored).await
}

fn check(asked: &UploadRequest, max_bytes: u64) -> ApiResult<()> {
    if asked.size_bytes > max_bytes {
        return Err(ObjectError::TooLarge(max_bytes).into());
    }
    let is_hash =
        asked.sha256.len() == 64 && asked.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    match is_hash {
        true => Ok(()),
        false => Err(ApiError::invalid(vec![FieldError::new("sha256", "is 64 lower-case hex digits")])),
    }
}

/// Whether an upload is of the very same content, to be sealed in the same way.
fn is_of(ticket: &Ticket, asked: &UploadRequest, tenant: Option<&TenantId>, sealing: Sealing) -> bool {
    (ticket.size_bytes, &ticket.sha256) == (asked.size_bytes, &asked.sha256)
        && ticket.tenant.as_ref() == tenant
        && ticket.head.is_some() == (sealing == Sealing::On)
}

/// The parts that are there as they should be; `None` when the upload was given up. Of one that was put together all are.
async fn stored(direct: &dyn Direct, ticket: &Ticket) -> Result<Option<BTreeSet<u32>>, Fault> {
    let plan = ticket.plan();
    let parts = direct.parts(ticket.place()?).await?;
    let numbers = |parts: Vec<Part>| whole(plan, parts).into_keys().collect();
    match parts {
        Some(parts) if !parts.is_empty() => return Ok(Some(numbers(parts))),
        _ => {}
    }
    let there = direct.there(ticket.key()?, ticket.mark.clone()).await?;
    match there == (There::Own { size_bytes: plan.bytes() }) {
        true => Ok(Some(plan.parts().collect())),
        // It has only just begun: another one would lie in the bucket beside it for a day.
        false => Ok(parts.map(numbers)),
    }
}

async fn anew(
    with: &Recordings,
    direct: &dyn Direct,
    (name, object): (&str, Key),
    (tenant, asked): (Option<TenantId>, &UploadRequest),
) -> Result<Ticket, Fault> {
    let head = match with.archive.sealing {
        Sealing::On => Some(with.archive.new_head(tenant.as_ref()).await?),
        Sealing::Off => None,
    };
    let mark = secret_token::generate();
    // The hash of sealed bytes is not known before they are there.
    let sha256 = head.is_none().then(|| asked.sha256.clone());
    let id = direct.begin(object.clone(), Mark { mark: mark.clone(), sha256 }).await?;
    let place = Place { key: object, id: id.clone() };
    // A key that may put parts and not list them would find out when they are all there.
    if let Err(error) = direct.parts(place.clone()).await {
        direct.give_up(place).await?;
        return Err(error.into());
    }
    Ok(Ticket {
        name: name.to_owned(),
        tenant,
        id,
        mark,
        size_bytes: asked.size_bytes,
        sha256: asked.sha256.clone(),
        head: head.map(|head| STANDARD.encode(head)),
    })
}

async fn told(
    with: &Recordings,
    direct: &dyn Direct,
    ticket: &Ticket,
    stored: BTreeSet<u32>,
) -> Result<DirectUpload, Fault> {
    let plan = ticket.plan();
    let missing: Vec<u32> = plan.parts().filter(|part| !stored.contains(part)).take(MAX_URLS).collect();
    let addresses = direct.addresses(ticket.place()?, missing.clone(), direct.lifetime()).await?;
    let urls = missing.into_iter().zip(addresses).map(|(number, url)| PartUrl { number, url }).collect();
    let seal = match &ticket.head {
        Some(head) => {
            let key = with.archive.key_to_hand_out(ticket.tenant.as_ref(), ticket.key()?, head).await?;
            Some(Seal { head: head.clone(), key: ApiKey::new(STANDARD.encode(key)) })
        }
        None => None,
    };
    Ok(DirectUpload {
        upload: ticket.signed(with)?,
        pieces_per_part: plan.pieces_per_part(),
        seal,
        stored: stored.into_iter().collect(),
        urls,
        seconds: direct.lifetime().as_secs(),
    })
}
