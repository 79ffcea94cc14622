//! The bot's tools as one call has them: the variables of its templates are filled in here, the arguments of its model by the worker.

use std::collections::BTreeSet;

use serde_json::Value;
use vox_shared::model::bot::tool::arguments;
use vox_shared::model::bot::tool::fill::{percent_encoded, replaced, shape};
use vox_shared::model::bot::{HttpTool, McpServer, Tool};

use crate::bot::template::Variables;

/// The tools with the values of a call in their addresses and bodies. Names of fillers without a value go to `unknown`. A tool whose
/// address would lead elsewhere by a value, such as `..` or nothing for a part of its path, is not this call's: `tools.NAME.url` goes
/// to `unknown`. (The worker compares the model's arguments with the address that it gets.)
pub fn of_call(tools: Vec<Tool>, variables: &Variables, unknown: &mut BTreeSet<String>) -> Vec<Tool> {
    let filled = tools.into_iter().filter_map(|tool| {
        let Tool { name, description, parameters, http } = tool;
        let own: BTreeSet<String> = arguments::names(&parameters).map(str::to_owned).collect();
        let Some(http) = http else { return Some(Tool { name, description, parameters, http: None }) };
        let template = http.url.clone();
        let http = fill(http, &own, variables, unknown);
        if !matches!((shape(&template), shape(&http.url)), (Ok(one), Ok(other)) if one == other) {
            tracing::warn!(tool = %name, "a value of this call would lead a tool elsewhere: the call is without it");
            unknown.insert(format!("tools.{name}.url"));
            return None;
        }
        Some(Tool { name, description, parameters, http: Some(http) })
    });
    filled.collect()
}

/// Servers of tools with the values of a call in what is said while one takes its time.
pub fn servers_of_call(
    servers: Vec<McpServer>,
    variables: &Variables,
    unknown: &mut BTreeSet<String>,
) -> Vec<McpServer> {
    let filled = servers.into_iter().map(|server| {
        let filler = variables.phrase(&server.filler, unknown);
        McpServer { filler, ..server }
    });
    filled.collect()
}

fn fill(
    http: HttpTool,
    arguments: &BTreeSet<String>,
    variables: &Variables,
    unknown: &mut BTreeSet<String>,
) -> HttpTool {
    let value = |name: &str, write: fn(&str) -> String| match arguments.contains(name) {
        true => format!("{{{{{name}}}}}"),
        false => variables.sent(&format!("{{{{{name}}}}}"), write),
    };
    HttpTool {
        url: replaced(&http.url, |name| value(name, percent_encoded)),
        body: http.body.map(|body| mapped(body, &|text| replaced(text, |name| value(name, plain)))),
        filler: variables.phrase(&http.filler, unknown),
        ..http
    }
}

/// A value is no template: the worker would put arguments into it. No two braces stand side by side, whatever stands around it.
fn plain(value: &str) -> String {
    value.replace('{', "{ ")
}

fn mapped(body: Value, write: &dyn Fn(&str) -> String) -> Value {
    match body {
        Value::String(text) => write(&text).into(),
        Value::Array(list) => list.into_iter().map(|value| mapped(value, write)).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, mapped(value, write))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn variables_are_filled_in_and_arguments_wait_for_the_model() {
        let tool: Tool = serde_json::from_value(json!({
            "name": "book", "description": "Books.", "parameters": {"type": "object", "properties": {"day": {"type": "string"}}},
            "http": {"url": "https://a.test/{{crm.customer}}/{{ day }}", "body": {"day": "{{day}}", "who": "{{crm.customer}}"},
                "filler": "One moment, {{crm.customer}}."}
        }))
        .unwrap();
        let crm = json!({"customer": "Asha & {{day}}"}).as_object().unwrap().clone();
        let variables = Variables { crm, ..Variables::default() };
        let mut unknown = BTreeSet::new();
        let http = of_call(vec![tool], &variables, &mut unknown).remove(0).http.unwrap();
        assert_eq!(http.url, "https://a.test/Asha%20%26%20%7B%7Bday%7D%7D/{{day}}");
        assert_eq!(http.body.unwrap(), json!({"day": "{{day}}", "who": "Asha & { { day}}"}));
        assert_eq!(http.filler, "One moment, Asha & {{day}}.");
        assert!(unknown.is_empty());
    }

    /// What a caller or a CRM says is one part of a path, or the tool is not there.
    #[test]
    fn no_value_of_a_call_leads_a_tool_elsewhere() {
        let tool = json!({"name": "empty", "description": "Empties.", "parameters": {"type": "object", "properties": {}},
            "http": {"url": "https://a.test/customers/{{crm.customer}}/cart", "body": {"who": "x{{crm.customer}}"}}});
        for (value, url, who) in [
            ("..", None, ""),
            (".", None, ""),
            ("", None, ""),
            ("../admin", Some("https://a.test/customers/..%2Fadmin/cart"), "x../admin"),
            ("%2e%2e", Some("https://a.test/customers/%252e%252e/cart"), "x%2e%2e"),
            ("{{{day}}", Some("https://a.test/customers/%7B%7B%7Bday%7D%7D/cart"), "x{ { { day}}"),
        ] {
            let crm = json!({"customer": value}).as_object().unwrap().clone();
            let variables = Variables { crm, ..Variables::default() };
            let mut unknown = BTreeSet::new();
            let tools = vec![serde_json::from_value(tool.clone()).unwrap()];
            let http = of_call(tools, &variables, &mut unknown).pop().map(|tool| tool.http.unwrap());
            assert_eq!(http.as_ref().map(|http| http.url.as_str()), url, "{value:?}");
            assert_eq!(unknown.contains("tools.empty.url"), url.is_none(), "{value:?}");
            if let Some(http) = http {
                assert_eq!(http.body.unwrap(), json!({"who": who}));
            }
        }
    }
}
