//! Servers of tools that a bot names: what is refused, where their secrets are, and what a worker gets.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::bots::Bots;
use crate::harness::{json, wrong_fields};

const SECRET: &str = "Bearer m-0123456789abcdef";
const PLACE: &str = "mcp_servers.0.headers.0.secret";

fn server(url: &str, header: Value) -> Value {
    json!([{"name": "crm", "url": url, "headers": [header], "allow": ["find_order"], "filler": "One moment, {{call.name}}."}])
}

#[tokio::test]
async fn a_servers_secret_is_masked_kept_for_its_host_and_in_no_file() {
    let bots = Bots::start().await;
    let path = bots.made().await;
    let url = "https://crm.test/mcp";
    let secret = json!({"name": "Authorization", "secret": SECRET});
    let shown = bots.ok(Method::PATCH, &path, json!({"mcp_servers": server(url, secret)})).await;
    assert_eq!(shown["mcp_servers"][0]["headers"][0]["secret"], "Bear…cdef");

    // A mask does not come back, a header that names no secret keeps the stored one, and another host gets none.
    let masked = json!({"mcp_servers": shown["mcp_servers"]});
    assert_eq!(wrong_fields(bots.send(Method::PATCH, &path, &masked).await).await, [PLACE]);
    let bare = json!({"name": "authorization"});
    bots.ok(Method::PATCH, &path, json!({"mcp_servers": server(url, bare.clone()), "name": "b"})).await;
    let moved = json!({"mcp_servers": server("https://evil.test/mcp", bare)});
    assert_eq!(wrong_fields(bots.send(Method::PATCH, &path, &moved).await).await[0], PLACE);

    let query = [("connected_event", r#"{"name": "Asha"}"#)];
    let config = json(bots.bridge.fetch_config(&path[1..], &query).await, StatusCode::OK).await;
    let told = &config["mcp_servers"][0];
    assert_eq!((&told["url"], &told["headers"][0]["secret"]), (&json!(url), &json!(SECRET)));
    assert_eq!((&told["filler"], &told["allow"]), (&json!("One moment, Asha."), &json!(["find_order"])));

    let copy = bots.send(Method::POST, &format!("{path}/clone"), &json!({})).await;
    let copy = json(copy, StatusCode::CREATED).await;
    let copied = bots.config(&format!("/{}", copy["id"].as_str().unwrap())).await;
    assert_eq!(copied["mcp_servers"][0]["headers"][0]["secret"], SECRET);
    let mut file = bots.get(&format!("{path}/export")).await;
    assert!(!file.to_string().contains("0123456789"), "{file}");
    assert_eq!(file["secrets_needed"], json!(["llm.api_key", PLACE]));
    file["secrets"] = json!({"llm.api_key": "sk-new-0123456789ab", PLACE: "Bearer new-0123456789"});
    let made = json(bots.send(Method::POST, "/import", &file).await, StatusCode::CREATED).await;
    let config = bots.config(&format!("/{}", made["id"].as_str().unwrap())).await;
    assert_eq!(config["mcp_servers"][0]["headers"][0]["secret"], "Bearer new-0123456789");
}

#[tokio::test]
async fn all_that_is_wrong_with_a_server_is_told_by_its_fields() {
    let bots = Bots::start().await;
    let path = bots.made().await;
    let odd = json!([{"name": "a__b", "url": "https://{{call.host}}/mcp", "colour": "red",
        "headers": [{"name": "Accept", "value": "text/plain"}]}]);
    let clash =
        json!([{"name": "crm__find", "description": "Finds.", "http": {"url": "https://shop.test/"}}]);
    let wrong = wrong_fields(bots.send(Method::PATCH, &path, &json!({"mcp_servers": odd})).await).await;
    let expected = [
        "mcp_servers.0.colour",
        "mcp_servers.0.name",
        "mcp_servers.0.url",
        "mcp_servers.0.headers.0.name",
        "mcp_servers.0.allow",
    ];
    assert_eq!(wrong, expected);
    let header = json!({"name": "x-shop", "value": "berlin"});
    let set = json!({"mcp_servers": server("https://crm.test/mcp", header.clone()), "tools": clash});
    assert_eq!(wrong_fields(bots.send(Method::PATCH, &path, &set).await).await, ["tools.0.name"]);
    // An address that the deployment does not allow.
    let inner = json!({"mcp_servers": server("http://10.0.0.7/mcp", header)});
    assert_eq!(wrong_fields(bots.send(Method::PATCH, &path, &inner).await).await, ["mcp_servers.0.url"]);
}
