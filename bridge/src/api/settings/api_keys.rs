//! `PUT /api/v1/settings/api-keys`

use std::collections::BTreeMap;

use actix_web::web::{Data, Json};
use serde_json::Map;
use tracing::instrument;
use vox_shared::catalogue::{KEY_FILE_BYTES_MAX, Key, Kind, account};
use vox_shared::clock::Clock;
use vox_shared::model::bot::ApiKey;
use vox_shared::typed::{self, Alphabet};

use super::owner::OwnerQuery;
use super::view::DocumentView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageSettings;
use crate::bot::addresses;
use crate::bot::keys::is_masked;
use crate::edge::body::Checked;
use crate::edge::params::InQuery;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::settings::{Owner, Settings, VendorKey};
use crate::store::{Stamp, Stores};

/// Longest key, bytes.
const MAX_KEY_BYTES: usize = 512;

/// Vendor keys by the vendor's name.
type NewKeys = BTreeMap<String, Option<String>>;

/// Set vendor keys that bots use when they name none. Those that are not named stay; null takes one away.
#[instrument(name = "settings.api_keys", skip_all)]
pub async fn api_keys(
    who: Allowed<ManageSettings>,
    query: InQuery<OwnerQuery>,
    stores: Data<Stores>,
    clock: Data<Clock>,
    body: Checked<NewKeys>,
) -> ApiResult<Json<DocumentView>> {
    let faults: Vec<FieldError> =
        body.0.iter().filter_map(|(vendor, key)| fault(vendor, key.as_deref())).collect();
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    let owner = query.0.owner(who.tenant());
    if let Owner::Tenant(tenant) = &owner {
        let rules = stores.tenants().egress_rules(tenant).await?;
        let refused = |(vendor, key): (&String, &Option<String>)| {
            let why = addresses::refused_of_key(vendor, key.as_deref()?, &rules)?;
            Some(FieldError::new(vendor.clone(), why))
        };
        let refused: Vec<FieldError> = body.0.iter().filter_map(refused).collect();
        if !refused.is_empty() {
            return Err(ApiError::invalid(refused));
        }
    }
    let change = |settings: &mut Settings| set(settings, &body.0);
    let changed = stores.settings().change(&owner, Stamp(clock.now()), change).await?;
    Ok(Json((&changed).into()))
}

fn set(settings: &mut Settings, new: &NewKeys) {
    settings.vendor_keys.retain(|key| !new.contains_key(&key.provider));
    let given =
        |key: &Option<String>| key.as_deref().map(str::trim).filter(|key| !key.is_empty()).map(ApiKey::new);
    let added =
        new.iter().filter_map(|(name, key)| Some(VendorKey { provider: name.clone(), api_key: given(key)? }));
    settings.vendor_keys.extend(added);
    settings.vendor_keys.sort_by(|a, b| a.provider.cmp(&b.provider));
}

fn fault(vendor: &str, key: Option<&str>) -> Option<FieldError> {
    // A name of somebody else's is not repeated at length.
    let path: String = vendor.chars().take(64).collect();
    let kinds = [Kind::Recogniser, Kind::LanguageModel, Kind::Voice];
    let mut rows = kinds.iter().filter_map(|kind| kind.find(vendor));
    let Some(row) = rows.find(|vendor| vendor.key != Key::Never) else {
        return Some(FieldError::new(
            path,
            "there is no vendor of this name that takes a key; see docs/providers.md",
        ));
    };
    let key = key?.trim();
    if account(vendor) != vendor {
        let own = account(vendor);
        return Some(FieldError::new(path, format!("its key is that of {own}: set it under that name")));
    }
    if is_masked(key) {
        return Some(FieldError::new(
            path,
            "this is a masked key; leave the field out to keep the stored one, or send the whole key",
        ));
    }
    let (most, why) = match row.takes_key_file() {
        true => (KEY_FILE_BYTES_MAX, row.key_fault(key, &Map::new()).filter(|_| !key.is_empty())),
        false => (MAX_KEY_BYTES, typed::fault(key, Alphabet::Ascii)),
    };
    let why = why.or_else(|| (key.len() > most).then(|| format!("must be at most {most} bytes")));
    why.map(|why| FieldError::new(path, why))
}
