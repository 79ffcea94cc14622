//! Trunks and dispatch rules as they are kept by whoever asks for them. Calls go over the trunks of the carrier's own settings; one that is
//! made over the API leads to the same carrier.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::settings::{Limits, Trunk};
use super::twirp::Fault;

/// What is kept: inbound trunks, outbound trunks and rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Inbound,
    Outbound,
    Rule,
}

impl Kind {
    /// The field that holds its id, and the one in which one comes that is made.
    fn fields(self) -> (&'static str, &'static str) {
        match self {
            Self::Inbound | Self::Outbound => ("sip_trunk_id", "trunk"),
            Self::Rule => ("sip_dispatch_rule_id", "dispatch_rule"),
        }
    }

    fn prefix(self) -> &'static str {
        if self == Self::Rule { "SDR_" } else { "ST_" }
    }
}

/// All of them, by id.
#[derive(Debug, Default)]
pub(super) struct Trunks(BTreeMap<(Kind, String), Map<String, Value>>);

impl Trunks {
    /// With those of the settings.
    pub(super) fn of(trunks: &[Trunk]) -> Self {
        let mut all = Self::default();
        for trunk in trunks {
            let kept = json!({
                "sip_trunk_id": trunk.id, "name": trunk.name, "metadata": "", "address": "carrier.invalid",
                "numbers": trunk.numbers,
            });
            if let Value::Object(kept) = kept {
                all.0.insert((Kind::Outbound, trunk.id.clone()), kept);
            }
        }
        all
    }

    /// An outbound trunk that was made over the API.
    pub(super) fn outbound(&self, id: &str, limits: Limits) -> Option<Trunk> {
        let kept = self.0.get(&(Kind::Outbound, id.to_owned()))?;
        let numbers = kept.get("numbers").and_then(Value::as_array).into_iter().flatten();
        let numbers = numbers.filter_map(Value::as_str).map(str::to_owned).collect();
        let name = kept.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Trunk { id: id.to_owned(), name, numbers, limits })
    }

    pub(super) fn create(&mut self, kind: Kind, body: &Value, id: String) -> Result<Value, Fault> {
        let (name, inside) = kind.fields();
        let mut kept = object(&body[inside], inside)?;
        let id = id.replacen("ST_", kind.prefix(), 1);
        if kind == Kind::Outbound && kept.get("numbers").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            return Err(Fault::invalid("no trunk numbers specified"));
        }
        kept.insert(name.to_owned(), id.clone().into());
        Ok(self.keep(kind, id, kept))
    }

    pub(super) fn replace(&mut self, kind: Kind, body: &Value) -> Result<Value, Fault> {
        let (name, _) = kind.fields();
        let id = text(body, name)?;
        if !self.0.contains_key(&(kind, id.clone())) {
            return Err(Fault::not_found());
        }
        let mut kept = object(&body["replace"], "replace")?;
        kept.insert(name.to_owned(), id.clone().into());
        Ok(self.keep(kind, id, kept))
    }

    fn keep(&mut self, kind: Kind, id: String, kept: Map<String, Value>) -> Value {
        let answer = shown(&kept);
        self.0.insert((kind, id), kept);
        answer
    }

    /// A trunk of either kind goes by one method.
    pub(super) fn delete(&mut self, kinds: &[Kind], body: &Value) -> Result<Value, Fault> {
        let (name, _) = kinds[0].fields();
        let id = text(body, name)?;
        let gone = kinds.iter().find_map(|kind| self.0.remove(&(*kind, id.clone())));
        gone.map(|kept| shown(&kept)).ok_or_else(Fault::not_found)
    }

    /// A page, in the order of their ids.
    pub(super) fn list(&self, kind: Kind, body: &Value) -> Value {
        let after = body["page"]["after_id"].as_str().unwrap_or_default();
        let limit = body["page"]["limit"].as_u64().and_then(|limit| usize::try_from(limit).ok());
        let of_kind = self.0.iter().filter(|((of, id), _)| *of == kind && id.as_str() > after);
        let items: Vec<Value> =
            of_kind.map(|(_, kept)| shown(kept)).take(limit.unwrap_or(usize::MAX)).collect();
        json!({"items": items})
    }
}

/// Without what opens a trunk.
fn shown(kept: &Map<String, Value>) -> Value {
    let mut shown = kept.clone();
    shown.remove("auth_password");
    Value::Object(shown)
}

fn object(value: &Value, name: &str) -> Result<Map<String, Value>, Fault> {
    value.as_object().cloned().ok_or_else(|| Fault::invalid(format!("missing {name}")))
}

fn text(body: &Value, name: &str) -> Result<String, Fault> {
    let text = body[name].as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| Fault::invalid(format!("missing {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trunks_are_kept_listed_by_pages_and_taken_away() {
        let mut trunks = Trunks::of(&[Trunk::default()]);
        let body = json!({"trunk": {"name": "out", "numbers": ["+15550199"], "auth_password": "x"}});
        let made = trunks.create(Kind::Outbound, &body, "ST_zz".into()).unwrap();
        assert_eq!((&made["sip_trunk_id"], &made["auth_password"]), (&json!("ST_zz"), &Value::Null));
        let page =
            |after: &str| trunks.list(Kind::Outbound, &json!({"page": {"after_id": after, "limit": 1}}));
        assert_eq!(page("")["items"][0]["sip_trunk_id"], "ST_simulated");
        assert_eq!(page("ST_simulated")["items"], json!([made]));
        assert_eq!(page("ST_zz")["items"], json!([]));
        assert_eq!(trunks.outbound("ST_zz", Limits::default()).unwrap().numbers, ["+15550199"]);
        let rule = trunks.create(Kind::Rule, &json!({"dispatch_rule": {}}), "ST_1".into()).unwrap();
        assert_eq!(rule["sip_dispatch_rule_id"], "SDR_1");
        let gone = json!({"sip_trunk_id": "ST_zz"});
        let kinds = [Kind::Inbound, Kind::Outbound];
        assert!(trunks.delete(&kinds, &gone).is_ok());
        assert_eq!(trunks.delete(&kinds, &gone).unwrap_err().code, "not_found");
        assert_eq!(
            trunks.create(Kind::Outbound, &json!({"trunk": {}}), "ST_2".into()).unwrap_err().code,
            "invalid_argument"
        );
    }
}
