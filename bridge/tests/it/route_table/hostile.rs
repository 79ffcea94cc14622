//! Bodies that no route may fail at. What a route reads is taken from the document of the running program, so a new field is tried too.

use std::cell::Cell;

use reqwest::StatusCode;
use serde_json::{Map, Value, json};
use vox_bridge::routes::Route;
use vox_shared::model::bot::BotSettings;

use crate::harness::{TestBridge, json, result};

/// Fields in fields that are tried: `llm.fallbacks.0.model`.
const DEEPEST: usize = 3;
/// Of a body with more fields each gets one bad value by turns, not all of them: five routes take the settings of a bot.
const FEW: usize = 20;

/// Makes bodies by the document.
pub struct Hostile {
    document: Value,
    /// Which value the next field inside of another one gets.
    turn: Cell<usize>,
}

impl Hostile {
    pub async fn of(bridge: &TestBridge) -> Self {
        let document = json(bridge.get("/openapi.json").send().await.unwrap(), StatusCode::OK).await;
        Self { document, turn: Cell::default() }
    }

    /// What is sent to a route: what is no JSON or none that anybody reads, all of its fields with one value, and each of its fields with
    /// a bad value among others that are sound.
    pub fn bodies(&self, route: &Route) -> Vec<(String, Vec<u8>)> {
        let mut bodies = of_any_route();
        let Some(schema) = self.schema(route) else { return bodies };
        let fields = self.properties(&schema);
        let (names, spoilt) = if fields.is_empty() {
            let sound = sample(route.path);
            (sound.as_object().unwrap().keys().cloned().collect::<Vec<_>>(), self.spoilt_sample(&sound, 0))
        } else {
            (fields.into_iter().map(|(field, _)| field).collect(), self.spoilt(&schema, 0))
        };
        for (name, value) in values() {
            let all = names.iter().map(|field| (field.clone(), value.clone()));
            bodies.push((format!("all {name}"), text(&Value::Object(all.collect()))));
        }
        bodies.extend(spoilt.into_iter().map(|(name, body)| (name, text(&body))));
        bodies
    }

    /// Of the body that the document says the route takes.
    fn schema(&self, route: &Route) -> Option<Value> {
        let operation = &self.document["paths"][route.path][route.method.as_str().to_lowercase()];
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        (!schema.is_null()).then(|| self.resolved(schema))
    }

    fn resolved(&self, schema: &Value) -> Value {
        match schema["$ref"].as_str() {
            Some(name) => self.resolved(self.document.pointer(name.trim_start_matches('#')).expect(name)),
            None => schema.clone(),
        }
    }

    /// What a schema is made of, or one of what it may be.
    fn parts(&self, schema: &Value) -> Vec<Value> {
        let named = ["allOf", "oneOf", "anyOf"].into_iter().filter_map(|word| schema[word].as_array());
        let parts: Vec<Value> = named.flatten().map(|part| self.resolved(part)).collect();
        parts.into_iter().filter(|part| part["type"] != "null").collect()
    }

    fn properties(&self, schema: &Value) -> Vec<(String, Value)> {
        let own = schema["properties"].as_object().into_iter().flatten();
        let mut found: Vec<_> = own.map(|(name, of)| (name.clone(), self.resolved(of))).collect();
        found.extend(self.parts(schema).iter().flat_map(|part| self.properties(part)));
        found
    }

    /// Each field with a bad value, and the rest as it should be. Inside of fields one bad value each, by turns.
    fn spoilt(&self, schema: &Value, depth: usize) -> Vec<(String, Value)> {
        let base = self.sound(schema, depth);
        let mut bodies = Vec::new();
        for (field, of) in self.properties(schema) {
            let mut with = |name: String, value: Value| {
                let mut body = base.as_object().cloned().unwrap_or_default();
                body.insert(field.clone(), value);
                bodies.push((name, Value::Object(body)));
            };
            for (name, value) in self.some_values(depth) {
                with(format!("{field} {name}"), value);
            }
            if depth == DEEPEST {
                continue;
            }
            for (name, value) in self.spoilt(&of, depth + 1) {
                with(format!("{field}.{name}"), value);
            }
            if of["items"].is_object() {
                for (name, value) in self.spoilt(&self.resolved(&of["items"]), depth + 1) {
                    with(format!("{field}.0.{name}"), json!([value]));
                }
            }
        }
        bodies
    }

    /// The same of a body that the document calls an object and no more.
    fn spoilt_sample(&self, sound: &Value, depth: usize) -> Vec<(String, Value)> {
        let mut bodies = Vec::new();
        let inner: Vec<(String, &Value)> = match sound {
            Value::Object(fields) => fields.iter().map(|(field, of)| (field.clone(), of)).collect(),
            Value::Array(items) => items.iter().take(1).map(|of| ("0".to_owned(), of)).collect(),
            _ => Vec::new(),
        };
        let values_by_turns = usize::from(inner.len() > FEW);
        for (field, of) in inner {
            let with = |value: Value| {
                let mut body = sound.clone();
                match &mut body {
                    Value::Object(fields) => drop(fields.insert(field.clone(), value)),
                    other => other[0] = value,
                }
                body
            };
            let own = self.some_values(depth + values_by_turns).into_iter();
            bodies.extend(own.map(|(name, value)| (format!("{field} {name}"), with(value))));
            if depth < DEEPEST {
                let deeper = self.spoilt_sample(of, depth + 1).into_iter();
                bodies.extend(deeper.map(|(name, value)| (format!("{field}.{name}"), with(value))));
            }
        }
        bodies
    }

    fn some_values(&self, depth: usize) -> Vec<(&'static str, Value)> {
        let all = values();
        if depth == 0 {
            return all;
        }
        self.turn.set(self.turn.get() + 1);
        vec![all[self.turn.get() % all.len()].clone()]
    }

    /// The least that the schema asks for.
    fn sound(&self, schema: &Value, depth: usize) -> Value {
        let first = |list: &Value| list.as_array().and_then(|list| list.first()).cloned();
        if let Some(value) = first(&schema["enum"]).or_else(|| first(&schema["examples"])) {
            return value;
        }
        let mut fields = Map::new();
        let all = [schema.clone()].into_iter().chain(self.parts(schema));
        for required in all.flat_map(|part| part["required"].as_array().cloned().unwrap_or_default()) {
            let name = required.as_str().unwrap();
            let of = self.properties(schema).into_iter().find(|(field, _)| field == name);
            if let Some((field, of)) = of.filter(|_| depth <= DEEPEST) {
                fields.insert(field, self.sound(&of, depth + 1));
            }
        }
        let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
        match (kind, self.parts(schema).first()) {
            (Some("string"), _) if schema["format"] == "date-time" => json!("2026-11-20T10:00:00Z"),
            (Some("string"), _) => json!("sound"),
            (Some("integer" | "number"), _) => json!(1),
            (Some("boolean"), _) => json!(false),
            (Some("array"), _) => json!([]),
            (None, Some(part)) if fields.is_empty() => self.sound(part, depth),
            _ => Value::Object(fields),
        }
    }
}

/// A sound body where the document does not say its fields: its form is that of a type which more than the bridge reads.
fn sample(path: &str) -> Value {
    match path {
        "/api/v1/call-results" => golden(include_str!("../../../../shared/src/wire/result_v1.golden.json")),
        "/api/v1/config/{bot_id}" => {
            golden(include_str!("../../../../shared/src/wire/config_request_v1.golden.json"))
        }
        "/api/v1/fleet/workers" => json!({
            "worker_id": "w9", "host": "h9", "address": "http://127.0.0.1:9", "slots": 1, "calls": 0, "build": "t",
            "draining": false, "pid": 7
        }),
        "/api/v1/internal/calls/{session_id}/events" => {
            golden(include_str!("../../../../shared/src/wire/live_v1.golden.json"))
        }
        "/api/v1/internal/calls/{session_id}/permits" => json!({"name": "vendor:stt:deepgram:00"}),
        "/api/v1/internal/recordings/{key}/direct" | "/api/v1/internal/recordings/{key}/direct/complete" => {
            json!({
                "version": 1, "size_bytes": 6_000_000, "sha256": "0".repeat(64), "upload": "u", "parts": [{"number": 1, "etag": "e"}]
            })
        }
        path if path.starts_with("/api/v1/dialler/") => of_a_dialler(path),
        "/api/v1/livekit/webhook" => json!({
            "event": "participant_joined", "id": "EV_1", "createdAt": "1790000000", "room": {"sid": "RM_1", "name": "call-1"},
            "participant": {"sid": "PA_1", "identity": "sip_1", "kind": "SIP", "attributes": {"sip.ruleID": "SDR_1"}}
        }),
        "/api/v1/settings/api-keys" => json!({"openai": "sk-0123456789abcdef"}),
        path if path.ends_with("/publish") || path.ends_with("/restore") => json!({"note": "why"}),
        path if path.starts_with("/api/v1/bots") => {
            let mut settings = serde_json::to_value(BotSettings::default()).unwrap();
            settings["name"] = json!("Bot");
            settings
        }
        other => panic!("the document does not say the fields of {other}, and neither is there a sample"),
    }
}

fn of_a_dialler(path: &str) -> Value {
    let lease = json!({"campaign": "cmp_1", "partition": 0, "epoch": 1});
    let of_worker = |mut told: Value| {
        told["worker"] = json!("dialler-1");
        told
    };
    match path.rsplit('/').next().unwrap() {
        "candidates" => json!({"campaign": "cmp_1", "partitions": [0], "limit": 10}),
        "ticks" => of_worker(json!({"campaigns": [{
            "id": "cmp_1", "lines": 1, "ringing": 0, "limiting": {"factor": "list"}
        }]})),
        "claims" => {
            let mut claim = of_worker(lease);
            claim["contact"] = json!("con_1");
            claim
        }
        "recoveries" | "release" => of_worker(lease),
        "take" => of_worker(json!({"campaign": "cmp_1", "partition": 0, "seen": {"epoch": 1, "beat": 2}})),
        "renew" if path.contains("leases") => of_worker(json!({ "held": [lease] })),
        "renew" => json!({"attempts": ["con_1.1"]}),
        "live" => json!({"epoch": 1, "answered_at": "2026-11-20T10:00:00Z"}),
        "abort" => json!({"epoch": 1, "why": "drain", "detail": ""}),
        "result" => json!({
            "epoch": 1, "ending": "busy", "carrier": {"sip": 486}, "ring_ms": 1, "ended_at": "2026-11-20T10:00:00Z"
        }),
        "lost" => json!({"epoch": 1, "joined": "no"}),
        _ => json!({"epoch": 1}),
    }
}

fn golden(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn values() -> Vec<(&'static str, Value)> {
    vec![
        ("operator", json!({"$gt": ""})),
        ("null", Value::Null),
        ("number", json!(-1.5e300)),
        ("text", json!("\u{0}\u{202e}' OR 1=1 --")),
        ("list", json!([[], {}, null])),
        ("nothing", json!("")),
        ("most", json!(u64::MAX)),
        ("below", json!(-1)),
    ]
}

fn text(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}

fn of_any_route() -> Vec<(String, Vec<u8>)> {
    let deep =
        |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000)).into_bytes();
    let named = vec![
        ("empty", Vec::new()),
        ("null", b"null".to_vec()),
        ("list", b"[]".to_vec()),
        ("text", b"\"x\"".to_vec()),
        ("number", b"1e999".to_vec()),
        ("cut off", b"{\"a\":".to_vec()),
        ("trailing", b"{} {}".to_vec()),
        ("bad utf-8", b"{\"name\":\"\xff\xfe\"}".to_vec()),
        ("lone surrogate", br#"{"name":"\ud800"}"#.to_vec()),
        ("nul", b"{\"name\":\"\\u0000\"}".to_vec()),
        ("deep list", deep("[", "]")),
        ("deep object", deep("{\"a\":", "}")),
        ("operator", br#"{"$gt":""}"#.to_vec()),
        ("of another route", text(&result("call_x", "bot"))),
        ("oversized", format!("{{\"name\":\"{}\"}}", "x".repeat(10_000_000)).into_bytes()),
    ];
    named.into_iter().map(|(name, body)| (name.to_owned(), body)).collect()
}
