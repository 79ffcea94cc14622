//! The tools of a server as the model may have them: those that the bot allows, by names that vendors take, of a size that a request to
//! the model can carry.

use serde_json::{Value, json};
use vox_shared::model::bot::mcp::EVERY_TOOL;
use vox_shared::model::bot::{McpServer, OnInterrupt};

use super::Fault;
use crate::session::sources::SourceTool;

/// Tools of one server.
const MAX_TOOLS: usize = 32;
/// Of a description, characters.
const MAX_DESCRIPTION: usize = 2_000;
/// Largest schema, and all descriptions and schemas of a server together, bytes: they are part of every request to the model.
const MAX_SCHEMA_BYTES: usize = 16 * 1024;
const MAX_BYTES: usize = 64 * 1024;
/// Of those that are left out, so many are told.
const MAX_TOLD: usize = 16;
/// Of a name that is told, characters.
const MAX_NAME: usize = 64;

/// What the model may call.
#[derive(Debug, Default, PartialEq)]
pub struct Listed {
    /// With the server's own names.
    pub tools: Vec<(String, SourceTool)>,
    /// What the bot allows and the model does not get, with the reason.
    pub left_out: Vec<String>,
}

/// Pages of a server's tools, as they come.
#[derive(Debug)]
pub struct Pages<'a> {
    server: &'a McpServer,
    listed: Listed,
    bytes: usize,
}

/// Where the next page begins, if there is one.
pub fn next_cursor(page: &Value) -> Option<String> {
    page.get("nextCursor").and_then(Value::as_str).filter(|cursor| !cursor.is_empty()).map(str::to_owned)
}

impl<'a> Pages<'a> {
    pub fn new(server: &'a McpServer) -> Self {
        Self { server, listed: Listed::default(), bytes: 0 }
    }

    /// A page has come.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn add(&mut self, page: &Value) -> Result<(), Fault> {
        let Some(tools) = page.get("tools").and_then(Value::as_array) else {
            return Err(Fault::Protocol("a page of tools has none"));
        };
        for tool in tools {
            let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
            let is_known = self.listed.tools.iter().any(|(known, _)| known == name);
            if !self.server.allows(name) || is_known {
                continue;
            }
            match self.take(name, tool) {
                Ok(tool) => self.listed.tools.push((name.to_owned(), tool)),
                Err(why) => self.leave_out(name, why),
            }
        }
        Ok(())
    }

    fn take(&mut self, name: &str, tool: &Value) -> Result<SourceTool, &'static str> {
        let called = self.server.called(name).ok_or("its name is too long")?;
        let text = |name: &str| tool.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let description: String =
            text("description").or(text("title")).unwrap_or_default().chars().take(MAX_DESCRIPTION).collect();
        let parameters = match tool.get("inputSchema") {
            None | Some(Value::Null) => json!({"type": "object", "properties": {}}),
            Some(schema) if schema["type"] == "object" => schema.clone(),
            Some(_) => return Err("its arguments are no object"),
        };
        let size = parameters.to_string().len();
        if size > MAX_SCHEMA_BYTES {
            return Err("its schema is over 16 KiB");
        }
        if self.listed.tools.len() >= MAX_TOOLS || self.bytes + size + description.len() > MAX_BYTES {
            return Err("the server has more tools than a request to the model can carry");
        }
        self.bytes += size + description.len();
        Ok(SourceTool {
            name: called,
            description,
            parameters,
            filler: self.server.filler.clone(),
            confirm: self.server.confirms(name),
            cancels: self.server.on_interrupt == OnInterrupt::Cancel,
        })
    }

    fn leave_out(&mut self, name: &str, why: &str) {
        if self.listed.left_out.len() < MAX_TOLD {
            let name: String = name.chars().take(MAX_NAME).collect();
            self.listed.left_out.push(format!("{name}: {why}"));
        }
    }

    /// There are further pages, which nobody asks for.
    pub fn note_more(&mut self) {
        self.leave_out(EVERY_TOOL, "the server has more pages of tools than are asked for");
    }

    /// All of them. What the bot names and the server does not have is told.
    pub fn listed(mut self) -> Listed {
        for name in self.server.allow.iter().filter(|name| *name != EVERY_TOOL) {
            let is_there = self.listed.tools.iter().any(|(known, _)| known == name);
            let is_told = self.listed.left_out.iter().any(|told| told.starts_with(&format!("{name}: ")));
            if !is_there && !is_told {
                self.leave_out(name, "the server has no such tool");
            }
        }
        self.listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(allow: &[&str]) -> McpServer {
        let allow = allow.iter().map(|name| (*name).to_owned()).collect();
        McpServer { name: "crm".into(), allow, confirm: vec!["drop".into()], ..McpServer::default() }
    }

    fn listed(server: &McpServer, tools: Vec<Value>) -> Listed {
        let mut pages = Pages::new(server);
        pages.add(&json!({"tools": tools})).unwrap();
        pages.listed()
    }

    fn tool(name: &str) -> Value {
        json!({"name": name, "description": "Does it.", "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}}}})
    }

    #[test]
    fn only_what_the_bot_allows_is_offered() {
        let found = listed(
            &server(&["find", "drop", "gone"]),
            vec![tool("find"), tool("other"), tool("drop"), tool("find")],
        );
        let told: Vec<_> =
            found.tools.iter().map(|(own, tool)| (own.as_str(), tool.name.as_str(), tool.confirm)).collect();
        assert_eq!(told, [("find", "crm__find", false), ("drop", "crm__drop", true)]);
        assert_eq!(found.left_out, ["gone: the server has no such tool"]);
        assert_eq!(found.tools[0].1.parameters["properties"]["id"]["type"], "string");
    }

    #[test]
    fn what_no_request_can_carry_is_left_out_and_told() {
        let mut odd = tool("list");
        odd["inputSchema"] = json!({"type": "array"});
        let mut large = tool("large");
        large["inputSchema"]["description"] = "x".repeat(20_000).into();
        let bare = json!({"name": "bare"});
        let found = listed(&server(&["*"]), vec![odd, large, bare, tool(&"n".repeat(80))]);
        assert_eq!((found.tools.len(), found.tools[0].1.parameters["type"].as_str()), (1, Some("object")));
        assert_eq!(found.left_out.len(), 3, "{:?}", found.left_out);
        let many = (0..40).map(|n| tool(&format!("t{n}"))).collect();
        let found = listed(&server(&["*"]), many);
        assert_eq!((found.tools.len(), found.left_out.len()), (MAX_TOOLS, 8));
        assert!(Pages::new(&server(&["*"])).add(&json!({"prompts": []})).is_err());
    }

    #[test]
    fn a_page_says_where_the_next_one_begins() {
        assert_eq!(next_cursor(&json!({"tools": [], "nextCursor": "b"})).as_deref(), Some("b"));
        for last in [json!({}), json!({"nextCursor": null}), json!({"nextCursor": ""})] {
            assert_eq!(next_cursor(&last), None);
        }
    }
}
