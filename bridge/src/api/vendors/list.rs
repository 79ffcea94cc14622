//! `GET /api/v1/vendors`

use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::catalogue::Kind;

use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadVendors;
use crate::error::ApiResult;
use crate::store::Stores;
use crate::store::settings::VendorLimit;
use crate::vendors::breaker::State;
use crate::vendors::checks::{Account, Checks, Health};
use crate::vendors::key_state::KeyState;
use crate::vendors::limits::{Room, service_of};
use crate::vendors::told::Seen;

/// Characters of a key's hash that tell two keys of a vendor apart.
const SHOWN: usize = 8;

/// One account at a vendor.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorHealth {
    pub provider: String,
    /// Null for the vendor's own address.
    pub base_url: Option<String>,
    /// The first characters of the SHA-256 of the key, to tell keys apart.
    pub key: String,
    pub key_state: KeyState,
    pub breaker: State,
    /// Workers whose calls asked it lately, as this bridge knows them, and those of them whose own breaker is open.
    pub workers: u32,
    pub workers_open: u32,
    /// Why, unless all is well.
    pub detail: Option<String>,
    /// RFC 3339, UTC; null before the first try.
    pub checked_at: Option<String>,
    /// What the key serves at once, as far as that is stated or published; none: no limit is kept.
    pub limits: Vec<KeyLimit>,
}

/// The limit of a key for one service.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyLimit {
    /// `stt`, `llm` or `tts`.
    pub service: &'static str,
    pub calls_at_once: u32,
    /// Requests that each of them may make in a minute; null where they are not limited.
    pub requests_per_call: Option<u32>,
}

/// The accounts that the tenant's bots and settings name.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorList {
    pub items: Vec<VendorHealth>,
}

/// How the vendors of the tenant are, as this bridge sees them.
#[instrument(name = "vendors.list", skip_all)]
pub async fn list(
    who: Allowed<ReadVendors>,
    stores: Data<Stores>,
    checks: Data<Checks>,
) -> ApiResult<Json<VendorList>> {
    let accounts = checks.of_tenant(who.tenant()).await?;
    let stated = stores.settings().vendor_limits(who.tenant()).await?;
    let items = accounts.into_iter().map(|(account, health)| {
        let (seen, limits) = (checks.seen(&account), limits(&account, &stated));
        VendorHealth { limits, ..view((account, health), seen) }
    });
    Ok(Json(VendorList { items: items.collect() }))
}

fn view((account, health): (Account, Option<Health>), seen: Seen) -> VendorHealth {
    let Account { provider, base_url, key_hash } = account;
    let known = |health: &Health| (health.key_state, health.breaker);
    let (key_state, breaker) = health.as_ref().map_or((KeyState::Unchecked, State::Closed), known);
    VendorHealth {
        provider,
        base_url,
        key: key_hash.chars().take(SHOWN).collect(),
        key_state,
        breaker,
        workers: seen.workers,
        workers_open: seen.open,
        checked_at: health.as_ref().and_then(|health| health.checked_at).map(|at| at.to_string()),
        detail: health.and_then(|health| health.detail),
        limits: Vec::new(),
    }
}

fn limits(account: &Account, stated: &[VendorLimit]) -> Vec<KeyLimit> {
    let of = |kind: Kind| {
        let room = Room::of(kind, (&account.provider, account.base_url.as_deref()), stated)?;
        let service = service_of(kind).as_str();
        Some(KeyLimit { service, calls_at_once: room.calls, requests_per_call: room.share })
    };
    [Kind::Recogniser, Kind::LanguageModel, Kind::Voice].into_iter().filter_map(of).collect()
}
