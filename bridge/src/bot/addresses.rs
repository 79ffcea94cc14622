//! The addresses that a bot's settings name, and whether the tenant's egress rules let them be used.

use serde_json::Value;
use url::Url;
use vox_egress::google::Account;
use vox_shared::catalogue::Kind;
use vox_shared::egress::{HostRules, Policy};
use vox_shared::model::bot::tool::fill::with_tokens_as;
use vox_shared::model::bot::{BotSettings, Carrier};

use super::keys::Keyed;
use crate::fields::FieldError;

/// The addresses of the bot's tools, and of its servers of tools, that the deployment or the tenant's rules refuse, as they are written.
pub fn refused_of_tools(settings: &BotSettings, policy: &Policy, rules: &HostRules) -> Vec<FieldError> {
    // First the deployment's: what it refuses is not told apart by a tenant's rules.
    each_tool(settings, |url| match policy.check_url(url) {
        Err(refused) => Some(refused.to_string()),
        Ok(_) => rules.check(url).err().map(|refused| refused.to_string()),
    })
}

/// Those that the tenant's rules refuse.
pub fn of_tools(settings: &BotSettings, rules: &HostRules) -> Vec<FieldError> {
    each_tool(settings, |url| rules.check(url).err().map(|refused| refused.to_string()))
}

fn each_tool(settings: &BotSettings, refused: impl Fn(&Url) -> Option<String>) -> Vec<FieldError> {
    let tools = settings.tools.iter().enumerate().filter_map(|(place, tool)| {
        let url = with_tokens_as(&tool.http.as_ref()?.url, "x").ok()?;
        Some(FieldError::new(format!("tools.{place}.http.url"), refused(&url)?))
    });
    let servers = settings.mcp_servers.iter().enumerate().filter_map(|(place, server)| {
        let url = Url::parse(&server.url).ok()?;
        Some(FieldError::new(format!("mcp_servers.{place}.url"), refused(&url)?))
    });
    tools.chain(servers).collect()
}

/// The vendors' addresses that the rules refuse. What is no address is the fault of another rule. A vendor without an address of
/// the bot's own is reached where the deployment's catalogue says, whatever the tenant's rules are.
pub fn refused(settings: &BotSettings, rules: &HostRules) -> Vec<FieldError> {
    let mut faults = Vec::new();
    if !rules.is_empty() {
        of_vendor(&settings.stt, "stt", rules, &mut faults);
        of_vendor(&settings.llm, "llm", rules, &mut faults);
        of_vendor(&settings.tts, "tts", rules, &mut faults);
        for carrier in Carrier::ALL {
            let url = Url::parse(&settings.carriers.of(carrier).base_url).ok();
            if let Some(refused) = url.and_then(|url| rules.check(&url).err()) {
                let path = format!("carriers.{}.base_url", carrier.name());
                faults.push(FieldError::new(path, refused.to_string()));
            }
        }
    }
    faults
}

fn of_vendor<T: Keyed>(vendor: &T, path: &str, rules: &HostRules, faults: &mut Vec<FieldError>) {
    let url = vendor.extra().get("base_url").and_then(Value::as_str).and_then(|text| Url::parse(text).ok());
    if let Some(refused) = url.and_then(|url| rules.check(&url).err()) {
        faults.push(FieldError::new(format!("{path}.extra.base_url"), refused.to_string()));
    }
    if let Some(refused) = refused_of_key(vendor.provider(), vendor.api_key().expose(), rules) {
        faults.push(FieldError::new(format!("{path}.api_key"), refused));
    }
    for (place, fallback) in vendor.fallbacks().iter().enumerate() {
        of_vendor(fallback, &format!("{path}.fallbacks.{place}"), rules, faults);
    }
}

/// Why the rules refuse a vendor's key: a key file sends what asks for tokens to a place that is not the vendor's own.
pub fn refused_of_key(vendor: &str, key: &str, rules: &HostRules) -> Option<String> {
    Kind::LanguageModel.find(vendor).filter(|row| row.takes_key_file())?;
    let account = Account::parse(key).ok().filter(Account::has_own_token_server)?;
    let refused = rules.check(account.token_server()).err()?;
    Some(format!("its `token_uri`: {refused}"))
}
