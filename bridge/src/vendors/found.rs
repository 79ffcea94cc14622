//! The accounts at vendors that a tenant's bots use, and those of its settings.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use vox_shared::catalogue::{self, Kind, Vendor};
use vox_shared::ids::TenantId;
use vox_shared::model::bot::{ApiKey, BotSettings};

use crate::auth::secret_token::hash;
use crate::bot::keys::{Keyed, fill_missing};
use crate::store::engine::MAX_PAGE;
use crate::store::settings::Owner;
use crate::store::{Cursor, StoreError, Stores};

/// Characters of a key's hash that workers tell.
const KEY_CHARS: usize = 8;

/// An account as it is told apart: keys are compared by their hash, so that none is in a name or a log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account {
    pub provider: String,
    /// An address of the tenant's own; `None` for the vendor's.
    pub base_url: Option<String>,
    /// Lower-case hex of the SHA-256 of the key.
    pub key_hash: String,
}

impl Account {
    pub fn of<T: Keyed>(entry: &T) -> Self {
        Self::new(entry.provider(), entry.extra(), entry.api_key())
    }

    /// The key as workers tell of it.
    pub fn key_as_told(&self) -> &str {
        as_told(&self.key_hash)
    }

    /// The row and the address of a voice server of the tenant's own that says how its GPU is.
    pub fn voice_server(&self) -> Option<(&'static Vendor, &str)> {
        let vendor = Kind::Voice.find(&self.provider).filter(|vendor| vendor.tells_gpu_memory())?;
        Some((vendor, self.base_url.as_deref()?))
    }

    fn new(provider: &str, extra: &Map<String, Value>, key: &ApiKey) -> Self {
        let base_url = extra.get("base_url").and_then(Value::as_str).map(str::trim);
        Self {
            provider: provider.to_owned(),
            base_url: base_url.filter(|url| !url.is_empty()).map(str::to_owned),
            key_hash: hash(key.expose().trim()),
        }
    }
}

/// As much of a key's hash as workers tell.
fn as_told(key_hash: &str) -> &str {
    key_hash.get(..KEY_CHARS).unwrap_or(key_hash)
}

/// Who may use an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// The tenant alone: the key is its own.
    Own,
    /// Other tenants too: the key is the deployment's, or there is none. How much is asked there is no single tenant's business.
    Shared,
}

/// What tells the keys that tenants share from their own: as much of each hash as workers tell, so that no key that somebody made up to
/// have the same beginning shows more than the one it is taken for.
struct Shared(BTreeSet<String>);

impl Shared {
    async fn find(stores: &Stores) -> Result<Self, StoreError> {
        let held = stores.settings().get(&Owner::Deployment).await?.vendor_keys;
        let keys = held.iter().map(|key| key.api_key.expose().trim()).chain([""]);
        Ok(Self(keys.map(|key| as_told(&hash(key)).to_owned()).collect()))
    }

    fn whose(&self, account: &Account) -> Whose {
        if self.0.contains(account.key_as_told()) { Whose::Shared } else { Whose::Own }
    }
}

/// The accounts of a tenant.
#[derive(Debug, Default)]
pub struct Found {
    /// Those that can be tried.
    pub tried: BTreeMap<Account, ApiKey>,
    /// All that calls may use.
    pub used: BTreeMap<Account, Whose>,
}

/// All accounts of a tenant.
pub async fn of_tenant(stores: &Stores, tenant: &TenantId) -> Result<Found, StoreError> {
    let (held, shared) = (stores.settings().vendor_keys(tenant).await?, Shared::find(stores).await?);
    let mut found = Found::default();
    for (provider, key) in &held {
        note(&mut found.tried, Account::new(provider, &Map::new(), key), key);
    }
    let (bots, mut after) = (stores.bots(tenant), None);
    loop {
        let page = bots.list_bots(MAX_PAGE, after).await?;
        for mut bot in page.items.into_iter().map(|bot| bot.value.settings).filter(|bot| bot.enabled) {
            fill_missing(&mut bot, &held);
            note_all(&mut found, &bot, &shared);
        }
        after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
        if after.is_none() {
            return Ok(found);
        }
    }
}

fn note_all(found: &mut Found, settings: &BotSettings, shared: &Shared) {
    fn list<T: Keyed>(found: &mut Found, first: &T, shared: &Shared) {
        for entry in std::iter::once(first).chain(first.fallbacks()) {
            let account = Account::of(entry);
            found.used.insert(account.clone(), shared.whose(&account));
            note(&mut found.tried, account, entry.api_key());
        }
    }
    list(found, &settings.stt, shared);
    list(found, &settings.llm, shared);
    list(found, &settings.tts, shared);
}

/// A vendor that has no keys is not tried, and one's own server without a key is.
fn note(found: &mut BTreeMap<Account, ApiKey>, account: Account, key: &ApiKey) {
    let can_be_tried = catalogue::find_keyed(&account.provider).is_some();
    if can_be_tried && (!key.is_empty() || account.base_url.is_some()) {
        found.entry(account).or_insert_with(|| key.clone());
    }
}
