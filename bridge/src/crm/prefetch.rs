//! Before a call: the CRM is asked for what it knows, and its fields become `crm.*`. Whatever goes wrong, the call goes on.

use std::time::Duration;

use serde_json::{Map, Value};
use vox_shared::ids::{BotId, TenantId};

use super::Crm;
use super::exchange::{Answer, fill, send};
use super::settings::Exchange;
use crate::bot::template::Variables;
use crate::error::with_source;
use crate::store::Stamp;

/// Keys of a connected event that steer this.
const SKIP: &str = "_skip_prefetch";
const MOCK: &str = "_mock_crm";

/// What a bot's templates get of the CRM.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub fields: Map<String, Value>,
    /// Why there are none.
    pub fault: Option<String>,
}

impl Crm {
    /// What the CRM knows of a call; `reserved` is what the connected event says to the bridge.
    pub async fn known(
        &self,
        (tenant, bot): (&TenantId, &BotId),
        variables: &Variables,
        reserved: &Map<String, Value>,
    ) -> Known {
        if let Some(fields) = reserved.get(MOCK).and_then(object) {
            return Known { fields: flat(fields), fault: None };
        }
        if reserved.get(SKIP).is_some_and(is_yes) {
            return Known::default();
        }
        let settings = match self.memory.crm(tenant, bot).await {
            Ok(found) => found.and_then(|found| found.prefetch.clone()).filter(|p| p.enabled),
            Err(error) => {
                tracing::warn!(bot.id = %bot, error = with_source(&error), "a bot's CRM could not be read");
                return Known {
                    fault: Some("the bridge could not read its settings".into()),
                    ..Known::default()
                };
            }
        };
        let Some(prefetch) = settings else { return Known::default() };
        match self.ask(tenant, &prefetch, variables).await {
            Ok(fields) => Known { fields, fault: None },
            Err(fault) => {
                tracing::warn!(bot.id = %bot, fault, "a CRM told nothing, the call goes on without");
                Known { fields: Map::new(), fault: Some(fault) }
            }
        }
    }

    async fn ask(
        &self,
        tenant: &TenantId,
        prefetch: &Exchange,
        variables: &Variables,
    ) -> Result<Map<String, Value>, String> {
        let rules = self.stores.tenants().egress_rules(tenant).await;
        let rules = rules.map_err(|_| "the bridge could not read the tenant's egress rules")?;
        let filled = fill(prefetch, variables).map_err(|failure| failure.detail)?;
        let times = (Stamp(self.clock.now()), deadline(prefetch));
        fields(&send((&self.egress, &rules), (prefetch, &filled), None, times).await)
    }
}

/// How long a pre-fetch may take.
pub fn deadline(prefetch: &Exchange) -> Duration {
    Duration::from_millis(prefetch.timeout_ms.into())
}

/// The fields of an answer, or why it has none.
pub fn fields(answer: &Answer) -> Result<Map<String, Value>, String> {
    if let Some(error) = &answer.attempt.error {
        return Err(error.clone());
    }
    match serde_json::from_slice(&answer.body) {
        Ok(Value::Object(fields)) => Ok(flat(fields)),
        _ => Err("the answer is no JSON object".into()),
    }
}

/// Strings, numbers and truths as they are, what is nested as JSON; nulls are left out. A NUL is no text for every store.
fn flat(fields: Map<String, Value>) -> Map<String, Value> {
    let clean = |text: String| text.replace('\0', "\u{fffd}");
    let told = fields.into_iter().filter(|(_, value)| !value.is_null());
    told.map(|(name, value)| match value {
        Value::Array(_) | Value::Object(_) => (clean(name), value.to_string().into()),
        Value::String(text) => (clean(name), clean(text).into()),
        plain => (clean(name), plain),
    })
    .collect()
}

/// An object, or text that is one.
fn object(value: &Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map.clone()),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

/// What counts as yes: diallers send text.
pub fn is_yes(value: &Value) -> bool {
    match value {
        Value::Bool(yes) => *yes,
        Value::Number(number) => number.as_i64() == Some(1),
        Value::String(text) => ["true", "1", "yes"].iter().any(|yes| text.eq_ignore_ascii_case(yes)),
        _ => false,
    }
}
