//! Servers of the Model Context Protocol: the tools that they offer are the bot's, as far as the bot allows them.

use serde::{Deserialize, Serialize};

use super::tool::{DEFAULT_TIMEOUT_SECS, OnInterrupt, ToolHeader};

/// Stands for every tool of a server, where tools are named.
pub const EVERY_TOOL: &str = "*";
/// Between the name of a server and that of its tool, as the model calls it. No server's name has it.
const BETWEEN: &str = "__";
/// Longest name of a tool as vendors of models take it, characters.
const MAX_CALLED: usize = 64;

/// A server whose tools the model may call. The worker asks it for them when a call begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct McpServer {
    /// Letters, digits, `_` and `-`. Its tools are called `NAME__TOOL`.
    pub name: String,
    /// Of its streamable HTTP endpoint.
    pub url: String,
    pub headers: Vec<ToolHeader>,
    /// The tools that may be called, by the server's own names; [`EVERY_TOOL`] is all of them. A server may get tools that nobody
    /// thought of, so none is allowed by itself.
    pub allow: Vec<String>,
    /// Of these, the ones for which the caller must have been asked first.
    pub confirm: Vec<String>,
    /// For each call, the whole exchange.
    pub timeout_secs: f32,
    /// Said when an answer takes a while; empty takes the bot's own `phrases.hold`.
    pub filler: String,
    pub on_interrupt: OnInterrupt,
}

impl Default for McpServer {
    fn default() -> Self {
        Self {
            name: String::new(),
            url: String::new(),
            headers: Vec::new(),
            allow: Vec::new(),
            confirm: Vec::new(),
            timeout_secs: DEFAULT_TIMEOUT_SECS,
            filler: String::new(),
            on_interrupt: OnInterrupt::default(),
        }
    }
}

impl McpServer {
    /// Whether the model may call this tool of the server's.
    pub fn allows(&self, tool: &str) -> bool {
        names(&self.allow, tool)
    }

    /// Whether the caller must have been asked before it is called.
    pub fn confirms(&self, tool: &str) -> bool {
        names(&self.confirm, tool)
    }

    /// What the names of its tools begin with, as the model calls them.
    pub fn prefix(&self) -> String {
        format!("{}{BETWEEN}", self.name)
    }

    /// How the model calls a tool of the server's: what is no letter of a name becomes `_`. `None` where the name is empty or too long.
    pub fn called(&self, tool: &str) -> Option<String> {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let name = self.prefix() + &tool.chars().map(plain).collect::<String>();
        (!tool.is_empty() && name.len() <= MAX_CALLED).then_some(name)
    }
}

fn names(list: &[String], tool: &str) -> bool {
    list.iter().any(|name| name == EVERY_TOOL || name == tool)
}

/// Whether a server can have this name: its tools' names must be as vendors take them, with room for the tool's own.
pub fn is_name(name: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let is_edged = name.starts_with('_') || name.ends_with('_');
    (1..=24).contains(&name.len()) && name.bytes().all(letter) && !is_edged && !name.contains(BETWEEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(allow: &[&str]) -> McpServer {
        let allow = allow.iter().map(|name| (*name).to_owned()).collect();
        McpServer { name: "crm".into(), allow, ..McpServer::default() }
    }

    #[test]
    fn tools_are_called_by_both_names_as_vendors_take_them() {
        let server = server(&[]);
        assert_eq!(server.called("find_order").as_deref(), Some("crm__find_order"));
        assert_eq!(server.called("orders.find/größe").as_deref(), Some("crm__orders_find_gr__e"));
        assert_eq!(server.called(""), None);
        assert_eq!(server.called(&"x".repeat(59)).map(|name| name.len()), Some(64));
        assert_eq!(server.called(&"x".repeat(60)), None);
    }

    #[test]
    fn nothing_is_allowed_that_is_not_named() {
        assert!(!server(&[]).allows("find") && server(&["find"]).allows("find"));
        assert!(!server(&["find"]).allows("drop") && server(&["*"]).allows("drop"));
    }

    #[test]
    fn no_two_servers_can_have_a_tool_of_the_same_name() {
        for good in ["crm", "my-crm_2", "A"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "a__b", "_a", "a_", "a b", "é", &"x".repeat(25)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
