//! The bot's tools on their way to their servers: requests that run beside the conversation, at most so many as the session begins, each
//! with a deadline and a limit of its answer. What runs when the call ends is given up.

pub(super) mod request;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::Value;
use tokio::task::{AbortHandle, JoinSet};
use tracing::Instrument;
use tracing::field::Empty;
use vox_shared::clock::Clock;
use vox_shared::egress::HostRules;
use vox_shared::ids::SessionId;
use vox_shared::model::bot::HttpTool;
use vox_shared::model::bot::tool::SCHEDULE_CALLBACK;
use vox_shared::wire::config::RuntimeConfig;

use super::callback::Desk;
use super::mcp::{Fault, Listed, Server};
use crate::provider::egress::Egress;
use crate::provider::llm::ToolCall;
use crate::session::event::{Event, ToolAnswer, ToolRunId, ToolStatus};
use crate::session::sources::Source;
use request::{exchange, failed};

/// What a call's tools need of the process and of the line.
#[derive(Clone, Debug)]
pub struct Around {
    pub egress: Arc<Egress>,
    pub clock: Clock,
    /// Who called, or was called.
    pub caller_id: Option<String>,
}

/// A tool of a server's: which one, and its name there.
type Route = (Arc<Server>, String);

/// What a task of a call's comes to.
#[derive(Debug)]
enum Done {
    Run(ToolRunId, ToolAnswer),
    /// The server at this place has told its tools, or cannot be had.
    Listed(usize, Result<Listed, Fault>),
    Nothing,
}

#[derive(Debug)]
struct Running {
    task: AbortHandle,
    /// The request, of a server that is told when nobody waits for it any more.
    asked: Option<(Arc<Server>, u64)>,
}

/// The tools of one call.
#[derive(Debug)]
pub struct Tools {
    around: Around,
    rules: Arc<HostRules>,
    tools: BTreeMap<String, Arc<HttpTool>>,
    servers: Vec<Arc<Server>>,
    routes: BTreeMap<String, Route>,
    session_id: SessionId,
    timezone: String,
    tasks: JoinSet<Done>,
    running: HashMap<ToolRunId, Running>,
}

impl Tools {
    /// Those that the call's config has. Its servers of tools are asked for theirs at once, and nobody waits for them.
    pub fn new(config: &RuntimeConfig, around: Around) -> Self {
        let own =
            |tool: &vox_shared::model::bot::Tool| Some((tool.name.clone(), Arc::new(tool.http.clone()?)));
        let rules = Arc::new(config.egress.clone());
        let servers = config.mcp_servers.iter();
        let servers =
            servers.map(|server| Arc::new(Server::new(server, around.egress.clone(), rules.clone())));
        let mut tools = Self {
            tools: config.tools.iter().filter_map(own).collect(),
            servers: servers.collect(),
            routes: BTreeMap::new(),
            session_id: config.session_id.clone(),
            timezone: config.timezone.clone(),
            tasks: JoinSet::new(),
            running: HashMap::new(),
            rules,
            around,
        };
        for (place, server) in tools.servers.iter().cloned().enumerate() {
            let span = tracing::info_span!("tools.list", otel.kind = "client", "error.type" = Empty);
            let listing = async move { Done::Listed(place, server.list().await) };
            tools.tasks.spawn(listing.instrument(span));
        }
        tools
    }

    /// Another bot has the call, with the tools that its config has. Those of the bot before are given back, to be closed.
    pub fn go_over(&mut self, config: &RuntimeConfig) -> Self {
        let next = Self::new(config, self.around.clone());
        std::mem::replace(self, next)
    }

    /// Begin a run; [`Tools::next`] has its answer. What needs no server, and a tool that is none, is answered at once.
    pub fn run(&mut self, run: ToolRunId, call: ToolCall) -> Option<ToolAnswer> {
        if let Some((server, tool)) = self.routes.get(&call.name).cloned() {
            self.ask(run, (server, tool), call.arguments);
            return None;
        }
        let Some(tool) = self.tools.get(&call.name).cloned() else { return Some(self.answer_here(&call)) };
        let (egress, rules) = (self.around.egress.clone(), self.rules.clone());
        let key = format!("{}-{run}", self.session_id);
        let exchange = async move {
            let arguments = call.arguments.as_object().cloned().unwrap_or_default();
            let answer = exchange((&egress, &rules), &tool, &arguments, &key).await;
            note(&answer);
            Done::Run(run, answer)
        };
        let task = self.tasks.spawn(exchange.instrument(span()));
        self.running.insert(run, Running { task, asked: None });
        None
    }

    fn ask(&mut self, run: ToolRunId, (server, tool): Route, arguments: Value) {
        let request = server.next_id();
        let asking = server.clone();
        let exchange = async move {
            let answer = asking.call(request, &tool, &arguments).await;
            note(&answer);
            Done::Run(run, answer)
        };
        let task = self.tasks.spawn(exchange.instrument(span()));
        self.running.insert(run, Running { task, asked: Some((server, request)) });
    }

    fn answer_here(&self, call: &ToolCall) -> ToolAnswer {
        if call.name != SCHEDULE_CALLBACK {
            let result = Value::from("error: this tool is not available");
            return ToolAnswer { status: ToolStatus::Failed, code: None, result };
        }
        let desk = Desk {
            now: self.around.clock.now(),
            zone: TimeZone::get(&self.timezone).unwrap_or(TimeZone::UTC),
            zone_name: self.timezone.clone(),
            caller: self.around.caller_id.clone(),
        };
        match desk.schedule(&call.arguments) {
            Ok(noted) => noted.into(),
            Err(why) => {
                let result = format!("error: {why}. Nothing was noted.").into();
                ToolAnswer { status: ToolStatus::Refused, code: None, result }
            }
        }
    }

    /// Give a run up: nothing follows of it.
    pub fn cancel(&mut self, run: ToolRunId) {
        if let Some(Running { task, asked }) = self.running.remove(&run) {
            task.abort();
            self.give_up(asked);
        }
    }

    /// A server may go on with a request that nobody waits for, unless it is told.
    fn give_up(&mut self, asked: Option<(Arc<Server>, u64)>) {
        if let Some((server, request)) = asked {
            self.tasks.spawn(async move {
                server.give_up(request).await;
                Done::Nothing
            });
        }
    }

    /// The next answer, or the tools of a server. Waits for ever while nothing runs; cancel-safe.
    pub async fn next(&mut self) -> Event {
        loop {
            match self.tasks.join_next_with_id().await {
                Some(Ok((_, Done::Run(run, answer)))) => {
                    let Some(Running { asked, .. }) = self.running.remove(&run) else { continue };
                    if answer.status == ToolStatus::TimedOut {
                        self.give_up(asked);
                    }
                    return Event::ToolDone { run, answer };
                }
                Some(Ok((_, Done::Listed(place, listed)))) => {
                    return Event::Source(self.listed(place, listed));
                }
                Some(Ok((_, Done::Nothing))) => {}
                // A fault of ours must not leave the caller waiting. One that was given up ends so too.
                Some(Err(error)) => {
                    let broken = self.running.iter().find(|(_, running)| running.task.id() == error.id());
                    if let Some(run) = broken.map(|(run, _)| *run) {
                        tracing::error!(%error, "a tool's run broke off by a fault of ours");
                        self.running.remove(&run);
                        let answer = failed(ToolStatus::Failed, None, "the tool broke off");
                        return Event::ToolDone { run, answer };
                    }
                }
                None => return std::future::pending().await,
            }
        }
    }

    /// The session is told what the model may call, and here is kept whose it is.
    fn listed(&mut self, place: usize, listed: Result<Listed, Fault>) -> Source {
        let server = self.servers[place].clone();
        let name = server.name().to_owned();
        let Listed { tools, mut left_out } = match listed {
            Ok(listed) => listed,
            Err(fault) => {
                tracing::warn!(server = name, error = %fault, "a server of tools cannot be had; the call goes on without");
                return Source { name, place, found: Err(fault.to_string()), left_out: Vec::new() };
            }
        };
        let mut found = Vec::with_capacity(tools.len());
        for (own, tool) in tools {
            if self.tools.contains_key(&tool.name) || self.routes.contains_key(&tool.name) {
                left_out.push(format!("{own}: the model knows another tool as '{}'", tool.name));
                continue;
            }
            self.routes.insert(tool.name.clone(), (server.clone(), own));
            found.push(tool);
        }
        Source { name, place, found: Ok(found), left_out }
    }

    /// All that runs is given up.
    pub fn stop(&mut self) {
        self.tasks.abort_all();
    }

    /// The call is over: what runs is given up, and servers of tools are told that nobody will ask them anything more.
    pub async fn close(self) {
        let Self { tasks, servers, .. } = self;
        drop(tasks);
        futures_util::future::join_all(servers.iter().map(|server| server.end())).await;
    }
}

fn span() -> tracing::Span {
    tracing::info_span!("tool", otel.kind = "client", status = Empty, "error.type" = Empty)
}

/// What is told of it in the trace of the call.
fn note(answer: &ToolAnswer) {
    let span = tracing::Span::current();
    if let Some(code) = answer.code {
        span.record("status", code);
    }
    if answer.status != ToolStatus::Ok {
        span.record("error.type", answer.status.as_str());
    }
}
