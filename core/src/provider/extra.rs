//! Reading a vendor's settings by its row of the catalogue. A wrong one is refused with its name: a bot that silently ignores a
//! setting is harder to mend than one that says what is wrong.

use serde_json::{Map, Value};
use url::Url;
pub use vox_egress::chat::endpoint;
use vox_shared::catalogue::Vendor;
use vox_shared::model::bot::ApiKey;

use super::{Failure, FailureClass};

/// What a vendor's address is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Http,
    WebSocket,
}

/// The `extra` settings of one vendor, which were found to have their forms; null counts as absent.
#[derive(Clone, Copy, Debug)]
pub struct Extra<'a> {
    vendor: &'static Vendor,
    map: &'a Map<String, Value>,
}

impl<'a> Extra<'a> {
    /// Check and read `map`. Settings that the vendor does not have are left alone: they may be another vendor's.
    ///
    /// # Errors
    /// `Refused`, with the name of the first setting that has not its form.
    pub fn new(vendor: &'static Vendor, map: &'a Map<String, Value>) -> Result<Self, Failure> {
        match vendor.setting_faults(map).first() {
            Some(fault) => Err(refused(vendor, &format!("{} {}", fault.field, fault.message))),
            None => Ok(Self { vendor, map }),
        }
    }

    /// A key without the spaces or the line feed that were copied with it.
    ///
    /// # Errors
    /// `Unauthorised` where there must be one and is none.
    pub fn key(&self, key: &ApiKey) -> Result<ApiKey, Failure> {
        match self.vendor.key_fault(key.expose(), self.map) {
            Some(fault) => Err(Failure::new(FailureClass::Unauthorised, fault)),
            None => Ok(ApiKey::new(key.expose().trim())),
        }
    }

    /// A text.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.get(key)?.as_str()
    }

    /// True or false.
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.get(key)?.as_bool()
    }

    /// A number.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.get(key)?.as_f64()
    }

    /// A list of texts; empty when absent.
    pub fn texts(&self, key: &str) -> Vec<&'a str> {
        let list = self.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(Value::as_str).collect()
    }

    /// A timer in milliseconds: `None` where the operator switched it off with `false` or 0.
    pub fn timer(&self, key: &str, default_ms: u64) -> Option<u64> {
        match self.get(key) {
            None | Some(Value::Bool(true)) => Some(default_ms),
            Some(value) => value.as_u64().filter(|ms| *ms > 0),
        }
    }

    /// `base_url`, or the vendor's own address. `http` and `ws` (`https` and `wss`) are taken for each other.
    pub fn base_url(&self, transport: Transport) -> Url {
        let text =
            self.text("base_url").map(str::trim).filter(|text| !text.is_empty()).unwrap_or(self.vendor.home);
        let mut url = Url::parse(text).expect("the catalogue lets only addresses through");
        let is_tls = matches!(url.scheme(), "https" | "wss");
        let scheme = match (transport, is_tls) {
            (Transport::Http, false) => "http",
            (Transport::Http, true) => "https",
            (Transport::WebSocket, false) => "ws",
            (Transport::WebSocket, true) => "wss",
        };
        url.set_scheme(scheme).expect("all four schemes are of one kind");
        url
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        debug_assert!(self.vendor.setting(key).is_some(), "{key} is not in the catalogue");
        self.map.get(key).filter(|value| !value.is_null())
    }
}

/// A voice or language that the vendor has not.
///
/// # Errors
/// `Refused`, with the reason that is given.
pub fn check(vendor: &Vendor, fault: Option<String>) -> Result<(), Failure> {
    fault.map_or(Ok(()), |fault| Err(refused(vendor, &fault)))
}

fn refused(vendor: &Vendor, what: &str) -> Failure {
    Failure::new(FailureClass::Refused, format!("{}: {what}", vendor.name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vox_shared::catalogue::{DEEPGRAM, ELEVENLABS, OPENAI};

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let check = |vendor, value: Value, detail: &str| {
            let failure = Extra::new(vendor, &map(value)).unwrap_err();
            assert_eq!((failure.class, failure.detail.as_str()), (FailureClass::Refused, detail));
        };
        check(&ELEVENLABS, json!({"speed": 3}), "elevenlabs: extra.speed must be a number from 0.7 to 1.2");
        check(&DEEPGRAM, json!({"numerals": 1}), "deepgram: extra.numerals must be true or false");
        assert!(Extra::new(&DEEPGRAM, &map(json!({"numerals": null, "speed": "left over"}))).is_ok());
    }

    #[test]
    fn timers_can_be_switched_off() {
        let check = |value: Value, expected| {
            let map = map(json!({ "endpointing": value }));
            assert_eq!(Extra::new(&DEEPGRAM, &map).unwrap().timer("endpointing", 300), expected, "{map:?}");
        };
        check(Value::Null, Some(300));
        check(json!(true), Some(300));
        check(json!(500), Some(500));
        check(json!(false), None);
        check(json!(0), None);
    }

    #[test]
    fn a_key_loses_what_was_copied_with_it() {
        let (none, own) = (map(json!({})), map(json!({"base_url": "http://h"})));
        let key = |vendor, map, key: &str| Extra::new(vendor, map).unwrap().key(&ApiKey::new(key));
        assert_eq!(key(&OPENAI, &none, " k1\n").unwrap().expose(), "k1");
        assert_eq!(key(&OPENAI, &none, " \n").unwrap_err().class, FailureClass::Unauthorised);
        assert!(key(&OPENAI, &own, "").is_ok());
        assert!(key(&ELEVENLABS, &own, "").is_err());
    }

    #[test]
    fn a_base_url_changes_its_scheme_with_the_transport() {
        let check = |text: &str, transport, expected: Option<&str>| {
            let map = map(json!({ "base_url": text }));
            let read = Extra::new(&DEEPGRAM, &map).map(|extra| extra.base_url(transport));
            assert_eq!(read.ok().map(|url| url.to_string()).as_deref(), expected, "{text}");
        };
        check("http://10.0.0.1:8080", Transport::WebSocket, Some("ws://10.0.0.1:8080/"));
        check(" wss://a.test/x\n", Transport::Http, Some("https://a.test/x"));
        check("", Transport::WebSocket, Some("wss://api.deepgram.com/"));
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
