//! `PUT /api/v1/internal/recordings/{key}`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Payload};
use actix_web::{HttpRequest, web::Bytes};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::wire::HASH_HEADER;

use super::serve::Recordings;
use crate::auth::of_call::OfCall;
use crate::auth::secret_token::hex;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::objects::{ByteStream, Expected, Key, ObjectError};
use crate::runtime::recording::{self, Owner, Recorded};
use crate::store::engine::EngineError;

/// Pieces of a body between the socket's thread and the store; each has some 32 KB.
const PIECES: usize = 8;

/// Given only when the recording is durable, or is not to be kept because its call was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Uploaded {
    pub key: String,
    pub size_bytes: u64,
    pub sha256: String,
}

/// Take a recording. Uploading again replaces it as a whole.
#[instrument(name = "recordings.upload", skip_all)]
pub async fn upload(
    sender: OfCall,
    key: InPath<String>,
    recordings: Data<Recordings>,
    request: HttpRequest,
    body: Payload,
) -> ApiResult<Json<Uploaded>> {
    let object = Key::of_recording(&key.0)?;
    may_upload(&sender, &recordings, &key.0).await?;
    let sha256 = match request.headers().get(HASH_HEADER).map(|v| v.to_str()) {
        None => None,
        Some(Ok(hash)) if hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Some(hash.to_owned())
        }
        Some(_) => return Err(ApiError::bad_request("bad_hash", "x-content-sha256 must be 64 hex digits")),
    };
    let tenant = match recording::owner(&recordings.stores, &key.0).await? {
        Owner::Deleted => {
            // One that was stored while its call was deleted, and that nobody could remove then.
            recordings.archive.objects.delete(object).await?;
            return read_away(body, key.0, recordings.max_bytes).await;
        }
        Owner::Tenant(tenant) => Some(tenant),
        Owner::NotKnown => None,
    };
    let expected = Expected { max_bytes: recordings.max_bytes, sha256 };
    let (content, pump) = bridged(body);
    let put = recordings.archive.put(tenant.as_ref(), object.clone(), content, expected);
    let mut put = std::pin::pin!(put);
    // The store decides: when it refuses, the rest of the body is nobody's any more.
    let written = tokio::select! {
        written = &mut put => written,
        () = pump => put.await,
    }?;
    // Before the answer: a worker that does not get one uploads again.
    let recorded = Recorded { key: &key.0, size_bytes: written.size_bytes, sha256: &written.sha256 };
    if !recording::tell(&recordings.stores, &recordings.clock, recorded).await? {
        recordings.archive.objects.delete(object).await?;
    }
    Ok(Json(Uploaded { key: key.0, size_bytes: written.size_bytes, sha256: written.sha256 }))
}

/// Refuse whoever may not speak for the call that a recording's name says.
pub(super) async fn may_upload(sender: &OfCall, to: &Recordings, key: &str) -> ApiResult<()> {
    match recording::session_of(key) {
        Some(session) => sender.may_speak_for(&to.stores, &session).await.map(drop),
        None => sender.may_speak_for_none(),
    }
}

/// Read a recording that nobody may keep to its end, so that its worker lets go of it.
async fn read_away(mut body: Payload, key: String, max_bytes: u64) -> ApiResult<Json<Uploaded>> {
    let (mut size_bytes, mut hash) = (0_u64, Sha256::new());
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| ObjectError::CutOff(std::io::Error::other(error.to_string())))?;
        size_bytes += piece.len() as u64;
        if size_bytes > max_bytes {
            return Err(ObjectError::TooLarge(max_bytes).into());
        }
        hash.update(&piece);
    }
    tracing::info!("a recording was not kept: its call was deleted, or its time is over");
    Ok(Json(Uploaded { key, size_bytes, sha256: hex(&hash.finalize()) }))
}

/// A body belongs to the thread of its connection, an object store works on any. What the first takes from the socket goes
/// to the second through a few places.
pub(in crate::api) fn bridged(mut body: Payload) -> (ByteStream, impl Future<Output = ()>) {
    let (sender, receiver) = mpsc::channel::<std::io::Result<Bytes>>(PIECES);
    let pump = async move {
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| std::io::Error::other(error.to_string()));
            if sender.send(piece).await.is_err() {
                break;
            }
        }
    };
    let content =
        stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) });
    (content.boxed(), pump)
}

impl From<ObjectError> for ApiError {
    fn from(error: ObjectError) -> Self {
        match &error {
            ObjectError::BadKey(_) => Self::bad_request("bad_key", error.to_string()),
            ObjectError::TooLarge(_) => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", error.to_string())
            }
            ObjectError::WrongHash => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "wrong_hash", error.to_string())
            }
            ObjectError::CutOff(_) => Self::bad_request("cut_off", error.to_string()),
            ObjectError::Unavailable { .. }
            | ObjectError::Refused { .. }
            | ObjectError::NoBucket
            | ObjectError::Changed => Self::unavailable(&error),
            ObjectError::Keys(EngineError::Unavailable(_)) => Self::unavailable(&error),
            ObjectError::InUse(_)
            | ObjectError::NotBuilt
            | ObjectError::Unopened
            | ObjectError::Keys(_)
            | ObjectError::Failed { .. } => Self::internal("use the object store", &error),
        }
    }
}
