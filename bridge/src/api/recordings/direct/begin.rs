//! `POST /api/v1/internal/recordings/{key}/direct`

use std::collections::BTreeSet;

use actix_web::web::{Data, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tracing::instrument;
use vox_shared::ids::TenantId;
use vox_shared::model::bot::ApiKey;
use vox_shared::wire::upload::{DirectUpload, MAX_URLS, PartUrl, Seal, UploadAnswer, UploadRequest};

use super::ticket::Ticket;
use crate::api::recordings::serve::Recordings;
use crate::api::recordings::upload::may_upload;
use crate::auth::of_call::OfCall;
use crate::auth::secret_token;
use crate::config::Sealing;
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::objects::direct::{Direct, Mark};
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
    let (ticket, stored) = match begun {
        Some(ticket) => match stored(direct, &ticket).await? {
            Some(stored) => (ticket, stored),
            None => (anew(&recordings, direct, (&name, object), (tenant, &asked)).await?, BTreeSet::new()),
        },
        None => (anew(&recordings, direct, (&name, object), (tenant, &asked)).await?, BTreeSet::new()),
    };
    Ok(Json(UploadAnswer::Direct(Box::new(told(&recordings, direct, &ticket, stored).await?))))
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

/// The parts that are there as they should be; `None` when there are none: it was given up, or has only just begun. Of one that was put
/// together all are.
async fn stored(direct: &dyn Direct, ticket: &Ticket) -> ApiResult<Option<BTreeSet<u32>>> {
    let plan = ticket.plan();
    let parts = direct.parts(ticket.place()?).await?;
    if let Some(parts) = parts.filter(|parts| !parts.is_empty()) {
        let is_whole =
            |number: u32, size: u64| plan.parts().contains(&number) && plan.bytes_of(number) == size;
        let whole = parts.iter().filter(|part| is_whole(part.number, part.size_bytes));
        return Ok(Some(whole.map(|part| part.number).collect()));
    }
    let size = direct.size_of(ticket.key()?, ticket.mark.clone()).await?;
    Ok((size == Some(plan.bytes())).then(|| plan.parts().collect()))
}

async fn anew(
    with: &Recordings,
    direct: &dyn Direct,
    (name, object): (&str, Key),
    (tenant, asked): (Option<TenantId>, &UploadRequest),
) -> ApiResult<Ticket> {
    let head = match with.archive.sealing {
        Sealing::On => Some(with.archive.new_head(tenant.as_ref()).await?),
        Sealing::Off => None,
    };
    let mark = secret_token::generate();
    // The hash of sealed bytes is not known before they are there.
    let sha256 = head.is_none().then(|| asked.sha256.clone());
    let id = direct.begin(object, Mark { mark: mark.clone(), sha256 }).await?;
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
) -> ApiResult<DirectUpload> {
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
