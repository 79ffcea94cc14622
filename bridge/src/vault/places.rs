//! Where documents hold secrets. A collection that gets one has a row here, and nothing else to do.

use serde_json::{Map, Value};

use crate::store::engine::Collection;

/// The secrets of a collection.
#[derive(Debug)]
pub struct Secrets {
    /// Its name.
    pub collection: &'static str,
    /// The first schema whose documents have them sealed; those of older ones are sealed when they are brought up to date.
    pub since: u32,
    /// The names that a secret's path ends with, wherever in the body that is; `*` is any one.
    pub places: &'static [&'static str],
}

/// A header of a bot's tool.
const TOOL_SECRET: &str = "http.headers.*.secret";
/// A header of a server of tools.
const MCP_SECRET: &str = "mcp_servers.*.headers.*.secret";
/// A bot's account with a carrier.
const CARRIER_SECRET: &str = "carriers.*.secret";
/// All that a bot's settings hold.
const OF_BOT: &[&str] = &["api_key", "line_access.token", TOOL_SECRET, MCP_SECRET, CARRIER_SECRET];

/// Every collection with secrets.
pub const SECRETS: &[Secrets] = &[
    Secrets { collection: "bots", since: 2, places: OF_BOT },
    Secrets { collection: "bot_versions", since: 1, places: OF_BOT },
    Secrets { collection: "settings", since: 1, places: &["api_key", "erasure_key"] },
    Secrets { collection: "erasures", since: 1, places: &["number"] },
    Secrets { collection: "carriers", since: 1, places: &["inbound_password", "outbound_password"] },
    Secrets { collection: "exotel_accounts", since: 1, places: &["api_key", "api_token"] },
    Secrets { collection: "webhooks", since: 1, places: &["secret"] },
    Secrets { collection: "crm_integrations", since: 1, places: &["header_value"] },
    Secrets { collection: "sign_in_providers", since: 1, places: &["client_secret"] },
    Secrets { collection: "users", since: 1, places: &["second_factor.secret"] },
    Secrets { collection: "voices", since: 1, places: &["api_key", "consent.statement", "consent.given_by"] },
];

/// A value's way from the top of the body.
#[derive(Clone, Copy)]
struct Way<'a> {
    before: Option<&'a Way<'a>>,
    name: &'a str,
}

impl Secrets {
    /// Those of a collection, if it has any.
    pub fn of(collection: &Collection) -> Option<&'static Self> {
        SECRETS.iter().find(|secrets| secrets.collection == collection.name)
    }

    /// Everything that stands in one of the places, with its path.
    pub fn visit(&self, body: &mut Map<String, Value>, see: &mut dyn FnMut(Vec<String>, &mut Value)) {
        self.visit_object(body, None, see);
    }

    fn visit_object(
        &self,
        object: &mut Map<String, Value>,
        before: Option<&Way<'_>>,
        see: &mut dyn FnMut(Vec<String>, &mut Value),
    ) {
        for (name, value) in object {
            let way = Way { before, name };
            if self.places.iter().any(|place| way.ends_with(place)) {
                see(way.path(), value);
            } else {
                self.visit_inside(value, way, see);
            }
        }
    }

    fn visit_inside(&self, value: &mut Value, way: Way<'_>, see: &mut dyn FnMut(Vec<String>, &mut Value)) {
        match value {
            Value::Object(object) => self.visit_object(object, Some(&way), see),
            Value::Array(list) => {
                for (place, value) in list.iter_mut().enumerate() {
                    let name = place.to_string();
                    self.visit_inside(value, Way { before: Some(&way), name: &name }, see);
                }
            }
            _ => {}
        }
    }
}

impl Way<'_> {
    fn ends_with(&self, place: &str) -> bool {
        let mut way = Some(self);
        place.rsplit('.').all(|name| {
            let here = way;
            way = here.and_then(|here| here.before);
            here.is_some_and(|here| name == "*" || here.name == name)
        })
    }

    fn path(&self) -> Vec<String> {
        let mut names = self.before.map(Way::path).unwrap_or_default();
        names.push(self.name.to_owned());
        names
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_found_at_every_depth_and_nothing_else_is() {
        let mut body = json!({
            "settings": {
                "stt": {"api_key": "a", "fallbacks": [{"api_key": "b", "fallbacks": [{"api_key": "c"}]}]},
                "line_access": {"token": "d", "addresses": ["x"]}, "token": "no", "name": "api_key",
                "carriers": {"twilio": {"account": "x", "secret": "h"}},
                "mcp_servers": [{"name": "crm", "headers": [{"secret": "i", "name": "j"}], "secret": "no"}],
                "tools": [{"http": {"headers": [{"secret": "f", "name": "g"}], "secret": "no"}}], "secret": "no"
            },
            "draft": {"line_access": {"token": "e"}}
        });
        let mut found = Vec::new();
        SECRETS[0].visit(body.as_object_mut().unwrap(), &mut |path, value| {
            found.push(format!("{}={}", path.join("."), value.as_str().unwrap()));
        });
        found.sort();
        assert_eq!(
            found,
            [
                "draft.line_access.token=e",
                "settings.carriers.twilio.secret=h",
                "settings.line_access.token=d",
                "settings.mcp_servers.0.headers.0.secret=i",
                "settings.stt.api_key=a",
                "settings.stt.fallbacks.0.api_key=b",
                "settings.stt.fallbacks.0.fallbacks.0.api_key=c",
                "settings.tools.0.http.headers.0.secret=f",
            ]
        );
    }
}
