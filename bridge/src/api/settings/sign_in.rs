//! `GET|PUT|DELETE /api/v1/settings/sign-in`: the `OpenID` provider of the tenant or of the deployment.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use url::Url;
use utoipa::ToSchema;
use vox_shared::clock::Clock;
use vox_shared::ids::TenantId;
use vox_shared::model::bot::ApiKey;
use vox_shared::typed::trimmed;

use super::owner::OwnerQuery;
use crate::auth::allowed::Allowed;
use crate::auth::oidc::discovery::is_secure;
use crate::auth::oidc::flow::SignInDesk;
use crate::auth::permission::ManageSettings;
use crate::auth::role::Role;
use crate::edge::body::Checked;
use crate::edge::params::InQuery;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::settings::Owner;
use crate::store::sign_in::{Newcomers, Provider};
use crate::store::{Stamp, StoreError, Stored, Stores};

/// Longest text of each field, bytes.
const MAX_BYTES: usize = 512;
/// Most domains.
const MAX_DOMAINS: usize = 32;

/// A provider as it is to be, as a whole.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderRequest {
    #[serde(default = "yes")]
    enabled: bool,
    /// What people see on the button.
    name: String,
    /// Exactly as the provider's metadata has it.
    #[schema(example = "https://accounts.example.com")]
    issuer: String,
    client_id: String,
    /// Left out, the stored one stays; empty for a client without one.
    client_secret: Option<String>,
    /// The highest rank that it lets in; `admin` by default.
    max_role: Option<Role>,
    /// Domains that new people's addresses must be of; empty for any.
    #[serde(default)]
    email_domains: Vec<String>,
    /// Whether who comes from there needs no second factor here.
    #[serde(default)]
    trusts_second_factor: bool,
    /// Make users of people whom nobody knows here; left out, they are refused.
    newcomers: Option<NewcomersRequest>,
}

/// What becomes of people whom nobody knows here.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewcomersRequest {
    /// The tenant's own id for a tenant's provider.
    #[schema(value_type = String)]
    tenant_id: TenantId,
    /// Not above `max_role`.
    role: Role,
}

/// A provider, without its client's secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderView {
    pub enabled: bool,
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    pub has_client_secret: bool,
    pub max_role: Role,
    pub email_domains: Vec<String>,
    pub trusts_second_factor: bool,
    pub newcomers: Option<NewcomersRequest>,
    /// What to register with the provider.
    pub redirect_uri: String,
    /// RFC 3339, UTC.
    pub updated_at: String,
}

fn yes() -> bool {
    true
}

/// Read the provider.
#[instrument(name = "settings.sign_in.read", skip_all)]
pub async fn read(
    who: Allowed<ManageSettings>,
    query: InQuery<OwnerQuery>,
    desk: Data<SignInDesk>,
) -> ApiResult<Json<ProviderView>> {
    let found = find(&desk.stores, &query.0.owner(who.tenant())).await?;
    Ok(Json(view(found.value, &desk)))
}

/// Set the provider, as a whole. It counts for sign-ins that begin from now on.
#[instrument(name = "settings.sign_in.replace", skip_all)]
pub async fn replace(
    who: Allowed<ManageSettings>,
    query: InQuery<OwnerQuery>,
    desk: Data<SignInDesk>,
    clock: Data<Clock>,
    body: Checked<ProviderRequest>,
) -> ApiResult<Json<ProviderView>> {
    let (owner, request) = (query.0.owner(who.tenant()), body.0);
    let providers = desk.stores.sign_in_providers();
    let known = providers.find_provider(&owner).await?;
    let mut faults = faults(&request, &owner);
    if let Some(newcomers) = &request.newcomers
        && desk.stores.tenants().find(&newcomers.tenant_id).await?.is_none()
    {
        faults.push(FieldError::new("newcomers.tenant_id", "there is no such tenant"));
    }
    // A stored secret goes to no other provider than the one that it is for.
    let kept = known.as_ref().filter(|known| known.value.issuer == request.issuer);
    let kept = kept.map(|known| known.value.client_secret.clone());
    let secret = request.client_secret.as_deref().map(ApiKey::new).or(kept);
    if secret.is_none() {
        faults.push(FieldError::new(
            "client_secret",
            "is needed: none is stored for this issuer; send \"\" for a client without one",
        ));
    }
    let (true, Some(client_secret)) = (faults.is_empty(), secret) else {
        return Err(ApiError::invalid(faults));
    };
    let value = Provider {
        tenant_id: owner.tenant().cloned(),
        enabled: request.enabled,
        name: trimmed(&request.name).to_owned(),
        issuer: request.issuer,
        client_id: trimmed(&request.client_id).to_owned(),
        client_secret,
        max_role: request.max_role.unwrap_or(Role::Admin),
        email_domains: request.email_domains,
        trusts_second_factor: request.trusts_second_factor,
        newcomers: request.newcomers.map(|new| Newcomers { tenant_id: new.tenant_id, role: new.role }),
        updated_at: Stamp(clock.now()),
    };
    match known {
        Some(known) => drop(providers.replace_provider(Stored { value: value.clone(), ..known }).await?),
        // Another request set it at this moment.
        None => providers.insert_provider(&owner, &value).await.map_err(|error| match error {
            StoreError::Duplicate => StoreError::Conflict,
            other => other,
        })?,
    }
    Ok(Json(view(value, &desk)))
}

/// Take the provider away. People log in with their passwords; who has none is sent a new one by an administrator.
#[instrument(name = "settings.sign_in.remove", skip_all)]
pub async fn remove(
    who: Allowed<ManageSettings>,
    query: InQuery<OwnerQuery>,
    desk: Data<SignInDesk>,
) -> ApiResult<HttpResponse> {
    let found = find(&desk.stores, &query.0.owner(who.tenant())).await?;
    desk.stores.sign_in_providers().delete_provider(&found).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn find(stores: &Stores, owner: &Owner) -> ApiResult<Stored<Provider>> {
    let found = stores.sign_in_providers().find_provider(owner).await?;
    found.ok_or_else(|| ApiError::not_found("provider of sign-ins"))
}

fn faults(request: &ProviderRequest, owner: &Owner) -> Vec<FieldError> {
    let mut faults = Vec::new();
    for (field, text) in [("name", &request.name), ("client_id", &request.client_id)] {
        if trimmed(text).is_empty() || text.len() > MAX_BYTES || text.chars().any(char::is_control) {
            faults.push(FieldError::new(field, format!("must be 1 to {MAX_BYTES} bytes")));
        }
    }
    if request.client_secret.as_ref().is_some_and(|secret| secret.len() > MAX_BYTES || !secret.is_ascii()) {
        faults.push(FieldError::new("client_secret", format!("at most {MAX_BYTES} bytes of ASCII")));
    }
    let issuer = Url::parse(&request.issuer).ok().filter(|url| {
        let is_plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        is_plain && url.password().is_none() && is_secure(url) && request.issuer.len() <= MAX_BYTES
    });
    if issuer.is_none() {
        faults.push(FieldError::new(
            "issuer",
            "must be the provider's https address, without query, user or password",
        ));
    }
    let is_domain = |domain: &String| {
        domain.contains('.')
            && domain.len() <= 253
            && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
    };
    if request.email_domains.len() > MAX_DOMAINS {
        faults.push(FieldError::new("email_domains", format!("at most {MAX_DOMAINS}")));
    }
    for (at, _) in request.email_domains.iter().enumerate().filter(|(_, domain)| !is_domain(domain)) {
        faults.push(FieldError::new(format!("email_domains.{at}"), "must be a domain, like example.com"));
    }
    if let Some(newcomers) = &request.newcomers {
        if newcomers.role > request.max_role.unwrap_or(Role::Admin) {
            faults.push(FieldError::new("newcomers.role", "must not be above max_role"));
        }
        if newcomers.role == Role::SuperAdmin {
            faults
                .push(FieldError::new("newcomers.role", "nobody becomes a super_admin by a provider's word"));
        }
        if owner.tenant().is_some_and(|tenant| newcomers.tenant_id != *tenant) {
            faults.push(FieldError::new("newcomers.tenant_id", "must be the provider's own tenant"));
        }
    }
    faults
}

fn view(provider: Provider, desk: &SignInDesk) -> ProviderView {
    let newcomers =
        provider.newcomers.map(|new| NewcomersRequest { tenant_id: new.tenant_id, role: new.role });
    ProviderView {
        enabled: provider.enabled,
        name: provider.name,
        issuer: provider.issuer,
        client_id: provider.client_id,
        has_client_secret: !provider.client_secret.is_empty(),
        max_role: provider.max_role,
        email_domains: provider.email_domains,
        trusts_second_factor: provider.trusts_second_factor,
        newcomers,
        redirect_uri: desk.redirect_uri(),
        updated_at: provider.updated_at.to_string(),
    }
}
