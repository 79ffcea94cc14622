//! The addresses that a bot's settings name, and whether the tenant's egress rules let them be used.

use serde_json::Value;
use url::Url;
use vox_shared::egress::HostRules;
use vox_shared::model::bot::BotSettings;

use super::keys::Keyed;
use crate::fields::FieldError;

/// The vendors' addresses that the rules refuse. What is no address is the fault of another rule. A vendor without an address of
/// the bot's own is reached where the deployment's catalogue says, whatever the tenant's rules are.
pub fn refused(settings: &BotSettings, rules: &HostRules) -> Vec<FieldError> {
    let mut faults = Vec::new();
    if !rules.is_empty() {
        of_vendor(&settings.stt, "stt", rules, &mut faults);
        of_vendor(&settings.llm, "llm", rules, &mut faults);
        of_vendor(&settings.tts, "tts", rules, &mut faults);
    }
    faults
}

fn of_vendor<T: Keyed>(vendor: &T, path: &str, rules: &HostRules, faults: &mut Vec<FieldError>) {
    let url = vendor.extra().get("base_url").and_then(Value::as_str).and_then(|text| Url::parse(text).ok());
    if let Some(refused) = url.and_then(|url| rules.check(&url).err()) {
        faults.push(FieldError::new(format!("{path}.extra.base_url"), refused.to_string()));
    }
    for (place, fallback) in vendor.fallbacks().iter().enumerate() {
        of_vendor(fallback, &format!("{path}.fallbacks.{place}"), rules, faults);
    }
}
