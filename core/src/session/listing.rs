//! Tools that servers of the bot's offer. They are asked for when the call begins, and nobody waits for them: the model has them from its
//! next request on, in the order of the servers, whichever answered first.

use serde_json::json;

use super::Session;
use super::event::Command;
use super::kind::EventKind;
use super::rules::OwnTool;
use super::sources::{Source, SourceTool};
use super::spending::object;
use crate::provider::llm::ToolSpec;

impl Session {
    pub(super) fn on_source(&mut self, source: Source, out: &mut Vec<Command>) {
        let Source { name, place, found, left_out } = source;
        match found {
            Ok(tools) => self.add_tools((name, place), tools, left_out, out),
            Err(why) => {
                self.report.event(self.now, EventKind::ToolsMissing, format!("{name}: {why}"), out);
                self.context.note(&format!(
                    "The tools of '{name}' are not available in this call. Where they would be needed, tell the caller that this is not \
                     possible right now."
                ));
            }
        }
    }

    fn add_tools(
        &mut self,
        (source, place): (String, usize),
        tools: Vec<SourceTool>,
        left_out: Vec<String>,
        out: &mut Vec<Command>,
    ) {
        let mut specs = Vec::with_capacity(tools.len());
        for tool in tools {
            let SourceTool { name, description, parameters, filler, confirm, cancels } = tool;
            if self.rules.tools.iter().chain(&specs).any(|known| known.name == name) {
                continue;
            }
            let own = OwnTool { parameters: parameters.clone(), filler, confirm, cancels };
            self.rules.own_tools.insert(name.clone(), own);
            specs.push(ToolSpec { name, description, parameters });
        }
        let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let data = object(json!({"source": source, "tools": names, "left_out": left_out}));
        self.report.event_with(self.now, EventKind::ToolsFound, (source, data), out);
        self.sources.entry(place).or_default().extend(specs);
        let own = self.rules.tools.len() - self.from_sources;
        self.rules.tools.truncate(own);
        self.rules.tools.extend(self.sources.values().flatten().cloned());
        self.from_sources = self.rules.tools.len() - own;
        self.context.set_tools(self.rules.tools.clone());
        self.thinking.set_tools(self.rules.tools.iter().map(|tool| tool.name.clone()).collect());
    }
}
