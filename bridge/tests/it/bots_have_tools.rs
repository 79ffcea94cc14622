//! Tools of a bot's own: what is refused, where their secrets are, and what a worker gets.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;

use crate::harness::bots::Bots;
use crate::harness::{json, wrong_fields};

const SECRET: &str = "Bearer k-0123456789abcdef";
const PLACE: &str = "tools.1.http.headers.0.secret";

fn tools(url: &str, header: Value) -> Value {
    json!([{"name": "end_call"}, {
        "name": "find_order", "description": "Finds an order by its number.",
        "parameters": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
        "http": {"method": "GET", "url": url, "headers": [header], "filler": "One moment, {{call.name}}."},
    }])
}

fn secret() -> Value {
    json!({"name": "Authorization", "secret": SECRET})
}

#[tokio::test]
async fn a_tools_secret_is_masked_kept_for_its_host_and_in_no_file() {
    let bots = Bots::start().await;
    let path = bots.made().await;
    let url = "https://shop.test/orders/{{id}}?shop={{shop}}&caller={{call.caller_id}}";
    let set = json!({"tools": tools(url, secret()), "variables": {"shop": "Berlin Mitte"}});
    let shown = bots.ok(Method::PATCH, &path, set).await;
    assert_eq!(shown["tools"][1]["http"]["headers"][0]["secret"], "Bear…cdef");
    assert!(shown["tools"][0].get("http").is_none());

    // A mask does not come back, a header that names no secret keeps the stored one, and another host gets none.
    let masked = json!({"tools": shown["tools"]});
    assert_eq!(wrong_fields(bots.send(Method::PATCH, &path, &masked).await).await, [PLACE]);
    let bare = json!({"name": "authorization"});
    bots.ok(Method::PATCH, &path, json!({"tools": tools(url, bare.clone()), "name": "b"})).await;
    let moved = json!({"tools": tools("https://evil.test/{{id}}", bare.clone())});
    assert_eq!(wrong_fields(bots.send(Method::PATCH, &path, &moved).await).await[0], PLACE);
    let other = tools(url, json!({"name": "x-other"}));
    let none = bots.send(Method::PATCH, &path, &json!({"tools": other})).await;
    assert_eq!(wrong_fields(none).await, ["tools.1.http.headers.0"]);

    // The worker gets it, with the variables filled in and the argument left to it.
    let query = [("caller_id", "+49 30 1"), ("connected_event", r#"{"name": "Asha"}"#)];
    let config = json(bots.bridge.fetch_config(&path[1..], &query).await, StatusCode::OK).await;
    let http = &config["tools"][1]["http"];
    assert_eq!(http["url"], "https://shop.test/orders/{{id}}?shop=Berlin%20Mitte&caller=%2B49%2030%201");
    assert_eq!(
        (&http["headers"][0]["secret"], &http["filler"]),
        (&json!(SECRET), &json!("One moment, Asha."))
    );

    // Versions, comparison, copies and files.
    let compared = bots.get(&format!("{path}/compare?from=1&to=3")).await;
    assert!(compared.to_string().contains("find_order"), "{compared}");
    let copy = bots.send(Method::POST, &format!("{path}/clone"), &json!({})).await;
    let copy = json(copy, StatusCode::CREATED).await;
    let copied = bots.config(&format!("/{}", copy["id"].as_str().unwrap())).await;
    assert_eq!(copied["tools"][1]["http"]["headers"][0]["secret"], SECRET);
    let mut file = bots.get(&format!("{path}/export")).await;
    for told in [&compared, &copy, &file, &bots.get(&format!("{path}/versions/2")).await] {
        assert!(!told.to_string().contains("0123456789"), "{told}");
    }
    assert_eq!(file["secrets_needed"], json!(["llm.api_key", PLACE]));
    file["secrets"] = json!({"llm.api_key": "sk-new-0123456789ab", PLACE: "Bearer new-0123456789"});
    let made = json(bots.send(Method::POST, "/import", &file).await, StatusCode::CREATED).await;
    let config = bots.config(&format!("/{}", made["id"].as_str().unwrap())).await;
    assert_eq!(config["tools"][1]["http"]["headers"][0]["secret"], "Bearer new-0123456789");
}

#[tokio::test]
async fn all_that_is_wrong_with_a_tool_is_told_by_its_fields() {
    let bots = Bots::start().await;
    let path = bots.made().await;
    let tool = json!({"name": "find order", "parameters": {"type": "object", "properties": {"id": {"pattern": "^A"}}},
        "http": {"method": "GET", "url": "https://{{id}}.test/", "timeout_secs": 60, "colour": "red",
            "headers": [{"name": "Authorization"}]}});
    let wrong = wrong_fields(bots.send(Method::PATCH, &path, &json!({"tools": [tool]})).await).await;
    let expected = [
        "tools.0.http.colour",
        "tools.0.name",
        "tools.0.description",
        "tools.0.parameters.properties.id.pattern",
        "tools.0.http.url",
        "tools.0.http.headers.0",
        "tools.0.http.timeout_secs",
    ];
    assert_eq!(wrong, expected);
    let odd = json!({"tools": [{"name": "x", "http": {"method": "FETCH"}}]});
    assert_eq!(wrong_fields(bots.send(Method::PATCH, &path, &odd).await).await, ["tools.0.http.method"]);
}

/// What has no budget needs no prices.
#[tokio::test]
async fn a_call_with_a_budget_gets_the_prices_of_its_vendors() {
    let bots = Bots::start().await;
    let path = bots.made().await;
    let operator = bots.bridge.token(Role::SuperAdmin).await;
    for (vendor, model, money) in [("openai", "", 150_000), ("openai", "gpt-5.5", 900_000)] {
        let price = json!({"service": "llm", "vendor": vendor, "model": model, "unit": "tokens_in", "money": money,
            "per": 1_000_000, "effective_from": "2020-01-01T00:00:00Z"});
        let added = bots.bridge.send(Method::POST, "/api/v1/prices", &operator, price).await;
        assert_eq!(added.status(), StatusCode::CREATED);
    }
    assert!(bots.config(&path).await.get("rates").is_none());
    let fallback = json!({"provider": "openai", "model": "gpt-5.5", "api_key": "fb-0123456789abcdef"});
    let set = json!({"limits": {"max_cost_micros": 1_000}, "llm": {"fallbacks": [fallback]}});
    bots.ok(Method::PATCH, &path, set).await;
    let rate = |model: &str, money: i64| {
        json!({"service": "llm", "provider": "openai", "model": model,
        "unit": "tokens_in", "money": money, "per": 1_000_000})
    };
    assert_eq!(bots.config(&path).await["rates"], json!([rate("", 150_000), rate("gpt-5.5", 900_000)]));
}
