//! Template variables: `{{call.name}}` and flat names like `{{name}}` in prompts and in what the bot says. A value is put in as
//! it is and never read as a template itself.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::gap;

/// Longest text that a template may grow to, bytes. Past it the remaining tokens count as unknown.
const MAX_RENDERED_BYTES: usize = 512 * 1024;
/// Longest name between the braces, bytes.
const MAX_NAME_BYTES: usize = 128;
const WEEKDAY: &str = "current_weekday";
const WEEKDAYS: [&str; 4] = ["weekday", "current_day", "day_of_week", "current_day_of_week"];
const OPEN: &str = "{{";
const CLOSE: &str = "}}";

/// The values of one call.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    pub call: Map<String, Value>,
    pub crm: Map<String, Value>,
    pub system: Map<String, Value>,
    /// What came of the call, once it ended.
    pub result: Map<String, Value>,
    /// What models made of it.
    pub analysis: Map<String, Value>,
    pub qc: Map<String, Value>,
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
        (WEEKDAY.to_owned(), text("%A")),
        ("timezone".to_owned(), zone_name.into()),
    ])
}

/// A piece of a template.
enum Piece<'a> {
    Text(&'a str),
    /// A whole token, and the name in it.
    Token(&'a str, &'a str),
    /// Braces that no token is made of.
    Stray(&'a str),
}

impl Variables {
    /// For a prompt: every known token is replaced, an unknown one stays as it is, so that whoever reads the prompt sees it.
    pub fn prompt(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for piece in Pieces(text) {
            match piece {
                Piece::Text(text) | Piece::Stray(text) => out.push_str(text),
                Piece::Token(token, name) => match self.find(name).map(|v| written(&v)) {
                    Some(value) if out.len() + value.len() <= MAX_RENDERED_BYTES => out.push_str(&value),
                    _ => out.push_str(token),
                },
            }
        }
        out
    }

    /// For what the bot says: a token without a value is left out, with the space and the punctuation that belong to it,
    /// and its name goes to `unknown`. Braces are never spoken, and neither are a list's or an object's.
    pub fn phrase(&self, text: &str, unknown: &mut BTreeSet<String>) -> String {
        let (mut out, mut is_open) = (String::with_capacity(text.len()), false);
        for piece in Pieces(text) {
            match piece {
                Piece::Text(text) if is_open => gap::close(&mut out, text),
                Piece::Text(text) => out.push_str(text),
                Piece::Token(_, name) => match self.find(name).and_then(|v| sayable(&v)) {
                    Some(value) if out.len() + value.len() <= MAX_RENDERED_BYTES => {
                        out.push_str(&value);
                        is_open = false;
                        continue;
                    }
                    _ => {
                        unknown.insert(name.chars().take(MAX_NAME_BYTES).collect());
                        is_open = true;
                        continue;
                    }
                },
                Piece::Stray(braces) => {
                    unknown.insert(braces.to_owned());
                    continue;
                }
            }
            is_open = false;
        }
        if is_open {
            gap::end(&mut out);
        }
        out
    }

    /// For what is sent to another program: a token without a value is empty, and every value goes through `write`.
    pub fn sent(&self, text: &str, write: impl Fn(&str) -> String) -> String {
        let mut room = MAX_RENDERED_BYTES;
        replaced(text, |name| {
            let value = self.find(name).map(|value| write(&written(&value))).unwrap_or_default();
            if value.len() > room {
                return String::new();
            }
            room -= value.len();
            value
        })
    }

    /// The value of a name, as a template finds it.
    pub fn value(&self, name: &str) -> Option<Value> {
        self.find(name.trim()).map(Cow::into_owned)
    }

    /// What is known of whoever calls: nothing but the bot's own.
    pub fn of_anybody(&self) -> Self {
        Self { bot: self.bot.clone(), ..Self::default() }
    }

    /// Exact (with its namespace), then system, crm, call, then the bot's own.
    fn find(&self, name: &str) -> Option<Cow<'_, Value>> {
        if name.is_empty() || name.len() > MAX_NAME_BYTES {
            return None;
        }
        let name = &*dotted(name);
        // What follows a stroke is a filter of other templates: `{{name | upper}}`.
        let name = name.split_once('|').map_or(name, |(name, _)| name.trim_end());
        let exact = match name.split_once('.') {
            Some(("call", path)) => in_object(&self.call, path),
            Some(("crm", path)) => in_object(&self.crm, path),
            Some(("result", path)) => in_object(&self.result, path),
            Some(("analysis", path)) => in_object(&self.analysis, path),
            Some(("qc", path)) => in_object(&self.qc, path),
            Some(("system", path)) => in_object(&self.system, path).or_else(|| self.weekday(path)),
            _ => None,
        };
        let everywhere = [&self.system, &self.crm, &self.call, &self.bot];
        let found = exact.or_else(|| everywhere.into_iter().find_map(|map| in_object(map, name)));
        found.or_else(|| self.weekday(name))
    }

    /// The weekday by the other names that people try.
    fn weekday(&self, name: &str) -> Option<Cow<'_, Value>> {
        let is_one = WEEKDAYS.contains(&name);
        is_one.then(|| self.system.get(WEEKDAY).map(Cow::Borrowed)).flatten()
    }
}

/// A template with something in the place of each token.
pub fn replaced(text: &str, mut put: impl FnMut(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in Pieces(text) {
        match piece {
            Piece::Text(text) | Piece::Stray(text) => out.push_str(text),
            Piece::Token(_, name) => out.push_str(&put(name)),
        }
    }
    out
}

/// Splits a template. A token is the innermost pair of braces, so `{{a {{b}}` holds the token `{{b}}`.
struct Pieces<'a>(&'a str);

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let all = self.0;
        let length = match (all.find(OPEN), all.find(CLOSE)) {
            (Some(0), Some(close)) if !all[OPEN.len()..close].contains(OPEN) => {
                let (mut end, mut name) = (close + CLOSE.len(), &all[OPEN.len()..close]);
                // Three braces are two of a template that escapes.
                if let Some(inner) = name.strip_prefix('{')
                    && all[end..].starts_with('}')
                {
                    (end, name) = (end + 1, inner);
                }
                self.0 = &all[end..];
                return Some(Piece::Token(&all[..end], name.trim()));
            }
            (Some(0), _) | (_, Some(0)) => {
                self.0 = &all[OPEN.len()..];
                return Some(Piece::Stray(&all[..OPEN.len()]));
            }
            (None, None) => all.len(),
            (open, close) => open.unwrap_or(all.len()).min(close.unwrap_or(all.len())),
        };
        self.0 = &all[length..];
        (length > 0).then(|| Piece::Text(&all[..length]))
    }
}

/// A key, or a path: by names into objects, by numbers into lists (`items.0.name`, `items[0].name`), and through text that
/// is itself JSON, at any depth. A dialler's fields often hold such text.
fn in_object<'a>(map: &'a Map<String, Value>, path: &str) -> Option<Cow<'a, Value>> {
    if let Some(value) = map.get(path) {
        return Some(Cow::Borrowed(value));
    }
    // The key that ends at a dot or a bracket; a key may hold dots itself.
    path.match_indices(['.', '[']).find_map(|(at, sign)| {
        let value = map.get(&path[..at])?;
        inside(value, if sign == "[" { &path[at..] } else { &path[at + 1..] })
    })
}

fn inside<'a>(value: &'a Value, path: &str) -> Option<Cow<'a, Value>> {
    match value {
        Value::Object(map) => in_object(map, path),
        Value::Array(list) => {
            let (place, rest) = place_of(path)?;
            let value = list.get(place)?;
            if rest.is_empty() { Some(Cow::Borrowed(value)) } else { inside(value, rest) }
        }
        Value::String(text) => {
            let parsed = structure(text)?;
            inside(&parsed, path).map(|found| Cow::Owned(found.into_owned()))
        }
        _ => None,
    }
}

/// The number that a path begins with, `0`, `0.rest`, `[0]` or `[0].rest`, and what follows.
fn place_of(path: &str) -> Option<(usize, &str)> {
    let (number, rest) = match path.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?,
        None => path.split_at(path.find(['.', '[']).unwrap_or(path.len())),
    };
    Some((number.parse().ok()?, rest.strip_prefix('.').unwrap_or(rest)))
}

/// A path with its quoted keys behind dots: `order["item"]` is `order.item`.
fn dotted(path: &str) -> Cow<'_, str> {
    let quoted = ["[\"", "['"].iter().any(|open| path.contains(open));
    if !quoted {
        return Cow::Borrowed(path);
    }
    let path = path.replace("[\"", ".").replace("['", ".");
    Cow::Owned(path.replace("\"]", "").replace("']", ""))
}

/// The object or list that a text is the JSON of, also where it was made into text twice.
fn structure(text: &str) -> Option<Value> {
    match text.trim_start().chars().next()? {
        '{' | '[' => serde_json::from_str(text).ok(),
        '"' => match serde_json::from_str(text).ok()? {
            Value::String(inner) if inner.trim_start().starts_with(['{', '[']) => {
                serde_json::from_str(&inner).ok()
            }
            _ => None,
        },
        _ => None,
    }
}

/// Text as it is, everything else as JSON.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What a voice can say of a value: text and numbers, and a list of them. Nothing is no value.
fn sayable(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Object(_) => None,
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::String(text) => match structure(text) {
            Some(inner) => sayable(&inner),
            None => Some(text.clone()).filter(|t| !t.trim().is_empty()),
        },
        Value::Array(list) => {
            let words: Vec<String> = list.iter().map(sayable).collect::<Option<_>>()?;
            (!words.is_empty()).then(|| words.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn variables() -> Variables {
        let order = json!({"items": [{"name": "tea", "price": 3}, {"name": "milk"}], "note": r#"{"gate": [7, [8, 9]]}"#});
        Variables {
            call: map(json!({
                "name": "Asha", "both": "call", "nested": {"city": "Pune"}, "evil": "{{name}}", "n": 3, "nothing": null,
                "blank": "  ", "dotted.key": "whole", "list": ["a", 2], "order": order.to_string(), "broken": "{no json",
                "a.b": {"c": "deep"}
            })),
            crm: map(json!({"both": "crm"})),
            system: map(json!({"timezone": "UTC"})),
            result: map(json!({"end": "bot"})),
            analysis: map(json!({"mood": "calm"})),
            qc: map(json!({"score": 7})),
            bot: map(json!({"name": "nobody", "clinic": "Sunrise"})),
        }
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(variables().prompt(text), expected);
    }

    fn said(text: &str, expected: &str, names: &[&str]) {
        let mut unknown = BTreeSet::new();
        assert_eq!(variables().phrase(text, &mut unknown), expected, "{text}");
        assert_eq!(unknown.into_iter().collect::<Vec<_>>(), names, "{text}");
    }

    #[test]
    fn tokens_resolve_in_the_documented_order() {
        check("Hi {{call.name}} and {{ name }}", "Hi Asha and Asha");
        check("{{both}} {{call.both}} {{crm.both}}", "crm call crm");
        check("{{clinic}} {{timezone}} {{system.timezone}}", "Sunrise UTC UTC");
        check("{{call.nested.city}} {{nested}} {{n}}", r#"Pune {"city":"Pune"} 3"#);
    }

    #[test]
    fn values_inside_json_text_are_reached_by_dots_at_any_depth() {
        check("{{order.items.0.name}} {{call.order.items.1.name}} {{order.items[0].price}}", "tea milk 3");
        check("{{order.note.gate.0}} {{order.note.gate.1.1}} {{order.note.gate[1][0]}}", "7 9 8");
        check("{{dotted.key}} {{list.1}} {{a.b.c}}", "whole 2 deep");
        check(
            "{{nested[\"city\"]}} {{call['nested']['city']}} {{order['items'][0]['name']}}",
            "Pune Pune tea",
        );
        let twice = Value::from(json!({"city": "Pune"}).to_string()).to_string();
        let variables =
            Variables { call: map(json!({"x": twice, "said": "\"Bob\""})), ..Variables::default() };
        assert_eq!(variables.prompt("{{x.city}} {{said}}"), "Pune \"Bob\"");
        for unknown in [
            "{{order.items.2.name}}",
            "{{order.items.x}}",
            "{{broken.x}}",
            "{{n.x}}",
            "{{order.}}",
            "{{list[}}",
        ] {
            check(unknown, unknown);
        }
    }

    #[test]
    fn what_is_unknown_or_broken_stays_literal_in_a_prompt() {
        check("{{unknown}} {{call.unknown}} {{}} {{name", "{{unknown}} {{call.unknown}} {{}} {{name");
        check("{{{{name}}}}", "{{Asha}}");
        check("{{{name}}} {{{x}}} {{name | upper}}", "Asha {{{x}}} Asha");
        check("{{a {{name}} }}", "{{a Asha }}");
        check("{{evil}}", "{{name}}");
        check("ünï {{name}} {{ü}}", "ünï Asha {{ü}}");
        check("{{nothing}}", "");
    }

    #[test]
    fn what_has_no_value_is_left_out_of_what_is_said() {
        said("Hello {{customer}}, this is the clinic.", "Hello, this is the clinic.", &["customer"]);
        said("Hello {{ name }}, it is {{n}}.", "Hello Asha, it is 3.", &[]);
        said("{{customer}}, good day.", "good day.", &["customer"]);
        said("{{a}} {{b}}, hi {{c}}!", "hi!", &["a", "b", "c"]);
        said("Hello {{nothing}}! And {{blank}}?", "Hello! And?", &["blank", "nothing"]);
        said("You owe {{nested}} to {{list}}.", "You owe to a, 2.", &["nested"]);
        said("Order {{order}} is ready", "Order is ready", &["order"]);
        said("Hello {{customer}}", "Hello", &["customer"]);
        said("{{customer}}", "", &["customer"]);
    }

    #[test]
    fn what_is_sent_has_every_value_written_and_nothing_for_unknown_ones() {
        let sent =
            variables().sent("{{name}}|{{unknown}}|{{result.end}}|{{end}}|{{n}}", |v| v.to_uppercase());
        assert_eq!(sent, "ASHA||BOT||3");
        let sent = variables().sent("{{analysis.mood}}|{{qc.score}}|{{mood}}|{{analysis.x}}", str::to_owned);
        assert_eq!(sent, "calm|7||");
    }

    #[test]
    fn braces_of_a_template_are_never_said() {
        said("Hi {{}} there {{name", "Hi there name", &["", "{{"]);
        said("Hi {{a {{name}} }} you", "Hi a Asha  you", &["{{", "}}"]);
        said("Hi {{evil}}", "Hi {{name}}", &[]);
        said("Hi {{{name}}} and {{{x}}}!", "Hi Asha and!", &["x"]);
    }

    #[test]
    fn a_template_cannot_grow_without_bound() {
        let variables = Variables { call: map(json!({"x": "y".repeat(10_000)})), ..Variables::default() };
        let text = "{{x}}".repeat(10_000);
        assert!(variables.prompt(&text).len() < MAX_RENDERED_BYTES + 60_000);
        assert!(variables.phrase(&text, &mut BTreeSet::new()).len() <= MAX_RENDERED_BYTES);
    }

    #[test]
    fn the_system_knows_the_bots_own_calendar() {
        // Late on Friday in UTC it is Saturday in Kolkata.
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        let system = system("2026-11-20T20:30:00Z".parse().unwrap(), &zone, "Asia/Kolkata");
        let expected = json!({
            "current_date": "2026-11-21", "current_time": "02:00", "current_datetime": "2026-11-21 02:00",
            "current_weekday": "Saturday", "timezone": "Asia/Kolkata"
        });
        assert_eq!(Value::Object(system.clone()), expected);
        let variables = Variables { system, call: map(json!({"weekday": "mine"})), ..Variables::default() };
        assert_eq!(
            variables.prompt("{{system.weekday}} {{day_of_week}} {{system.current_day}} {{weekday}}"),
            "Saturday Saturday Saturday mine"
        );
    }
}
