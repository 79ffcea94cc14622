//! `POST /api/v1/dialler/claims`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::wire::dialler::claim::{Claim, ClaimRequest, MAX_AVOIDED};

use crate::auth::internal::Internal;
use crate::campaign::calls::CallDesk;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;

/// Claim a contact, or say why it is not rung.
#[instrument(name = "dialler.claim", skip_all, fields(campaign.id = %body.0.campaign, contact.id = %body.0.contact))]
pub async fn claim(_: Internal, desk: Data<CallDesk>, body: Checked<ClaimRequest>) -> ApiResult<Json<Claim>> {
    if body.0.avoid.len() > MAX_AVOIDED {
        return Err(ApiError::invalid(vec![FieldError::new("avoid", format!("at most {MAX_AVOIDED}"))]));
    }
    Ok(Json(desk.claim(&body.0).await?))
}
