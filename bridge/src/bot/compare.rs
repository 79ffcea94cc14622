//! What differs between two versions of a bot's settings, field by field.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use vox_shared::model::bot::BotSettings;

use super::keys;

/// One field that differs. Secrets are masked on both sides, and are told even where their masks are the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Dotted, as in faults: `llm.fallbacks.0.model`.
    pub path: String,
    /// `None`: there is no such field.
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// All differences, by path. Objects and lists are compared member by member.
pub fn compare(before: &BotSettings, after: &BotSettings) -> Vec<Difference> {
    let side = |settings| Side { whole: whole(settings), shown: Value::Object(keys::masked(settings)) };
    let (before, after) = (side(before), side(after));
    let mut found = Vec::new();
    walk(
        "",
        Pair(Some(&before.whole), Some(&before.shown)),
        Pair(Some(&after.whole), Some(&after.shown)),
        &mut found,
    );
    found
}

struct Side {
    whole: Value,
    shown: Value,
}

/// The same field with its secrets and without.
#[derive(Clone, Copy)]
struct Pair<'a>(Option<&'a Value>, Option<&'a Value>);

impl<'a> Pair<'a> {
    fn member(self, name: &str) -> Self {
        let of = |value: Option<&'a Value>| match value? {
            Value::Object(map) => map.get(name),
            Value::Array(list) => list.get(name.parse::<usize>().ok()?),
            _ => None,
        };
        Self(of(self.0), of(self.1))
    }

    /// What lies below it; `None` for a value that has no members.
    fn names(self) -> Option<BTreeSet<String>> {
        match self.0? {
            Value::Object(map) => Some(map.keys().cloned().collect()),
            Value::Array(list) => Some((0..list.len()).map(|place| place.to_string()).collect()),
            _ => None,
        }
    }
}

fn walk(path: &str, before: Pair<'_>, after: Pair<'_>, found: &mut Vec<Difference>) {
    if before.0 == after.0 {
        return;
    }
    match (before.names(), after.names()) {
        (Some(old), Some(new)) if is_same_kind(before.0, after.0) => {
            for name in in_order(old.union(&new)) {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                walk(&path, before.member(name), after.member(name), found);
            }
        }
        _ => found.push(Difference {
            path: path.to_owned(),
            before: before.1.cloned(),
            after: after.1.cloned(),
        }),
    }
}

/// The tenth member of a list after its ninth.
fn in_order<'a>(names: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let mut names: Vec<_> = names.collect();
    names.sort_by_key(|name| name.parse::<usize>().ok());
    names
}

fn is_same_kind(one: Option<&Value>, other: Option<&Value>) -> bool {
    matches!(
        (one, other),
        (Some(Value::Object(_)), Some(Value::Object(_))) | (Some(Value::Array(_)), Some(Value::Array(_)))
    )
}

/// Through text, as [`keys::masked`] does, so that numbers read the same.
fn whole(settings: &BotSettings) -> Value {
    let text = serde_json::to_string(settings).expect("settings are always serialisable");
    let map: Map<String, Value> = serde_json::from_str(&text).expect("settings are a JSON object");
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(value: Value) -> BotSettings {
        serde_json::from_value(value).unwrap()
    }

    fn check(before: Value, after: Value, expected: &[(&str, Value, Value)]) {
        let found = compare(&settings(before), &settings(after));
        let found: Vec<_> = found
            .into_iter()
            .map(|d| (d.path, d.before.unwrap_or_default(), d.after.unwrap_or_default()))
            .collect();
        let expected: Vec<_> =
            expected.iter().map(|(path, b, a)| ((*path).to_owned(), b.clone(), a.clone())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn each_field_that_differs_is_told_with_both_values() {
        check(json!({"name": "a"}), json!({"name": "a"}), &[]);
        check(
            json!({"name": "a", "llm": {"temperature": 0.2}}),
            json!({"name": "b"}),
            &[("llm.temperature", json!(0.2), json!(0.7)), ("name", json!("a"), json!("b"))],
        );
        check(
            json!({"variables": {"x": 1, "list": [1, 2]}}),
            json!({"variables": {"y": {"z": 1}, "list": [1]}}),
            &[
                ("variables.list.1", json!(2), Value::Null),
                ("variables.x", json!(1), Value::Null),
                ("variables.y", Value::Null, json!({"z": 1})),
            ],
        );
        check(
            json!({}),
            json!({"re_engagement": null}),
            &[(
                "re_engagement",
                serde_json::to_value(vox_shared::model::bot::ReEngagement::default()).unwrap(),
                Value::Null,
            )],
        );
    }

    #[test]
    fn a_secret_that_differs_is_told_and_not_shown() {
        let with = |key: &str| json!({"llm": {"provider": "openai", "api_key": key}});
        check(
            with("sk-0123456789abcdef"),
            with("sk-0xxxxxxxxxxxcdef"),
            &[("llm.api_key", json!("sk-0…cdef"), json!("sk-0…cdef"))],
        );
        let fallbacks = |key: &str| json!({"llm": {"fallbacks": [{"provider": "openai", "api_key": key}]}});
        let found = compare(&settings(fallbacks("fb-0123456789abcdef")), &settings(json!({})));
        assert_eq!(found.len(), 1);
        assert!(!format!("{found:?}").contains("0123456789"), "{found:?}");
    }
}
