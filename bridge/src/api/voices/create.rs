//! `POST /api/v1/voices`

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;
use tracing::instrument;

use super::view::{VoiceView, whole_tenant};
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditVoices;
use crate::auth::secret_token::hex;
use crate::edge::body::Checked;
use crate::edge::idempotency::creation;
use crate::error::{ApiError, ApiResult};
use crate::fields::typed;
use crate::jobs::runner::Runner;
use crate::voice::desk::{Asker, VoiceDesk};
use crate::voice::wish::{self, MAX_BODY_BYTES, NewVoice, Wish};

/// Have a voice made from a clip. The answer does not wait for the vendor: `state` says how it goes. With an `Idempotency-Key` a repeat
/// finds the voice that the first request began.
#[instrument(name = "voices.create", skip_all)]
pub async fn create(
    who: Allowed<EditVoices>,
    trail: Trail,
    (desk, runner): (Data<VoiceDesk>, Data<Runner>),
    request: HttpRequest,
    body: Checked<Value, MAX_BODY_BYTES>,
) -> ApiResult<(Json<VoiceView>, StatusCode)> {
    let tenant = whole_tenant(&who)?;
    let asked: NewVoice = typed(body.0).map_err(|fault| ApiError::invalid(vec![fault]))?;
    let held = desk.stores.settings().vendor_keys(tenant).await?;
    let (wish, summary) = looked_at(asked, move |vendor| held.contains_key(vendor), desk.clock.now()).await?;
    let creation = creation(request.headers(), who.id(), &summary)?;
    let voice = desk.begin(Asker { tenant, id: who.id(), creation }, wish).await?;
    trail.concerns(&voice.id);
    runner.ring();
    Ok((Json(voice.into()), StatusCode::ACCEPTED))
}

/// A wish that can be tried, and its [`summary`]. Megabytes are decoded and hashed: work for a thread that serves nobody.
async fn looked_at(
    asked: NewVoice,
    held: impl Fn(&str) -> bool + Send + 'static,
    now: Timestamp,
) -> ApiResult<(Wish, Value)> {
    let looking = spawn_blocking(move || {
        let wish = wish::checked(asked, held, now)?;
        let summary = summary(&wish);
        Ok((wish, summary))
    });
    let looked_at = looking.await.map_err(|error| ApiError::internal("look at a clip", &error))?;
    looked_at.map_err(ApiError::invalid)
}

/// What two requests under one key must have in common.
fn summary(Wish { asked, clip, .. }: &Wish) -> Value {
    let consent = &asked.consent;
    json!([
        asked.name,
        asked.provider,
        asked.language,
        asked.base_url,
        asked.remove_background_noise,
        consent.statement,
        consent.given_by,
        consent.given_at,
        hex(&Sha256::digest(clip)),
    ])
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Eight megabytes were decoded and hashed on the thread that serves requests.
    #[tokio::test]
    async fn a_clip_is_looked_at_where_nobody_else_is_served() {
        let asked = json!({
            "name": "Asha", "provider": "elevenlabs", "clip": "UklGRg==",
            "consent": {"statement": "I agree that my voice is used", "given_by": "Asha", "given_at": "2026-11-19T10:00:00Z"},
        });
        let here = thread::current().id();
        let is_elsewhere = move |_: &str| thread::current().id() != here;
        // The settings have a key elsewhere: here the wish would lack one.
        let looked_at =
            looked_at(typed(asked).unwrap(), is_elsewhere, "2026-11-20T10:00:00Z".parse().unwrap());
        assert!(looked_at.await.is_ok());
    }
}
