//! `GET /api/v1/internal/vendors`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::model::bot::{ApiKey, BotSettings};

use crate::app::App;
use crate::auth::internal::Internal;
use crate::error::ApiResult;

/// Most bots looked at.
const MAX_BOTS: usize = 500;

/// One vendor of one bot, with its key in clear: whoever has the internal secret can fetch the bot's config, which
/// holds the same.
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

/// Every vendor key of every bot and fallback, for `vox doctor`. Vendors without a key are left out.
#[instrument(name = "internal.vendors", skip_all)]
pub async fn vendors(_: Internal, State(app): State<App>) -> ApiResult<Json<VendorUses>> {
    let listed = app.stores.all_bots().list_bots(MAX_BOTS).await?;
    let items = listed.items.iter().flat_map(|bot| uses(&bot.id, &bot.value.settings)).collect();
    Ok(Json(VendorUses { items }))
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
        .filter(|used| !used.api_key.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_listed_and_keyless_vendors_are_not() {
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
        assert_eq!(found[0].base_url.as_deref(), Some("http://127.0.0.1:9/v1"));
    }
}
