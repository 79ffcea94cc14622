//! The OpenAPI document as one page that needs nothing else: no script, and a style that its policy names by hash.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c1c1c}\
h1{font-size:1.6rem}h2{margin-top:2rem;border-bottom:1px solid #ddd;font-size:1.2rem}\
details{border:1px solid #ddd;border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}summary{cursor:pointer}\
code,pre{font:13px/1.45 ui-monospace,monospace}pre{background:#f6f6f6;padding:.6rem;overflow:auto;border-radius:4px}\
.m{display:inline-block;min-width:4.2rem;font-weight:600}.a{float:right;color:#666;font-size:.85rem}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;border-top:1px solid #eee;padding:.25rem .5rem;vertical-align:top}\
@media(prefers-color-scheme:dark){body{background:#161616;color:#e6e6e6}pre{background:#222}details,h2,td,th{border-color:#333}.a{color:#aaa}}";

/// The content security policy that lets the page have its style and nothing else.
pub fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'; base-uri 'none'")
}

/// The page of a document.
pub fn of(document: &Value) -> String {
    let mut out = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>Vox API</title><style>{STYLE}</style><h1>Vox API {}</h1><p>{}</p><p><a href='/openapi.json'>openapi.json</a></p>",
        escape(text(&document["info"], "version")),
        escape(text(&document["info"], "description")),
    );
    let mut tag = "";
    for (path, method, operation) in operations(document) {
        let here = operation["tags"][0].as_str().unwrap_or_default();
        if here != tag {
            tag = here;
            let _ = write!(out, "<h2 id='{0}'>{0}</h2>", escape(tag));
        }
        endpoint(&mut out, (path, method), operation);
    }
    out.push_str("<h2 id=schemas>schemas</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let _ = write!(out, "<details id='schema-{0}'><summary><code>{0}</code></summary>", escape(name));
        pretty(&mut out, schema);
        out.push_str("</details>");
    }
    out.push_str("</html>");
    out
}

/// Grouped by tag, in the document's order.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let mut all: Vec<_> = paths
        .flat_map(|(path, item)| {
            item.as_object().into_iter().flatten().map(move |(m, op)| (path.as_str(), m.as_str(), op))
        })
        .collect();
    all.sort_by_key(|(path, _, op)| {
        (op["tags"][0].as_str().unwrap_or_default().to_owned(), (*path).to_owned())
    });
    all
}

fn endpoint(out: &mut String, (path, method): (&str, &str), operation: &Value) {
    let _ = write!(
        out,
        "<details><summary><span class=m>{}</span><code>{}</code> {}<span class=a>{}</span></summary>",
        escape(&method.to_uppercase()),
        escape(path),
        escape(text(operation, "summary")),
        escape(text(operation, "x-access")),
    );
    let _ = write!(out, "<p>{}</p>", escape(text(operation, "description")));
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let rows: String = parameters.map(parameter).collect();
    if !rows.is_empty() {
        let _ = write!(out, "<table><tr><th>parameter<th>in<th>meaning</tr>{rows}</table>");
    }
    if !operation["requestBody"].is_null() {
        out.push_str("<p>Body</p>");
        pretty(out, &operation["requestBody"]["content"]);
    }
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let _ = write!(out, "<p><b>{}</b> {}</p>", escape(status), escape(text(response, "description")));
        if !response["content"].is_null() {
            pretty(out, &response["content"]);
        }
    }
    out.push_str("</details>");
}

fn parameter(parameter: &Value) -> String {
    format!(
        "<tr><td><code>{}</code><td>{}<td>{}</tr>",
        escape(text(parameter, "name")),
        escape(text(parameter, "in")),
        escape(text(parameter, "description")),
    )
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn pretty(out: &mut String, value: &Value) {
    let _ = write!(out, "<pre>{}</pre>", escape(&serde_json::to_string_pretty(value).unwrap_or_default()));
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
