//! A tool's request with the values of one call: `{{name}}` in the path and the query of its address, and in the strings of its
//! body. A value stays in its place: it is percent-encoded, and an address that would lead elsewhere with it is refused.

use serde_json::{Map, Value};
use url::{Origin, Url};

use super::HttpTool;

/// Longest value in an address, bytes.
const MAX_VALUE_BYTES: usize = 1_024;
/// Longest address with its values, bytes.
const MAX_URL_BYTES: usize = 8 * 1_024;
const OPEN: &str = "{{";
const CLOSE: &str = "}}";

/// A request, ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Filled {
    pub url: Url,
    /// `None` where the method has none.
    pub body: Option<Value>,
}

/// Why there is no request, in words for the model: they name arguments and no values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    #[error("the argument '{0}' must be a text, a number, true or false")]
    NotPlain(String),
    #[error("the argument '{0}' is too long")]
    TooLong(String),
    #[error("with these arguments the address leads elsewhere: one of them is missing or holds dots alone")]
    Elsewhere,
    #[error("the tool's address is none")]
    NoAddress,
}

/// Put the arguments of a call, an object, into a tool's request.
///
/// # Errors
///
/// With the argument that cannot be a part of an address, or that the address would lead elsewhere.
pub fn fill(tool: &HttpTool, arguments: &Map<String, Value>) -> Result<Filled, BadValue> {
    let mut fault = None;
    let text = replaced(&tool.url, |name| match in_address(name, arguments.get(name)) {
        Ok(value) => value,
        Err(why) => {
            fault.get_or_insert(why);
            String::new()
        }
    });
    if let Some(why) = fault {
        return Err(why);
    }
    let url = Url::parse(&text).map_err(|_| BadValue::NoAddress)?;
    // An empty part, or one of dots in whatever spelling, would climb the path.
    if text.len() > MAX_URL_BYTES || shape(&tool.url).ok() != Some((url.origin(), parts(&url))) {
        return Err(BadValue::Elsewhere);
    }
    let body = match &tool.body {
        Some(body) => Some(mapped(body, arguments).unwrap_or_default()),
        None => tool.method.has_body().then(|| Value::Object(arguments.clone())),
    };
    Ok(Filled { url, body })
}

/// A value as a part of an address.
fn in_address(name: &str, value: Option<&Value>) -> Result<String, BadValue> {
    let text = match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(truth)) => truth.to_string(),
        Some(Value::Array(_) | Value::Object(_)) => return Err(BadValue::NotPlain(name.to_owned())),
    };
    if text.len() > MAX_VALUE_BYTES {
        return Err(BadValue::TooLong(name.to_owned()));
    }
    Ok(percent_encoded(&text))
}

/// A body with its values. A string that is one token and nothing else is the argument itself, of whatever type; a field whose
/// argument is missing is left out.
fn mapped(body: &Value, arguments: &Map<String, Value>) -> Option<Value> {
    Some(match body {
        Value::String(text) => match only_token(text) {
            Some(name) => arguments.get(name)?.clone(),
            None => replaced(text, |name| arguments.get(name).map(written).unwrap_or_default()).into(),
        },
        Value::Array(list) => list.iter().filter_map(|value| mapped(value, arguments)).collect(),
        Value::Object(map) => {
            map.iter().filter_map(|(key, value)| Some((key.clone(), mapped(value, arguments)?))).collect()
        }
        other => other.clone(),
    })
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn only_token(text: &str) -> Option<&str> {
    let name = text.trim().strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
    (!name.contains(OPEN) && !name.contains(CLOSE)).then(|| name.trim())
}

/// The names in a template, and the template is whole. `None` where braces have no partner.
pub fn tokens(text: &str) -> Option<Vec<&str>> {
    let (mut names, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(OPEN) {
        let inner = &rest[at + OPEN.len()..];
        let end = inner.find(CLOSE)?;
        if rest[..at].contains(CLOSE) || inner[..end].contains('{') {
            return None;
        }
        names.push(inner[..end].trim());
        rest = &inner[end + CLOSE.len()..];
    }
    (!rest.contains(CLOSE)).then_some(names)
}

/// A template with something in the place of each token.
pub fn replaced(text: &str, mut put: impl FnMut(&str) -> String) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, inner)) = rest.split_once(OPEN) {
        out.push_str(before);
        let Some((name, after)) = inner.split_once(CLOSE) else {
            out.push_str(OPEN);
            rest = inner;
            continue;
        };
        out.push_str(&put(name.trim()));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Where an address leads, whatever its values are: its origin and the number of its path's parts.
///
/// # Errors
///
/// When it is none.
pub fn shape(url: &str) -> Result<(Origin, usize), url::ParseError> {
    let url = with_tokens_as(url, "x")?;
    Ok((url.origin(), parts(&url)))
}

/// The address with every token replaced by `with`.
///
/// # Errors
///
/// When it is none.
pub fn with_tokens_as(url: &str, with: &str) -> Result<Url, url::ParseError> {
    Url::parse(&replaced(url, |_| with.to_owned()))
}

/// The parts of a path that are not empty.
fn parts(url: &Url) -> usize {
    url.path_segments().map_or(0, |parts| parts.filter(|part| !part.is_empty()).count())
}

/// All but the unreserved characters of RFC 3986, section 2.3, so that a value is one part of a path or a query.
pub fn percent_encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            byte if byte.is_ascii_alphanumeric() => out.push(byte.into()),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::ToolMethod;
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn check(url: &str, arguments: Value, expected: Result<&str, BadValue>) {
        let tool = HttpTool { method: ToolMethod::Get, url: url.into(), ..HttpTool::default() };
        let filled = fill(&tool, &object(arguments)).map(|filled| filled.url.to_string());
        assert_eq!(filled, expected.map(str::to_owned), "{url}");
    }

    #[test]
    fn a_value_stays_in_its_place_of_the_address() {
        let path = "https://a.test/orders/{{id}}/lines?of={{ who }}&n={{n}}";
        let good = "https://a.test/orders/7%20%C3%BC%2F%26%3F%23/lines?of=a%26b%3Dc&n=3";
        check(path, json!({"id": "7 ü/&?#", "who": "a&b=c", "n": 3, "more": 1}), Ok(good));
        check(path, json!({"id": true}), Ok("https://a.test/orders/true/lines?of=&n="));
        for dots in ["", ".", ".."] {
            check(path, json!({"id": dots}), Err(BadValue::Elsewhere));
        }
        check(path, json!({}), Err(BadValue::Elsewhere));
        check(path, json!({"id": "%2e%2e"}), Ok("https://a.test/orders/%252e%252e/lines?of=&n="));
        check(path, json!({"id": [1]}), Err(BadValue::NotPlain("id".into())));
        check(path, json!({"id": "x".repeat(2_000)}), Err(BadValue::TooLong("id".into())));
        check("https://a.test/{{id}}", json!({"id": "@evil.test/"}), Ok("https://a.test/%40evil.test%2F"));
        check(
            "https://a.test/{{id}}",
            json!({"id": "{{who}}", "who": 1}),
            Ok("https://a.test/%7B%7Bwho%7D%7D"),
        );
    }

    #[test]
    fn a_body_has_its_arguments_with_their_types() {
        let body = json!({"day": "{{day}}", "text": "for {{ people }} people", "list": ["{{people}}", 1, "{{none}}"],
            "none": "{{none}}", "fixed": true});
        let tool = HttpTool { url: "https://a.test/".into(), body: Some(body), ..HttpTool::default() };
        let arguments = object(json!({"day": "2026-12-24", "people": 4}));
        let expected = json!({"day": "2026-12-24", "text": "for 4 people", "list": [4, 1], "fixed": true});
        assert_eq!(fill(&tool, &arguments).unwrap().body, Some(expected));
        let plain = HttpTool { body: None, ..tool.clone() };
        assert_eq!(fill(&plain, &arguments).unwrap().body, Some(Value::Object(arguments.clone())));
        let asking = HttpTool { method: ToolMethod::Delete, ..plain };
        assert_eq!(fill(&asking, &arguments).unwrap().body, None);
    }

    #[test]
    fn braces_without_a_partner_are_no_template() {
        assert_eq!(tokens("a{{b}}c{{ d }}"), Some(vec!["b", "d"]));
        for bad in ["{{a", "a}}", "{{a{{b}}", "}}{{"] {
            assert_eq!(tokens(bad), None, "{bad}");
        }
    }
}
