//! `DELETE /api/v1/users/{user_id}/identity`

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;
use vox_shared::ids::UserId;

use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::people::People;
use crate::auth::permission::ResetSecondFactors;
use crate::edge::params::{InPath, InQuery};
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;

/// Whose word is forgotten.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct IssuerQuery {
    /// The provider as it calls itself, exactly: `issuer` of `GET /api/v1/settings/sign-in`. Required.
    issuer: Option<String>,
}

/// Forget whom a provider of sign-ins knows a person as. Their sessions end; the next sign-in there goes by the address that the
/// provider has verified, as the first one did.
#[instrument(name = "users.unlink", skip_all)]
pub async fn unlink(
    who: Allowed<ResetSecondFactors>,
    trail: Trail,
    user: InPath<UserId>,
    query: InQuery<IssuerQuery>,
    people: Data<People>,
) -> ApiResult<HttpResponse> {
    trail.concerns(user.0.as_str());
    // Before the question is looked at: another tenant's user does not exist, whatever is asked.
    people.stores.users(who.tenant()).get_user(&user.0).await?;
    let issuer = query.0.issuer.ok_or_else(|| {
        let message = "is required: the provider whose word is forgotten, as it calls itself";
        ApiError::invalid(vec![FieldError::new("issuer", message)])
    })?;
    people.unlink_identity(who.user(), who.tenant(), (&user.0, &issuer)).await?;
    Ok(HttpResponse::NoContent().finish())
}
