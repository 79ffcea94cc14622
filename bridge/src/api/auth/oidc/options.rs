//! `GET /api/v1/auth/oidc`

use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use url::form_urlencoded::byte_serialize;
use utoipa::{IntoParams, ToSchema};

use crate::auth::oidc::flow::SignInDesk;
use crate::edge::params::InQuery;
use crate::error::ApiResult;

/// Whose provider.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OptionsQuery {
    /// The slug of a tenant; the deployment's provider without one, and where the tenant has none.
    tenant: Option<String>,
}

/// The provider that one can sign in through.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignInOption {
    /// What to write on the button.
    pub name: String,
    /// Where the button leads: to the tenant's provider if this is it.
    pub login_url: String,
}

/// Through which provider one can sign in.
#[instrument(name = "auth.oidc.options", skip_all)]
pub async fn options(query: InQuery<OptionsQuery>, desk: Data<SignInDesk>) -> ApiResult<Json<SignInOption>> {
    let slug = query.0.tenant.as_deref();
    let (owner, provider) = desk.provider(slug).await?;
    let mut login_url = format!("{}/api/v1/auth/oidc/login", desk.base_url);
    if let Some(slug) = slug.filter(|_| owner.tenant().is_some()) {
        login_url.push_str("?tenant=");
        login_url.extend(byte_serialize(slug.as_bytes()));
    }
    Ok(Json(SignInOption { name: provider.name, login_url }))
}
