//! `GET /api/v1/vendor-keys`

use actix_web::web::{Data, Json};
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::catalogue;
use vox_shared::model::bot::{ApiKey, BotSettings};

use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadVendorKeys;
use crate::bot::keys::fill_missing;
use crate::error::ApiResult;
use crate::store::{Cursor, StoreError, Stores};

/// Bots looked at, at a time.
const PAGE: usize = 200;

/// One vendor of one bot, with its key in clear.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorUse {
    pub bot_id: String,
    pub provider: String,
    pub api_key: String,
    pub base_url: Option<String>,
}

/// The vendors that bots use.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorUses {
    pub items: Vec<VendorUse>,
}

/// Every vendor of every bot and fallback of the tenant with its key (the settings' where the bot names none), for `vox doctor`, which tries them. Vendors that never
/// have one are left out; a missing key is told as an empty one, and so is a server of one's own that asks for none. A worker is given the config of the call that it holds and has no use for this; so the secret that all
/// workers share does not open it.
#[instrument(name = "vendors.keys", skip_all)]
pub async fn keys(who: Allowed<ReadVendorKeys>, stores: Data<Stores>) -> ApiResult<Json<VendorUses>> {
    let (bots, mut items, mut cursor) = (stores.bots(who.tenant()), Vec::new(), None);
    let held = stores.settings().vendor_keys(who.tenant()).await?;
    loop {
        let mut page = bots.list_bots(PAGE, cursor).await?;
        page.items.iter_mut().for_each(|bot| fill_missing(&mut bot.value.settings, &held));
        items.extend(page.items.iter().flat_map(|bot| uses(&bot.id, &bot.value.settings)));
        cursor = page.next_cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
        if cursor.is_none() {
            return Ok(Json(VendorUses { items }));
        }
    }
}

fn uses(bot_id: &str, settings: &BotSettings) -> Vec<VendorUse> {
    let entry = |provider: &str, key: &ApiKey, extra: &Map<String, Value>| VendorUse {
        bot_id: bot_id.to_owned(),
        provider: provider.to_owned(),
        api_key: key.expose().to_owned(),
        base_url: extra.get("base_url").and_then(Value::as_str).map(str::to_owned),
    };
    let stt = std::iter::once(&settings.stt).chain(&settings.stt.fallbacks);
    let llm = std::iter::once(&settings.llm).chain(&settings.llm.fallbacks);
    let tts = std::iter::once(&settings.tts).chain(&settings.tts.fallbacks);
    stt.map(|s| entry(&s.provider, &s.api_key, &s.extra))
        .chain(llm.map(|s| entry(&s.provider, &s.api_key, &s.extra)))
        .chain(tts.map(|s| entry(&s.provider, &s.api_key, &s.extra)))
        .filter(|used| !used.api_key.is_empty() || catalogue::find_keyed(&used.provider).is_some())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vendor_that_may_have_a_key_is_listed() {
        let mut settings = BotSettings::default();
        settings.llm.provider = "openai".into();
        settings.llm.api_key = ApiKey::new("k1");
        settings.llm.extra.insert("base_url".into(), "http://127.0.0.1:9/v1".into());
        settings.tts.fallbacks = vec![settings.tts.clone()];
        settings.tts.fallbacks[0].provider = "elevenlabs".into();
        settings.tts.fallbacks[0].api_key = ApiKey::new("k2");
        let found = uses("b", &settings);
        let told: Vec<_> = found.iter().map(|u| (u.provider.as_str(), u.api_key.as_str())).collect();
        assert_eq!(told, [("openai", "k1"), ("elevenlabs", "k2")]);
        settings.llm.api_key = ApiKey::default();
        assert_eq!(uses("b", &settings)[0].api_key, "", "a server of one's own is tried too");
        assert_eq!(found[0].base_url.as_deref(), Some("http://127.0.0.1:9/v1"));
    }
}
