//! The rules of what guides a conversation, ends it elsewhere, and is made of it afterwards.

use url::Url;
use vox_shared::model::bot::transfer::{number_faults, target_faults};
use vox_shared::model::bot::{
    AutoDispositions, BotSettings, CallLimits, ConversationPolicy, SipHeaderConfig, WidgetSettings,
};

use super::{Faults, MAX_PHRASE_BYTES, MAX_PROMPT_BYTES};
use crate::analysis::schema;
use crate::billing::spending::MAX_BUDGET;
use crate::bot::policy;

const MAX_FIELDS: usize = 64;
const MAX_SCENARIOS: usize = 32;
const MAX_HEADERS: usize = 32;
const MAX_ORIGINS: usize = 32;
/// Longest name of a scenario, a variable, a header or a disposition, characters.
const MAX_NAME: usize = 120;

pub(super) fn check(settings: &BotSettings, faults: &mut Faults) {
    check_transfers(settings, faults);
    if let Some(policy) = &settings.conversation_policy {
        check_policy(policy, faults);
    }
    faults.text("prompt_parts.dynamic_prompt", &settings.prompt_parts.dynamic_prompt, MAX_PROMPT_BYTES);
    check_limits(&settings.limits, faults);
    check_budget(settings, faults);
    for (path, prompt) in [
        ("post_call_analysis_prompt", &settings.post_call_analysis_prompt),
        ("qc_prompt", &settings.qc_prompt),
    ] {
        faults.text(path, prompt.as_deref().unwrap_or_default(), MAX_PROMPT_BYTES);
    }
    if let Some(schema) = &settings.analysis_schema {
        faults.unless(schema.is_object(), "analysis_schema", || "must be a JSON schema, an object".into());
        faults.free("analysis_schema", schema);
        if let Some(why) = schema::fault(schema).filter(|_| schema.is_object()) {
            faults.add("analysis_schema", why);
        }
    }
    if let Some(words) = &settings.auto_dispositions {
        check_dispositions(words, faults);
    }
    if let Some(config) = &settings.sip_header_config {
        check_headers(config, faults);
    }
    check_widget(&settings.widget, faults);
}

fn check_transfers(settings: &BotSettings, faults: &mut Faults) {
    let all = [
        ("transfer_targets", target_faults(&settings.transfer_targets)),
        ("transfer_numbers", number_faults(&settings.transfer_numbers)),
    ];
    for (section, found) in all {
        for (path, why) in found {
            let path = if path.is_empty() { section.to_owned() } else { format!("{section}.{path}") };
            faults.add(&path, why);
        }
    }
}

/// An unknown type is no fault: bots come from elsewhere, and it counts as no policy.
fn check_policy(policy: &ConversationPolicy, faults: &mut Faults) {
    const AT: &str = "conversation_policy";
    faults.named(&format!("{AT}.type"), &policy.kind, 0);
    let language = policy.language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    faults.unless(matches!(language.as_str(), "en" | "hi"), &format!("{AT}.language"), || {
        "must be en or hi".into()
    });
    let known = policy::facts_of(&policy.kind);
    faults.count(&format!("{AT}.fields"), policy.fields.len(), MAX_FIELDS);
    for (fact, variable) in policy.fields.iter().take(MAX_FIELDS) {
        let path = format!("{AT}.fields.{}", fact.chars().take(MAX_NAME).collect::<String>());
        if let Some(known) = &known {
            faults.unless(known.contains(&fact.as_str()), &path, || {
                format!("{} knows {}", policy.kind, known.join(", "))
            });
        }
        faults.named(&path, variable, 1);
    }
    faults.count(&format!("{AT}.scenarios"), policy.scenarios.len(), MAX_SCENARIOS);
    for (place, scenario) in policy.scenarios.iter().take(MAX_SCENARIOS).enumerate() {
        let path = format!("{AT}.scenarios.{place}");
        faults.named(&format!("{path}.name"), &scenario.name, 1);
        faults.text(&format!("{path}.instructions"), &scenario.instructions, MAX_PHRASE_BYTES);
    }
}

fn check_limits(limits: &CallLimits, faults: &mut Faults) {
    let CallLimits { max_cost_micros, max_tokens, max_tool_calls, max_silence_secs } = limits;
    for (name, value, range) in [
        ("max_cost_micros", max_cost_micros.map(|n| n as f64), 1.0..=1e12),
        ("max_tokens", max_tokens.map(f64::from), 1.0..=1e7),
        ("max_tool_calls", max_tool_calls.map(f64::from), 0.0..=1000.0),
        ("max_silence_secs", max_silence_secs.map(f64::from), 5.0..=3600.0),
    ] {
        if let Some(value) = value {
            faults.range(&format!("limits.{name}"), value, range);
        }
    }
}

fn check_budget(settings: &BotSettings, faults: &mut Faults) {
    const PATH: &str = "max_cost_micros_per_day";
    let Some(day) = settings.max_cost_micros_per_day else { return };
    faults.range(PATH, day as f64, 1.0..=MAX_BUDGET as f64);
    faults.unless(settings.limits.max_cost_micros.is_none_or(|call| call <= day), PATH, || {
        "must be at least limits.max_cost_micros, or no call ever begins".into()
    });
}

fn check_dispositions(words: &AutoDispositions, faults: &mut Faults) {
    for (name, word) in words.all() {
        if let Some(word) = word {
            faults.named(&format!("auto_dispositions.{name}"), word, 1);
        }
    }
}

fn check_headers(config: &SipHeaderConfig, faults: &mut Faults) {
    faults.count("sip_header_config.headers", config.headers.len(), MAX_HEADERS);
    for (header, variable) in config.headers.iter().take(MAX_HEADERS) {
        let path = format!("sip_header_config.headers.{}", header.chars().take(MAX_NAME).collect::<String>());
        let is_token = |text: &str, more: &[u8]| {
            (1..=MAX_NAME).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
        };
        faults.unless(is_token(header, b"-_."), &path, || "is no name of a header".into());
        faults.unless(is_token(variable, b"_"), &path, || {
            "must be the name of a variable: letters, digits and _".into()
        });
    }
}

fn check_widget(widget: &WidgetSettings, faults: &mut Faults) {
    faults.count("widget.allowed_origins", widget.allowed_origins.len(), MAX_ORIGINS);
    for (place, text) in widget.allowed_origins.iter().take(MAX_ORIGINS).enumerate() {
        let origin = text.parse::<Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let is_origin = origin.is_some_and(|url| url.origin().ascii_serialization() == *text);
        faults.unless(is_origin, &format!("widget.allowed_origins.{place}"), || {
            "must be an origin without a path, like https://www.example.com".into()
        });
    }
}

impl Faults {
    /// A short text of at least so many characters.
    pub(super) fn named(&mut self, path: &str, text: &str, least: usize) {
        self.unless((least..=MAX_NAME).contains(&text.trim().chars().count()), path, || {
            format!("{least} to {MAX_NAME} characters")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check_settings(given: Value, expected: &[&str]) {
        let settings: BotSettings =
            serde_json::from_value(given.clone()).unwrap_or_else(|e| panic!("{given}: {e}"));
        let mut faults = Faults::default();
        check(&settings, &mut faults);
        let paths: Vec<&str> = faults.0.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(paths, expected, "{given}: {:?}", faults.0);
    }

    #[test]
    fn each_field_is_told_by_its_name() {
        let policy = |policy: Value| json!({"conversation_policy": policy});
        for (given, expected) in [
            (json!({}), vec![]),
            (
                json!({"transfer_targets": [{"id": "a", "method": "agent_desk", "type": "sip_uri", "value": "sip:a"}]}),
                vec!["transfer_targets.0.type"],
            ),
            (json!({"transfer_numbers": {"sales": "x"}}), vec!["transfer_numbers.sales"]),
            (policy(json!({"type": "collection_recovery", "fields": {"amount_due": "crm.emi"}})), vec![]),
            (policy(json!({"type": "of_another_bridge", "fields": {"x": "y"}})), vec![]),
            (
                policy(json!({"type": "collection_recovery", "language": "de"})),
                vec!["conversation_policy.language"],
            ),
            (
                policy(json!({"type": "collection_recovery", "fields": {"amount": "x"}})),
                vec!["conversation_policy.fields.amount"],
            ),
            (
                policy(json!({"type": "collection_recovery", "fields": {"amount_due": ""}})),
                vec!["conversation_policy.fields.amount_due"],
            ),
            (
                policy(json!({"scenarios": [{"name": "", "instructions": "x"}]})),
                vec!["conversation_policy.scenarios.0.name"],
            ),
            (
                json!({"limits": {"max_tokens": 0, "max_silence_secs": 1, "max_cost_micros": 0, "max_tool_calls": 0}}),
                vec!["limits.max_cost_micros", "limits.max_tokens", "limits.max_silence_secs"],
            ),
            (json!({"analysis_schema": []}), vec!["analysis_schema"]),
            (json!({"auto_dispositions": {"rnr": "", "error": "Failed"}}), vec!["auto_dispositions.rnr"]),
            (json!({"sip_header_config": {"headers": {"X-Customer": "customer"}}}), vec![]),
            (
                json!({"sip_header_config": {"headers": {"X Customer": "customer", "X-Other": "a.b"}}}),
                vec!["sip_header_config.headers.X Customer", "sip_header_config.headers.X-Other"],
            ),
            (
                json!({"widget": {"allowed_origins": ["https://www.example.com", "http://localhost:3000"]}}),
                vec![],
            ),
            (
                json!({"widget": {"allowed_origins": ["https://www.example.com/", "*", "ftp://x", "www.example.com"]}}),
                vec![
                    "widget.allowed_origins.0",
                    "widget.allowed_origins.1",
                    "widget.allowed_origins.2",
                    "widget.allowed_origins.3",
                ],
            ),
            (json!({"qc_prompt": "x".repeat(70_000)}), vec!["qc_prompt"]),
        ] {
            check_settings(given, &expected);
        }
    }
}
