//! A call's prompt: what the operator wrote, what the policy adds, and which part of it is the same for every caller.

use serde_json::{Value, json};
use vox_shared::ids::BotId;
use vox_shared::model::bot::{BotSettings, PromptMode};
use vox_shared::wire::config::PromptParts;

use crate::auth::secret_token::hash;
use crate::bot::policy;
use crate::bot::template::Variables;

/// Characters of a static part's hash that name it.
const VERSION_CHARS: usize = 16;

/// The prompt of one call.
#[derive(Debug)]
pub struct Prompt {
    /// All of it.
    pub whole: String,
    /// The same in parts.
    pub parts: PromptParts,
    /// What became of the bot's policy; `None` when it has none.
    pub policy: Option<Value>,
}

/// Put a prompt together. A part that reads differently for this caller than for anybody is never called static: what is
/// cached is kept by a vendor, and a caller's name or debt is nobody else's.
pub fn compose(settings: &BotSettings, variables: &Variables, bot: &BotId) -> Prompt {
    let applied = policy::apply(settings.conversation_policy.as_ref(), |name| variables.value(name));
    let added = applied.clone().unwrap_or_default();
    let template = joined(&settings.system_prompt, &added.rules);
    let fixed = variables.prompt(&template);
    let is_anybodys = fixed == variables.of_anybody().prompt(&template);
    let own = joined(&variables.prompt(&settings.prompt_parts.dynamic_prompt), &added.facts);
    let whole = joined(&fixed, &own);
    let (fixed, own) = if is_anybodys { (fixed, own) } else { (String::new(), whole.clone()) };
    let parts = parts(settings, (fixed, own), bot);
    let policy = settings.conversation_policy.as_ref().map(|policy| {
        json!({
            "type": policy.kind, "language": policy.language,
            "applied": applied.is_ok(), "reason": applied.err()
        })
    });
    Prompt { whole, parts, policy }
}

fn parts(settings: &BotSettings, (fixed, own): (String, String), bot: &BotId) -> PromptParts {
    let wanted = &settings.prompt_parts;
    let may_cache = match wanted.mode {
        // There is one prompt, so all of it would be cached.
        PromptMode::Legacy => !fixed.is_empty() && own.is_empty(),
        PromptMode::Direct => !fixed.is_empty(),
    };
    let cache_enabled = wanted.cache_enabled && may_cache;
    let static_version = match fixed.is_empty() {
        true => String::new(),
        false => hash(&fixed).chars().take(VERSION_CHARS).collect(),
    };
    let cache_key = if cache_enabled { format!("{bot}-{static_version}") } else { String::new() };
    let (static_system_prompt, dynamic_runtime_prompt) = match wanted.mode {
        PromptMode::Legacy => (String::new(), String::new()),
        PromptMode::Direct => (fixed, own),
    };
    PromptParts {
        mode: wanted.mode,
        cache_enabled,
        static_system_prompt,
        dynamic_runtime_prompt,
        static_version,
        cache_key,
        cache_retention: wanted.cache_retention,
    }
}

/// Two texts with an empty line between them, if there are two.
fn joined(one: &str, other: &str) -> String {
    match (one.trim().is_empty(), other.trim().is_empty()) {
        (_, true) => one.to_owned(),
        (true, false) => other.to_owned(),
        (false, false) => format!("{one}\n\n{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(settings: Value, call: Value) -> Prompt {
        let settings: BotSettings = serde_json::from_value(settings).unwrap();
        let of = |value: &Value| value.as_object().unwrap().clone();
        let system = of(&json!({"current_date": "2026-11-20"}));
        let variables =
            Variables { call: of(&call), system, bot: settings.variables.clone(), ..Variables::default() };
        compose(&settings, &variables, &"b".parse().unwrap())
    }

    #[test]
    fn only_what_anybody_would_hear_is_static() {
        let prompt = |system: &str, dynamic: &str, mode: &str| {
            let parts = json!({"mode": mode, "cache_enabled": true, "dynamic_prompt": dynamic});
            check(
                json!({"system_prompt": system, "prompt_parts": parts, "variables": {"clinic": "Sunrise"}}),
                json!({"name": "Asha"}),
            )
        };
        let good = prompt("You work for {{clinic}}. {{unknown}}", "Talk to {{name}}.", "direct");
        assert_eq!(good.whole, "You work for Sunrise. {{unknown}}\n\nTalk to Asha.");
        assert_eq!(good.parts.static_system_prompt, "You work for Sunrise. {{unknown}}");
        assert_eq!(good.parts.dynamic_runtime_prompt, "Talk to Asha.");
        assert!(
            good.parts.cache_enabled && good.parts.cache_key == format!("b-{}", good.parts.static_version)
        );
        assert_eq!(good.parts.static_version.len(), 16);
        for template in ["Talk to {{name}}.", "Talk to {{call.name}}.", "Today is {{system.current_date}}."] {
            let own = prompt(template, "", "direct");
            assert!(!own.parts.cache_enabled && own.parts.cache_key.is_empty(), "{template}");
            assert_eq!(
                (own.parts.static_system_prompt.as_str(), &own.parts.dynamic_runtime_prompt),
                ("", &own.whole)
            );
        }
        let legacy = prompt("You are kind.", "", "legacy");
        assert!(legacy.parts.cache_enabled && legacy.parts.static_system_prompt.is_empty());
        assert!(!prompt("You are kind.", "Talk to {{name}}.", "legacy").parts.cache_enabled);
        assert!(!prompt("", "", "direct").parts.cache_enabled, "nothing to cache");
    }

    #[test]
    fn a_policy_adds_its_rules_to_the_static_part_and_its_facts_to_the_other() {
        let policy = |policy: Value| {
            let parts = json!({"mode": "direct", "cache_enabled": true});
            check(
                json!({"system_prompt": "You are kind.", "prompt_parts": parts, "conversation_policy": policy}),
                json!({"amount_due": "1500", "customer_name": "{{clinic}}"}),
            )
        };
        let good = policy(json!({"type": "collection_pre_due"}));
        assert!(good.parts.static_system_prompt.starts_with("You are kind.\n\n## This call: a reminder"));
        let facts = &good.parts.dynamic_runtime_prompt;
        assert!(facts.contains("one thousand five hundred rupees (1500)"), "{facts}");
        assert!(facts.contains("Customer's name: {{clinic}}"), "a value is no template: {facts}");
        assert!(good.parts.cache_enabled && !good.parts.static_system_prompt.contains("1500"));
        assert_eq!(good.policy.unwrap()["applied"], true);
        for (unused, reason) in [
            (json!({"type": "nope"}), "unknown_type"),
            (json!({"type": "collection_pre_due", "enabled": false}), "disabled"),
        ] {
            let plain = policy(unused);
            assert_eq!(
                (plain.whole.as_str(), &plain.policy.unwrap()["reason"]),
                ("You are kind.", &json!(reason))
            );
        }
        assert_eq!(policy(Value::Null).policy, None);
    }
}
