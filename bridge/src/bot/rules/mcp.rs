//! The rules of servers of tools: each has a name of its own that goes before its tools', an address without values of a call, and says
//! which of its tools may be called.

use url::Url;
use vox_shared::model::bot::McpServer;
use vox_shared::model::bot::mcp::is_name;

use super::tools::{MAX_URL_BYTES, check_headers, check_timeout};
use super::{Faults, MAX_PHRASE_BYTES, MAX_WORD_BYTES};

/// Each is asked when a call begins.
const MAX_SERVERS: usize = 4;
const MAX_NAMED: usize = 64;
/// Headers that the worker sets itself.
const OURS: [&str; 8] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "content-type",
    "accept",
    "mcp-session-id",
    "mcp-protocol-version",
];

pub(super) fn check(servers: &[McpServer], faults: &mut Faults) {
    faults.count("mcp_servers", servers.len(), MAX_SERVERS);
    for (place, server) in servers.iter().take(MAX_SERVERS).enumerate() {
        let path = format!("mcp_servers.{place}");
        let name = format!("{path}.name");
        faults.unless(is_name(&server.name), &name, || {
            "1 to 24 letters, digits, _ and -, without _ at either end and without two _ side by side: crm".into()
        });
        let twice = servers[..place].iter().any(|other| other.name == server.name);
        faults.unless(!twice, &name, || "this server is there already".into());
        if let Some(why) = fault_of_url(&server.url) {
            faults.add(&format!("{path}.url"), why);
        }
        check_headers(&format!("{path}.headers"), &server.headers, &OURS, faults);
        let allow = format!("{path}.allow");
        faults.unless(!server.allow.is_empty(), &allow, || {
            "name the tools that the model may call, or \"*\" for every tool that the server has".into()
        });
        check_names(&allow, &server.allow, faults);
        let confirm = format!("{path}.confirm");
        check_names(&confirm, &server.confirm, faults);
        for (n, tool) in server.confirm.iter().enumerate().take(MAX_NAMED) {
            faults.unless(server.allows(tool), &format!("{confirm}.{n}"), || {
                "is not among those allowed".into()
            });
        }
        check_timeout(&format!("{path}.timeout_secs"), server.timeout_secs, faults);
        faults.text(&format!("{path}.filler"), &server.filler, MAX_PHRASE_BYTES);
    }
}

fn check_names(path: &str, names: &[String], faults: &mut Faults) {
    faults.count(path, names.len(), MAX_NAMED);
    for (n, name) in names.iter().enumerate().take(MAX_NAMED) {
        let good = !name.trim().is_empty() && name.len() <= MAX_WORD_BYTES;
        faults.unless(good, &format!("{path}.{n}"), || "must be the name of a tool, or \"*\"".into());
    }
}

fn fault_of_url(url: &str) -> Option<String> {
    if url.len() > MAX_URL_BYTES {
        return Some(format!("at most {MAX_URL_BYTES} bytes"));
    }
    if url.contains("{{") {
        return Some("is the same for every call; {{…}} cannot stand in it".into());
    }
    let Ok(url) = Url::parse(url) else {
        return Some("must be an address, like https://crm.example.com/mcp".into());
    };
    let fault = match () {
        () if !matches!(url.scheme(), "http" | "https") => "must begin with https:// or http://",
        () if !url.username().is_empty() || url.password().is_some() => {
            "must not hold a user name or a password; use a header with a secret"
        }
        () if url.fragment().is_some() => "must not have a part behind #: it is never sent",
        () => return None,
    };
    Some(fault.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check_servers(given: Value, expected: &[&str]) {
        let servers: Vec<McpServer> = serde_json::from_value(given.clone()).unwrap();
        let mut faults = Faults::default();
        check(&servers, &mut faults);
        let paths: Vec<&str> = faults.0.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, expected, "{given}: {:?}", faults.0);
    }

    #[test]
    fn a_server_says_what_may_be_called_of_it() {
        let good = json!({"name": "crm", "url": "https://crm.test/mcp", "allow": ["find", "drop"], "confirm": ["drop"],
            "headers": [{"name": "Authorization", "secret": "Bearer k-0123456789"}]});
        check_servers(json!([good]), &[]);
        check_servers(json!([good, good]), &["mcp_servers.1.name"]);
        check_servers(json!([{"name": "crm", "url": "https://crm.test/mcp"}]), &["mcp_servers.0.allow"]);
        let any = json!({"name": "crm", "url": "https://crm.test/mcp", "allow": ["*"], "confirm": ["drop"]});
        check_servers(json!([any]), &[]);
    }

    #[test]
    fn all_that_is_wrong_with_a_server_is_told() {
        check_servers(
            json!([{"name": "my__crm", "url": "https://{{call.host}}/mcp", "allow": ["find", " "], "confirm": ["drop"],
                "timeout_secs": 60.0, "headers": [{"name": "Mcp-Session-Id", "value": "1"}]}]),
            &[
                "mcp_servers.0.name",
                "mcp_servers.0.url",
                "mcp_servers.0.headers.0.name",
                "mcp_servers.0.allow.1",
                "mcp_servers.0.confirm.0",
                "mcp_servers.0.timeout_secs",
            ],
        );
        for bad in ["", "crm.test/mcp", "ftp://crm.test/", "https://a:b@crm.test/", "https://crm.test/#x"] {
            let server = json!({"name": "crm", "url": bad, "allow": ["*"]});
            check_servers(json!([server]), &["mcp_servers.0.url"]);
        }
    }
}
