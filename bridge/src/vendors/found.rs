//! The accounts at vendors that a tenant's bots use, and those of its settings.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use vox_shared::catalogue;
use vox_shared::ids::TenantId;
use vox_shared::model::bot::{ApiKey, BotSettings};

use crate::bot::keys::{Keyed, fill_missing};
use crate::store::engine::MAX_PAGE;
use crate::store::{Cursor, StoreError, Stores};

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

    fn new(provider: &str, extra: &Map<String, Value>, key: &ApiKey) -> Self {
        let base_url = extra.get("base_url").and_then(Value::as_str).map(str::trim);
        Self {
            provider: provider.to_owned(),
            base_url: base_url.filter(|url| !url.is_empty()).map(str::to_owned),
            key_hash: crate::auth::secret_token::hash(key.expose().trim()),
        }
    }
}

/// All accounts of a tenant that can be tried.
pub async fn of_tenant(stores: &Stores, tenant: &TenantId) -> Result<BTreeMap<Account, ApiKey>, StoreError> {
    let held = stores.settings().vendor_keys(tenant).await?;
    let mut found = BTreeMap::new();
    for (provider, key) in &held {
        note(&mut found, Account::new(provider, &Map::new(), key), key);
    }
    let (bots, mut after) = (stores.bots(tenant), None);
    loop {
        let page = bots.list_bots(MAX_PAGE, after).await?;
        for mut bot in page.items.into_iter().map(|bot| bot.value.settings).filter(|bot| bot.enabled) {
            fill_missing(&mut bot, &held);
            note_all(&mut found, &bot);
        }
        after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
        if after.is_none() {
            return Ok(found);
        }
    }
}

fn note_all(found: &mut BTreeMap<Account, ApiKey>, settings: &BotSettings) {
    fn list<T: Keyed>(found: &mut BTreeMap<Account, ApiKey>, first: &T) {
        for entry in std::iter::once(first).chain(first.fallbacks()) {
            note(found, Account::of(entry), entry.api_key());
        }
    }
    list(found, &settings.stt);
    list(found, &settings.llm);
    list(found, &settings.tts);
}

/// A vendor that has no keys is not tried, and one's own server without a key is.
fn note(found: &mut BTreeMap<Account, ApiKey>, account: Account, key: &ApiKey) {
    let can_be_tried = catalogue::find_keyed(&account.provider).is_some();
    if can_be_tried && (!key.is_empty() || account.base_url.is_some()) {
        found.entry(account).or_insert_with(|| key.clone());
    }
}
