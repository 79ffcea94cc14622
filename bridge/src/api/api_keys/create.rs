//! `POST /api/v1/api-keys`

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use jiff::Timestamp;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::{BotId, TenantId};

use super::view::IssuedKey;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::keys::{ApiKeys, KeyError, NewKey};
use crate::auth::permission::ManageApiKeys;
use crate::auth::rules::Checks;
use crate::auth::scope::Scope;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::{StoreError, Stores};

/// Most bots that a key is limited to: a list of calls is put together from one search for each.
const MAX_BOTS: usize = 20;

/// A key to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    /// 1 to 120 characters, for people.
    name: String,
    /// What it opens.
    #[schema(value_type = Vec<Scope>)]
    scopes: Vec<String>,
    /// RFC 3339; without it the key is good until it is revoked.
    expires_at: Option<String>,
    /// Up to 20 bots that it is limited to; without it all of the tenant's are open.
    bots: Option<Vec<String>>,
}

/// Make a key of the own tenant. The answer is the only one that shows it.
#[instrument(name = "api_keys.create", skip_all)]
pub async fn create(
    who: Allowed<ManageApiKeys>,
    trail: Trail,
    keys: Data<ApiKeys>,
    stores: Data<Stores>,
    body: Checked<KeyRequest>,
) -> ApiResult<(Json<IssuedKey>, StatusCode)> {
    let new = checked(body.0, keys.clock.now()).map_err(ApiError::invalid)?;
    are_there(&stores, who.tenant(), new.bots.as_deref().unwrap_or_default()).await?;
    let issued = keys.issue(who.tenant(), who.user_id(), new).await?;
    trail.concerns(&issued.key.id);
    Ok((Json(IssuedKey::new(issued, keys.clock.now())), StatusCode::CREATED))
}

/// All that is wrong at once, but for bots that do not exist.
fn checked(body: KeyRequest, now: Timestamp) -> Result<NewKey, Vec<FieldError>> {
    let mut faults = Checks::default().name(&body.name).finish().err().unwrap_or_default();
    let scopes = known_scopes(&body.scopes, &mut faults);
    let bots = body.bots.map(|bots| bot_ids(&bots, &mut faults));
    let expires_at = body.expires_at.and_then(|text| expiry(&text, now, &mut faults));
    if faults.is_empty() { Ok(NewKey { name: body.name, scopes, bots, expires_at }) } else { Err(faults) }
}

fn known_scopes(words: &[String], faults: &mut Vec<FieldError>) -> BTreeSet<Scope> {
    let known = || Scope::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ");
    if words.is_empty() {
        faults.push(FieldError::new("scopes", format!("name at least one of {}", known())));
    }
    let mut scopes = BTreeSet::new();
    for (at, word) in words.iter().enumerate() {
        match Scope::find(word) {
            Some(scope) => scopes.extend([scope]),
            None => {
                faults.push(FieldError::new(format!("scopes.{at}"), format!("must be one of {}", known())));
            }
        }
    }
    scopes
}

fn bot_ids(texts: &[String], faults: &mut Vec<FieldError>) -> Vec<BotId> {
    if !(1..=MAX_BOTS).contains(&texts.len()) {
        let message = format!("name 1 to {MAX_BOTS} bots, or leave it out for all of the tenant's");
        faults.push(FieldError::new("bots", message));
        return Vec::new();
    }
    let mut bots: Vec<BotId> = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        match text.parse() {
            Ok(bot) if bots.contains(&bot) => {
                faults.push(FieldError::new(format!("bots.{at}"), "is named twice"));
            }
            Ok(bot) => bots.push(bot),
            Err(_) => faults.push(no_such_bot(at)),
        }
    }
    bots
}

fn expiry(text: &str, now: Timestamp, faults: &mut Vec<FieldError>) -> Option<Timestamp> {
    let found: Option<Timestamp> = text.parse().ok();
    match found {
        None => {
            faults.push(FieldError::new("expires_at", "must be RFC 3339, like 2027-01-31T00:00:00Z"));
        }
        Some(at) if at <= now => faults.push(FieldError::new("expires_at", "must be in the future")),
        Some(_) => {}
    }
    found
}

/// Refuse bots that the tenant does not have.
async fn are_there(stores: &Stores, tenant: &TenantId, bots: &[BotId]) -> ApiResult<()> {
    let (of_tenant, mut faults) = (stores.bots(tenant), Vec::new());
    for (at, bot) in bots.iter().enumerate() {
        match of_tenant.get_bot(bot).await {
            Err(StoreError::NotFound) => faults.push(no_such_bot(at)),
            found => drop(found?),
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(ApiError::invalid(faults)) }
}

fn no_such_bot(at: usize) -> FieldError {
    FieldError::new(format!("bots.{at}"), "there is no such bot")
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        let code = match error {
            KeyError::TooMany => "too_many_api_keys",
            KeyError::NotLive => "api_key_not_live",
            KeyError::Store(error) => return error.into(),
        };
        Self::new(StatusCode::CONFLICT, code, error.to_string())
    }
}
