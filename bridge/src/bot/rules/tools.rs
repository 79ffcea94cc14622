//! The rules of tools: what a model may call is named as models name things, has a schema that the worker holds it to, and an
//! address of which a call's values can change nothing but path and query.

use reqwest::header::{HeaderName, HeaderValue};
use serde_json::Value;
use vox_shared::model::bot::tool::fill::{tokens, with_tokens_as};
use vox_shared::model::bot::tool::{BUILT_IN, TIMEOUT_SECS, arguments};
use vox_shared::model::bot::{BotSettings, HttpTool, Tool, ToolHeader};

use super::{Faults, MAX_PHRASE_BYTES};

const MAX_TOOLS: usize = 16;
/// Longest name, as vendors take it.
const MAX_NAME: usize = 64;
/// Largest schema of arguments: it is part of every request to the model.
const MAX_SCHEMA_BYTES: usize = 16 * 1024;
pub(super) const MAX_URL_BYTES: usize = 2_048;
/// Largest body before its values.
const MAX_BODY_BYTES: usize = 64 * 1024;
const MAX_HEADERS: usize = 20;
const MAX_HEADER_BYTES: usize = 4_096;
/// Headers that the worker sets itself.
const OURS: [&str; 6] =
    ["host", "content-length", "transfer-encoding", "connection", "content-type", "idempotency-key"];
/// Variables of templates that a tool may use; others are known only after the call.
const NAMESPACES: [&str; 3] = ["call", "crm", "system"];
/// The built-in tool of the contract that is not built yet.
const TO_COME: [&str; 1] = ["search_knowledge"];
/// What to do without it.
const NO_KNOWLEDGE: &str = "searches a knowledge base, and a bot of this version can have none: write what it must know into its prompt, or \
                            give it a tool of your own (`http`) or a server of tools (`mcp_servers`) that searches yours";

pub(super) fn check(settings: &BotSettings, faults: &mut Faults) {
    let tools = &settings.tools;
    faults.count("tools", tools.len(), MAX_TOOLS);
    for (place, tool) in tools.iter().take(MAX_TOOLS).enumerate() {
        let path = format!("tools.{place}");
        check_name(&format!("{path}.name"), tool, faults);
        let twice = tools[..place].iter().any(|t| t.name == tool.name);
        faults.unless(!twice, &format!("{path}.name"), || "this tool is there already".into());
        faults.text(&format!("{path}.description"), &tool.description, MAX_PHRASE_BYTES);
        faults.text(&format!("{path}.parameters"), &tool.parameters.to_string(), MAX_SCHEMA_BYTES);
        if let Some(http) = &tool.http {
            let of_server = settings.mcp_servers.iter().any(|server| tool.name.starts_with(&server.prefix()));
            faults.unless(!of_server, &format!("{path}.name"), || {
                "begins like the tools of one of the mcp_servers; choose another".into()
            });
            faults.unless(!tool.description.trim().is_empty(), &format!("{path}.description"), || {
                "say what the tool does and when to use it: the model knows nothing else of it".into()
            });
            for (at, why) in arguments::faults_of_schema(&tool.parameters) {
                let at = if at.is_empty() { String::new() } else { format!(".{at}") };
                faults.add(&format!("{path}.parameters{at}"), why);
            }
            Checked { tool, http, settings, path: format!("{path}.http") }.check(faults);
        }
    }
}

fn check_name(path: &str, tool: &Tool, faults: &mut Faults) {
    let name = tool.name.as_str();
    if tool.http.is_none() {
        return faults.unless(BUILT_IN.contains(&name), path, || {
            let known = format!("the built-in tools of this version are {}", BUILT_IN.join(", "));
            match TO_COME.contains(&name) {
                true => format!("'{name}' {NO_KNOWLEDGE}; {known}"),
                false => format!("{known}; a tool of your own needs `http`"),
            }
        });
    }
    let is_plain = (1..=MAX_NAME).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    faults.unless(is_plain, path, || format!("1 to {MAX_NAME} letters, digits, _ and -: find_order"));
    let is_taken = BUILT_IN.contains(&name) || TO_COME.contains(&name);
    faults.unless(!is_taken, path, || "is the name of a built-in tool; choose another".into());
}

/// A tool with a request, while it is looked at.
struct Checked<'a> {
    tool: &'a Tool,
    http: &'a HttpTool,
    settings: &'a BotSettings,
    path: String,
}

impl Checked<'_> {
    fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    fn check(&self, faults: &mut Faults) {
        if let Some(why) = fault_of_url(&self.http.url) {
            faults.add(&self.at("url"), why);
        } else {
            self.check_tokens(faults);
        }
        self.check_body(faults);
        check_headers(&self.at("headers"), &self.http.headers, &OURS, faults);
        check_timeout(&self.at("timeout_secs"), self.http.timeout_secs, faults);
        faults.text(&self.at("filler"), &self.http.filler, MAX_PHRASE_BYTES);
    }

    /// Each name is an argument or a variable, and each argument goes somewhere.
    fn check_tokens(&self, faults: &mut Faults) {
        let in_url = tokens(&self.http.url).unwrap_or_default();
        for name in &in_url {
            self.check_token(&self.at("url"), name, faults);
            if let Some(why) = self.schema_of(name).and_then(fault_in_address) {
                faults.add(&self.at("url"), format!("'{name}' {why}"));
            }
        }
        if self.http.body.is_none() && !self.http.method.has_body() {
            for name in arguments::names(&self.tool.parameters).filter(|name| !in_url.contains(name)) {
                let method = self.http.method.as_str();
                faults.add(&self.at("url"), format!("the argument '{name}' is sent nowhere: {method} has no body, so write it into the address as {{{{{name}}}}}"));
            }
        }
    }

    fn check_token(&self, path: &str, name: &str, faults: &mut Faults) {
        let is_variable = name.split_once('.').is_some_and(|(space, _)| NAMESPACES.contains(&space))
            || self.settings.variables.contains_key(name);
        faults.unless(is_variable || self.schema_of(name).is_some(), path, || {
            format!("'{name}' is no argument of the tool, no variable of the bot, and not below call, crm or system")
        });
    }

    fn schema_of(&self, name: &str) -> Option<&Value> {
        self.tool.parameters.get("properties")?.get(name)
    }

    fn check_body(&self, faults: &mut Faults) {
        let Some(body) = &self.http.body else { return };
        faults.text(&self.at("body"), &body.to_string(), MAX_BODY_BYTES);
        each_text(body, &mut |text| match tokens(text) {
            Some(names) => names.iter().for_each(|name| self.check_token(&self.at("body"), name, faults)),
            None => faults.add(&self.at("body"), "has {{ without }}, or the other way round"),
        });
    }
}

fn each_text(value: &Value, see: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(list) => list.iter().for_each(|value| each_text(value, see)),
        Value::Object(map) => map.values().for_each(|value| each_text(value, see)),
        _ => {}
    }
}

/// Only what is written as one word can be a part of an address.
fn fault_in_address(schema: &Value) -> Option<&'static str> {
    let nested = |name: &Value| matches!(name.as_str(), Some("object" | "array"));
    let types = schema.get("type")?;
    let is_nested = nested(types) || types.as_array().is_some_and(|list| list.iter().any(nested));
    is_nested.then_some("may be a list or an object, which is no part of an address; send it in the body")
}

fn fault_of_url(url: &str) -> Option<String> {
    if url.len() > MAX_URL_BYTES {
        return Some(format!("at most {MAX_URL_BYTES} bytes"));
    }
    if tokens(url).is_none() {
        return Some("has {{ without }}, or the other way round".into());
    }
    let (Ok(one), Ok(other)) = (with_tokens_as(url, "x"), with_tokens_as(url, "y")) else {
        return Some("must be an address, like https://shop.example.com/orders/{{id}}".into());
    };
    if !matches!(one.scheme(), "http" | "https") {
        return Some("must begin with https:// or http://".into());
    }
    if !one.username().is_empty() || one.password().is_some() {
        return Some("must not hold a user name or a password; use a header with a secret".into());
    }
    if one.origin() != other.origin()
        || one.username() != other.username()
        || one.password() != other.password()
    {
        return Some("{{…}} may stand only behind the host".into());
    }
    if one.fragment().is_some() {
        return Some("must not have a part behind #: it is never sent".into());
    }
    None
}

/// The time that a server has.
pub(super) fn check_timeout(path: &str, secs: f32, faults: &mut Faults) {
    let (least, most) = (f64::from(*TIMEOUT_SECS.start()), f64::from(*TIMEOUT_SECS.end()));
    faults.range(path, secs.into(), least..=most);
}

/// The headers of a request, of which those named in `ours` are the worker's to set.
pub(super) fn check_headers(path: &str, headers: &[ToolHeader], ours: &[&str], faults: &mut Faults) {
    faults.count(path, headers.len(), MAX_HEADERS);
    for (n, header) in headers.iter().take(MAX_HEADERS).enumerate() {
        let path = format!("{path}.{n}");
        check_header(&path, header, ours, faults);
        let same = |other: &ToolHeader| other.name.eq_ignore_ascii_case(&header.name);
        let twice = headers[..n].iter().any(same);
        faults.unless(!twice, &format!("{path}.name"), || "is named twice".into());
    }
}

fn check_header(path: &str, header: &ToolHeader, ours: &[&str], faults: &mut Faults) {
    let name = HeaderName::from_bytes(header.name.as_bytes());
    let fault = match &name {
        Err(_) => Some("is no name of a header".to_owned()),
        Ok(_) if header.name.len() > 128 => Some("at most 128 bytes".into()),
        Ok(name) if ours.contains(&name.as_str()) => Some("is set by the worker; leave it out".into()),
        Ok(_) => None,
    };
    if let Some(fault) = fault {
        faults.add(&format!("{path}.name"), fault);
    }
    let (is_plain, is_secret) = (!header.value.is_empty(), !header.secret.is_empty());
    faults.unless(is_plain != is_secret, path, || match is_plain {
        true => "has a value and a secret; give one of them".into(),
        false => "needs a value, or a secret where it is a key".into(),
    });
    let at = format!("{path}.secret");
    let is_masked = faults.masked(&at, &header.secret);
    for (at, value) in [(format!("{path}.value"), header.value.as_str()), (at, header.secret.expose())] {
        let is_told = is_masked && at.ends_with("secret");
        let good = value.len() <= MAX_HEADER_BYTES && HeaderValue::from_str(value).is_ok();
        faults
            .unless(good || is_told, &at, || format!("at most {MAX_HEADER_BYTES} bytes without line breaks"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tool(http: Value) -> Value {
        json!({
            "name": "find_order", "description": "Finds an order.",
            "parameters": {"type": "object", "required": ["id"], "properties": {
                "id": {"type": "string"}, "lines": {"type": "array"}}},
            "http": http,
        })
    }

    fn check_tool(tool: Value, expected: &[&str]) {
        let given = json!({"tools": [tool], "variables": {"shop": "berlin"}});
        let settings: BotSettings = serde_json::from_value(given).unwrap();
        let mut faults = Faults::default();
        check(&settings, &mut faults);
        let paths: Vec<String> =
            faults.0.iter().map(|f| f.path.strip_prefix("tools.0.").unwrap_or(&f.path).to_owned()).collect();
        assert_eq!(paths, expected, "{tool}: {:?}", faults.0);
    }

    fn check_http(http: Value, expected: &[&str]) {
        check_tool(tool(http), expected);
    }

    #[test]
    fn a_tool_is_told_by_the_names_of_its_fields() {
        let url = "https://shop.test/{{shop}}/orders/{{id}}?caller={{call.caller_id}}";
        check_http(json!({"url": url}), &[]);
        check_http(json!({"method": "GET", "url": url}), &["http.url"]);
        check_http(json!({"method": "GET", "url": url, "body": {"lines": "{{lines}}"}}), &[]);
        check_http(json!({"url": "https://shop.test/{{lines}}"}), &["http.url"]);
        check_http(json!({"url": "https://shop.test/{{result.disposition}}"}), &["http.url"]);
        for bad in [
            "",
            "shop.test/x",
            "ftp://shop.test/",
            "https://{{id}}.test/",
            "https://a:b@shop.test/",
            "https://shop.test/#{{id}}",
            "https://shop.test/{{id",
            "https://shop.test:{{id}}/",
            "{{id}}",
        ] {
            check_http(json!({"url": bad}), &["http.url"]);
        }
        check_http(
            json!({"url": url, "timeout_secs": 16, "body": ["{{who}}", "{{"]}),
            &["http.body", "http.body", "http.timeout_secs"],
        );
    }

    #[test]
    fn headers_have_a_value_or_a_secret_and_a_mask_is_none() {
        let with = |header: Value| json!({"url": "https://shop.test/", "headers": [header]});
        check_http(with(json!({"name": "x-shop", "value": "berlin"})), &[]);
        check_http(with(json!({"name": "Authorization", "secret": "Bearer k-0123456789"})), &[]);
        check_http(with(json!({"name": "Authorization"})), &["http.headers.0"]);
        check_http(with(json!({"name": "a", "value": "b", "secret": "c"})), &["http.headers.0"]);
        check_http(with(json!({"name": "a", "secret": "Bear…6789"})), &["http.headers.0.secret"]);
        check_http(with(json!({"name": "a b", "value": "c"})), &["http.headers.0.name"]);
        check_http(with(json!({"name": "Host", "value": "c"})), &["http.headers.0.name"]);
        check_http(with(json!({"name": "a", "value": "b\r\nc: d"})), &["http.headers.0.value"]);
        check_http(with(json!({"name": "a", "secret": "b\r\nc: d"})), &["http.headers.0.secret"]);
    }

    #[test]
    fn names_are_those_that_models_can_call() {
        let named = |name: &str| {
            let mut tool = tool(json!({"url": "https://shop.test/"}));
            tool["name"] = name.into();
            tool
        };
        check_tool(named("find_order"), &[]);
        for bad in ["", "find order", "end_call", "send_dtmf", "search_knowledge", "größe"] {
            check_tool(named(bad), &["name"]);
        }
        check_tool(json!({"name": "find_order"}), &["name"]);
        check_tool(json!({"name": "transfer_call"}), &[]);
        check_tool(json!({"name": "send_dtmf"}), &[]);
        check_tool(json!({"name": "search_knowledge"}), &["name"]);
        let mut silent = tool(json!({"url": "https://shop.test/"}));
        silent["description"] = " ".into();
        check_tool(silent, &["description"]);
        let mut odd = tool(json!({"url": "https://shop.test/"}));
        odd["parameters"] = json!({"type": "object", "properties": {"id": {"pattern": "^a"}}});
        check_tool(odd, &["parameters.properties.id.pattern"]);
    }
}
