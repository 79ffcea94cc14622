//! Reading a vendor's `extra` settings. A wrong type is refused with the setting's name: a bot that silently ignores a setting
//! is harder to mend than one that says what is wrong.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};
use url::Url;

use super::{Failure, FailureClass};

/// Longest list of texts in a setting.
const TEXTS_MAX: usize = 100;

/// What a vendor's address is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Http,
    WebSocket,
}

/// The `extra` settings of one vendor; null counts as absent.
#[derive(Clone, Copy, Debug)]
pub struct Extra<'a> {
    vendor: &'static str,
    map: &'a Map<String, Value>,
}

impl<'a> Extra<'a> {
    /// Read `map`; `vendor` names it in errors.
    pub fn new(vendor: &'static str, map: &'a Map<String, Value>) -> Self {
        Self { vendor, map }
    }

    /// A text.
    pub fn text(&self, key: &str) -> Result<Option<&'a str>, Failure> {
        self.get(key).map(|value| value.as_str().ok_or_else(|| self.wrong(key, "a text"))).transpose()
    }

    /// True or false.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, Failure> {
        self.get(key).map(|value| value.as_bool().ok_or_else(|| self.wrong(key, "true or false"))).transpose()
    }

    /// A number in a range.
    pub fn number(&self, key: &str, range: RangeInclusive<f64>) -> Result<Option<f64>, Failure> {
        let read = |value: &Value| {
            let expected = || format!("a number from {} to {}", range.start(), range.end());
            value.as_f64().filter(|n| range.contains(n)).ok_or_else(|| self.wrong(key, &expected()))
        };
        self.get(key).map(read).transpose()
    }

    /// A list of texts; empty when absent.
    pub fn texts(&self, key: &str) -> Result<Vec<&'a str>, Failure> {
        let expected = || self.wrong(key, "a list of at most 100 texts");
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let list = value.as_array().filter(|list| list.len() <= TEXTS_MAX).ok_or_else(expected)?;
        list.iter().map(|item| item.as_str().ok_or_else(expected)).collect()
    }

    /// Whether the operator gave an address of their own.
    pub fn has_base_url(&self) -> bool {
        self.get("base_url").is_some_and(|value| value.as_str() != Some(""))
    }

    /// `base_url`, or the vendor's own address. `http` and `ws` (`https` and `wss`) are taken for each other.
    pub fn base_url(&self, default: &str, transport: Transport) -> Result<Url, Failure> {
        let expected =
            || self.wrong("base_url", "an http, https, ws or wss address without credentials, query or #");
        let text = self.text("base_url")?.filter(|text| !text.is_empty()).unwrap_or(default);
        let mut url = Url::parse(text).map_err(|_| expected())?;
        let scheme = match (url.scheme(), transport) {
            ("http" | "ws", Transport::Http) => "http",
            ("https" | "wss", Transport::Http) => "https",
            ("http" | "ws", Transport::WebSocket) => "ws",
            ("https" | "wss", Transport::WebSocket) => "wss",
            _ => return Err(expected()),
        };
        let private = !url.username().is_empty() || url.password().is_some();
        if private || url.query().is_some() || url.fragment().is_some() || !url.has_host() {
            return Err(expected());
        }
        url.set_scheme(scheme).map_err(|()| expected())?;
        Ok(url)
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn wrong(&self, key: &str, expected: &str) -> Failure {
        Failure::new(FailureClass::Refused, format!("{}: extra.{key} must be {expected}", self.vendor))
    }
}

/// `base` with path segments added; each segment is escaped. A base that already ends with the first segments (an address
/// copied with its `/v1`) does not get them twice.
pub fn endpoint(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    let last =
        base.path_segments().and_then(|mut path| path.rfind(|part| !part.is_empty()).map(str::to_owned));
    let skip = segments.iter().position(|segment| last.as_deref() == Some(*segment)).map_or(0, |at| at + 1);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(&segments[skip..]);
    }
    url
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn wrong_types_are_named() {
        let map = map(json!({"n": "x", "f": 1, "t": 2, "l": ["a", 1], "none": null, "speed": 3}));
        let extra = Extra::new("acme", &map);
        let check = |failure: Failure, part: &str| {
            assert_eq!(failure.class, FailureClass::Refused);
            assert!(failure.detail.contains(part), "{}", failure.detail);
        };
        check(extra.number("n", 0.0..=1.0).unwrap_err(), "acme: extra.n must be a number from 0 to 1");
        check(extra.number("speed", 0.7..=1.2).unwrap_err(), "0.7 to 1.2");
        check(extra.flag("f").unwrap_err(), "extra.f must be true or false");
        check(extra.text("t").unwrap_err(), "extra.t must be a text");
        check(extra.texts("l").unwrap_err(), "extra.l must be a list");
        assert_eq!(extra.text("none").unwrap(), None);
    }

    #[test]
    fn a_base_url_changes_its_scheme_with_the_transport() {
        let check = |text: &str, transport, expected: Option<&str>| {
            let map = map(json!({ "base_url": text }));
            let read = Extra::new("acme", &map).base_url("https://acme.test", transport);
            assert_eq!(read.ok().map(|url| url.to_string()).as_deref(), expected, "{text}");
        };
        check("http://10.0.0.1:8080", Transport::WebSocket, Some("ws://10.0.0.1:8080/"));
        check("wss://a.test/x", Transport::Http, Some("https://a.test/x"));
        check("", Transport::WebSocket, Some("wss://acme.test/"));
        check("file:///etc/passwd", Transport::Http, None);
        check("https://user:pw@a.test", Transport::Http, None);
        check("https://a.test?x=1", Transport::Http, None);
        check("a.test", Transport::Http, None);
    }

    #[test]
    fn an_endpoint_is_appended_once() {
        let check = |base: &str, expected: &str| {
            let url = endpoint(&Url::parse(base).unwrap(), &["v1", "listen"]);
            assert_eq!(url.as_str(), expected, "{base}");
        };
        check("wss://a.test", "wss://a.test/v1/listen");
        check("wss://a.test/", "wss://a.test/v1/listen");
        check("wss://a.test/proxy", "wss://a.test/proxy/v1/listen");
        check("wss://a.test/v1/", "wss://a.test/v1/listen");
        check("wss://a.test/v1/listen", "wss://a.test/v1/listen");
        let odd = endpoint(&Url::parse("wss://a.test").unwrap(), &["../x?y"]);
        assert_eq!(odd.as_str(), "wss://a.test/..%2Fx%3Fy");
    }
}
