//! Template variables: `{{call.name}}` and flat names like `{{name}}` in prompts.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

/// Longest text that a template may grow to, bytes. Past it the remaining tokens stay as they are.
const MAX_RENDERED_BYTES: usize = 512 * 1024;
/// Longest name between the braces, bytes.
const MAX_NAME_BYTES: usize = 128;

/// The values of one call.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    pub call: Map<String, Value>,
    pub crm: Map<String, Value>,
    pub system: Map<String, Value>,
    /// The bot's own, looked at last.
    pub bot: Map<String, Value>,
}

/// Date and time on the bot's wall.
pub fn system(now: Timestamp, zone: &TimeZone, zone_name: &str) -> Map<String, Value> {
    let local = zone.to_datetime(now);
    let text = |format: &str| Value::from(local.strftime(format).to_string());
    Map::from_iter([
        ("current_date".to_owned(), text("%Y-%m-%d")),
        ("current_time".to_owned(), text("%H:%M")),
        ("current_datetime".to_owned(), text("%Y-%m-%d %H:%M")),
        ("timezone".to_owned(), zone_name.into()),
    ])
}

impl Variables {
    /// The text with every known token replaced, in one pass: a value is never itself read as a template. An unknown
    /// token stays as it is.
    pub fn render(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            let (before, token) = rest.split_at(open);
            out.push_str(before);
            let value = token.find("}}").and_then(|close| {
                let value = self.find(token[2..close].trim())?;
                (out.len() + value.len() <= MAX_RENDERED_BYTES).then_some((value, close + 2))
            });
            match value {
                Some((value, length)) => {
                    out.push_str(&value);
                    rest = &token[length..];
                }
                None => {
                    out.push_str("{{");
                    rest = &token[2..];
                }
            }
        }
        out.push_str(rest);
        out
    }

    /// Exact (with its namespace), then system, crm, call, then the bot's own.
    fn find(&self, name: &str) -> Option<String> {
        if name.is_empty() || name.len() > MAX_NAME_BYTES {
            return None;
        }
        let exact = match name.split_once('.') {
            Some(("call", path)) => at(&self.call, path),
            Some(("crm", path)) => at(&self.crm, path),
            Some(("system", path)) => at(&self.system, path),
            _ => None,
        };
        let flat =
            || [&self.system, &self.crm, &self.call, &self.bot].into_iter().find_map(|map| at(map, name));
        exact.or_else(flat).map(spoken)
    }
}

/// A key, or a path into nested objects.
fn at<'a>(map: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    map.get(path).or_else(|| {
        let (first, rest) = path.split_once('.')?;
        at(map.get(first)?.as_object()?, rest)
    })
}

/// Text as it is, everything else as JSON.
fn spoken(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn check(text: &str, expected: &str) {
        let variables = Variables {
            call: map(
                json!({"name": "Asha", "both": "call", "nested": {"city": "Pune"}, "evil": "{{name}}", "n": 3}),
            ),
            crm: map(json!({"both": "crm"})),
            system: map(json!({"timezone": "UTC"})),
            bot: map(json!({"name": "nobody", "clinic": "Sunrise"})),
        };
        assert_eq!(variables.render(text), expected);
    }

    #[test]
    fn tokens_resolve_in_the_documented_order() {
        check("Hi {{call.name}} and {{ name }}", "Hi Asha and Asha");
        check("{{both}} {{call.both}} {{crm.both}}", "crm call crm");
        check("{{clinic}} {{timezone}} {{system.timezone}}", "Sunrise UTC UTC");
        check("{{call.nested.city}} {{nested}} {{n}}", r#"Pune {"city":"Pune"} 3"#);
    }

    #[test]
    fn what_is_unknown_or_broken_stays_literal() {
        check("{{unknown}} {{call.unknown}} {{}} {{name", "{{unknown}} {{call.unknown}} {{}} {{name");
        check("{{{{name}}}}", "{{Asha}}");
        check("{{evil}}", "{{name}}");
        check("ünï {{name}} {{ü}}", "ünï Asha {{ü}}");
    }

    #[test]
    fn a_template_cannot_grow_without_bound() {
        let variables = Variables { call: map(json!({"x": "y".repeat(10_000)})), ..Variables::default() };
        assert!(variables.render(&"{{x}}".repeat(10_000)).len() < MAX_RENDERED_BYTES + 60_000);
    }
}
