//! A server of tools by the Model Context Protocol over streamable HTTP (revision 2025-06-18; 2025-03-26 is spoken too where a server
//! has nothing newer). Of the protocol what a call needs: to begin a session, to list tools, to call them, to give a call up, and to end the
//! session. Every request goes through the egress guard, has a deadline and a limit of its answer, and is sent once: only where a
//! server says that it does not know the session any more, and so did nothing, a new one is begun and the request is sent again.

mod answer;
mod listing;
mod message;
mod told;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::time::timeout;
use url::Url;
use vox_shared::egress::HostRules;
use vox_shared::model::bot::McpServer;
use vox_shared::model::bot::tool::MAX_ANSWER_BYTES;

use super::tools::request::{failed, patience};
use crate::provider::egress::{Egress, FailureClass, http_failure, secret_header};
use crate::session::event::{ToolAnswer, ToolStatus};
use answer::Answer;
pub use listing::Listed;
use listing::{Pages, next_cursor};
use message::{Heard, RpcError, VERSIONS, initialize, notification, reply, request};

/// A server has so long to say which tools it has, however many pages they are.
const LIST_WITHIN: Duration = Duration::from_secs(10);
/// Pages of tools that are asked for.
const MAX_PAGES: usize = 10;
/// Largest page, bytes.
const MAX_PAGE_BYTES: usize = 512 * 1024;
/// A server is told within this that nobody waits for an answer any more …
const GIVE_UP_WITHIN: Duration = Duration::from_secs(2);
/// … and that a call is over.
const END_WITHIN: Duration = Duration::from_secs(1);
/// Most that a server may ask of us while it answers.
const MAX_ASIDES: usize = 8;
const SESSION: &str = "mcp-session-id";
const VERSION: &str = "mcp-protocol-version";
/// What the transport wants to be accepted with every request.
const ACCEPTED: &str = "application/json, text/event-stream";

/// Why a server did not do what it was asked. The text is for the record: it holds no address, no key and nothing that was said.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("its address may not be used")]
    Forbidden,
    #[error("it is not set up right")]
    Settings,
    #[error("it cannot be reached")]
    Unreachable,
    #[error("it did not answer in time")]
    TimedOut,
    #[error("it does not let us in ({0})")]
    NotLetIn(u16),
    #[error("it has too much to do (429)")]
    Busy,
    /// Nothing was done.
    #[error("it does not know the session any more")]
    NoSession,
    #[error("it answered with {0}")]
    Status(u16),
    #[error("its answer is too large")]
    TooLarge,
    #[error("its answer broke off")]
    BrokenOff,
    #[error("it does not speak the protocol: {0}")]
    Protocol(&'static str),
    #[error("it refused with {}", .0.code)]
    Refused(RpcError),
}

impl Fault {
    /// What the model is told of a call that failed so.
    fn told(self) -> ToolAnswer {
        let of = failed;
        match self {
            Self::Forbidden => of(ToolStatus::Forbidden, None, "the tool's address may not be used"),
            Self::Settings => of(ToolStatus::Failed, None, "the tool is not set up right"),
            Self::Unreachable => of(ToolStatus::Failed, None, "the tool's server cannot be reached"),
            Self::TimedOut => of(ToolStatus::TimedOut, None, "the tool's server did not answer in time"),
            Self::NotLetIn(code) => {
                of(ToolStatus::Refused, Some(code), "the tool's server does not let us in")
            }
            Self::Busy => of(ToolStatus::Refused, Some(429), "the tool's server has too much to do"),
            Self::Status(code) => of(ToolStatus::Failed, Some(code), "the tool's server does not work"),
            Self::TooLarge => of(ToolStatus::TooLarge, None, "the tool's answer is too large"),
            Self::NoSession | Self::BrokenOff | Self::Protocol(_) => {
                of(ToolStatus::Failed, None, "the tool's server does not work")
            }
            Self::Refused(error) => told::refused(&error),
        }
    }
}

/// What a session was begun with.
#[derive(Debug)]
struct Session {
    /// Where the server gives one.
    id: Option<HeaderValue>,
    version: &'static str,
}

/// A server, for one call.
#[derive(Debug)]
pub struct Server {
    settings: McpServer,
    url: Option<Url>,
    egress: Arc<Egress>,
    rules: Arc<HostRules>,
    session: tokio::sync::Mutex<Option<Arc<Session>>>,
    newest: AtomicU64,
    /// Calls that have no answer.
    open: Mutex<BTreeSet<u64>>,
}

impl Server {
    /// Of a call's config; nothing is asked before it is needed.
    pub fn new(settings: &McpServer, egress: Arc<Egress>, rules: Arc<HostRules>) -> Self {
        Self {
            url: Url::parse(&settings.url).ok(),
            settings: settings.clone(),
            egress,
            rules,
            session: tokio::sync::Mutex::default(),
            newest: AtomicU64::new(0),
            open: Mutex::default(),
        }
    }

    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// A name for a request that is about to be made.
    pub fn next_id(&self) -> u64 {
        self.newest.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The tools that the bot allows.
    ///
    /// # Errors
    ///
    /// With why it cannot be said which they are.
    pub async fn list(&self) -> Result<Listed, Fault> {
        match timeout(LIST_WITHIN, self.pages()).await {
            Ok(pages) => Ok(pages?.listed()),
            Err(_) => Err(Fault::TimedOut),
        }
    }

    async fn pages(&self) -> Result<Pages<'_>, Fault> {
        let (mut pages, mut cursor) = (Pages::new(&self.settings), None);
        for _ in 0..MAX_PAGES {
            let params = cursor.as_ref().map_or_else(|| json!({}), |cursor| json!({"cursor": cursor}));
            let page = self.ask_in_session((self.next_id(), "tools/list"), params, MAX_PAGE_BYTES).await?;
            pages.add(&page)?;
            cursor = next_cursor(&page);
            if cursor.is_none() {
                return Ok(pages);
            }
        }
        pages.note_more();
        Ok(pages)
    }

    /// Call a tool by the server's own name of it. The request's name is one of [`Self::next_id`].
    pub async fn call(&self, id: u64, tool: &str, arguments: &Value) -> ToolAnswer {
        self.open().insert(id);
        let params = json!({"name": tool, "arguments": arguments});
        let asking = self.ask_in_session((id, "tools/call"), params, MAX_ANSWER_BYTES);
        let answer = match timeout(patience(self.settings.timeout_secs), asking).await {
            Ok(answer) => {
                self.open().remove(&id);
                answer
            }
            Err(_) => Err(Fault::TimedOut),
        };
        match answer {
            Ok(result) => told::told(&result),
            Err(fault) => {
                tracing::debug!(%fault, "a tool of a server failed");
                fault.told()
            }
        }
    }

    /// Nobody waits for the answer to this call any more: the server is told, within a bounded time.
    pub async fn give_up(&self, id: u64) {
        if self.open().remove(&id) {
            let _late = timeout(GIVE_UP_WITHIN, self.tell_given_up(id)).await;
        }
    }

    /// The call is over. What it waits for is given up, and the session ends, where it has a name.
    pub async fn end(&self) {
        let ending = async {
            let open = std::mem::take(&mut *self.open());
            for id in open {
                self.tell_given_up(id).await;
            }
            let Some(session) = self.session.lock().await.take() else { return };
            if session.id.is_some()
                && let Ok(request) = self.request(Method::DELETE, Some(&session))
            {
                // A server that ends none by order says so, and forgets it by itself.
                let _refused = request.send().await;
            }
        };
        let _late = timeout(END_WITHIN, ending).await;
    }

    async fn tell_given_up(&self, id: u64) {
        let session = self.session.lock().await.clone();
        // Without a session it has not got the request.
        let Some(session) = session else { return };
        let params = json!({"requestId": id, "reason": "nobody waits for it any more"});
        let _refused = self.post(Some(&session), &notification("notifications/cancelled", params)).await;
    }

    fn open(&self) -> std::sync::MutexGuard<'_, BTreeSet<u64>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ask in the session, which is begun if there is none. One that the server has forgotten is begun anew, once.
    async fn ask_in_session(
        &self,
        what: (u64, &str),
        params: Value,
        most_bytes: usize,
    ) -> Result<Value, Fault> {
        let session = self.session().await?;
        match self.ask(Some(&session), what, params.clone(), most_bytes).await {
            Err(Fault::NoSession) => {
                self.forget(&session).await;
                let session = self.session().await?;
                Ok(self.ask(Some(&session), what, params, most_bytes).await?.0)
            }
            answer => Ok(answer?.0),
        }
    }

    async fn session(&self) -> Result<Arc<Session>, Fault> {
        // Whoever comes meanwhile waits for the same one.
        let mut session = self.session.lock().await;
        if let Some(session) = &*session {
            return Ok(session.clone());
        }
        let begun = Arc::new(self.begin().await?);
        *session = Some(begun.clone());
        Ok(begun)
    }

    async fn forget(&self, of: &Arc<Session>) {
        let mut session = self.session.lock().await;
        session.take_if(|session| Arc::ptr_eq(session, of));
    }

    async fn begin(&self) -> Result<Session, Fault> {
        let what = (self.next_id(), "initialize");
        let (result, id) = self.ask(None, what, initialize(), MAX_PAGE_BYTES).await?;
        let said = result.get("protocolVersion").and_then(Value::as_str).unwrap_or_default();
        let version = VERSIONS.into_iter().find(|version| *version == said);
        let version = version.ok_or(Fault::Protocol("no revision of it that is known here"))?;
        let session = Session { id, version };
        self.post(Some(&session), &notification("notifications/initialized", json!({}))).await?;
        Ok(session)
    }

    /// One request and its answer, with the name of the session that begins with it.
    async fn ask(
        &self,
        session: Option<&Session>,
        (id, method): (u64, &str),
        params: Value,
        most_bytes: usize,
    ) -> Result<(Value, Option<HeaderValue>), Fault> {
        let response = self.post(session, &request(id, method, params)).await?;
        let name = response.headers().get(SESSION).cloned();
        let mut answer = Answer::of(response, most_bytes)?;
        let mut asides = 0;
        while let Some(message) = answer.next().await? {
            match Heard::read(message, id) {
                Heard::Answer(result) => return Ok((result, name)),
                Heard::Refusal(error) => return Err(Fault::Refused(error)),
                Heard::Asked { id, method } => {
                    asides += 1;
                    if asides > MAX_ASIDES {
                        return Err(Fault::Protocol("it asks more than it answers"));
                    }
                    // It waits for this before it goes on.
                    self.post(session, &reply(id, &method)).await?;
                }
                Heard::Other => {}
            }
        }
        Err(Fault::BrokenOff)
    }

    async fn post(&self, session: Option<&Session>, message: &Value) -> Result<Response, Fault> {
        let request = self.request(Method::POST, session)?;
        let request = request.header(CONTENT_TYPE, "application/json").body(message.to_string());
        let response = request.send().await.map_err(|error| of_failure(http_failure(error).class))?;
        let has_session = session.is_some_and(|session| session.id.is_some());
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::NOT_FOUND if has_session => Err(Fault::NoSession),
            StatusCode::TOO_MANY_REQUESTS => Err(Fault::Busy),
            status @ (StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::PROXY_AUTHENTICATION_REQUIRED) => Err(Fault::NotLetIn(status.as_u16())),
            status => Err(Fault::Status(status.as_u16())),
        }
    }

    fn request(&self, method: Method, session: Option<&Session>) -> Result<RequestBuilder, Fault> {
        let url = self.url.clone().ok_or(Fault::Settings)?;
        let request = self.egress.request_under(&self.rules, method, url);
        let mut request = request.map_err(|failure| {
            tracing::warn!(%failure, "the address of a server of tools may not be used");
            Fault::Forbidden
        })?;
        for header in &self.settings.headers {
            let value = match header.secret.is_empty() {
                true => HeaderValue::from_str(&header.value).ok(),
                false => secret_header("tool", header.secret.expose()).ok(),
            };
            request = request.header(header.name.as_str(), value.ok_or(Fault::Settings)?);
        }
        request = request.header(ACCEPT, ACCEPTED);
        let Some(session) = session else { return Ok(request) };
        request = request.header(VERSION, session.version);
        Ok(match &session.id {
            Some(id) => request.header(SESSION, id),
            None => request,
        })
    }
}

fn of_failure(class: FailureClass) -> Fault {
    match class {
        FailureClass::Forbidden => Fault::Forbidden,
        FailureClass::TimedOut => Fault::TimedOut,
        FailureClass::Refused => Fault::Settings,
        _ => Fault::Unreachable,
    }
}
