//! OpenAI's Chat Completions, streamed, and every server that speaks them (`extra.base_url`).

mod error;
mod event;
mod reply;
mod request;
pub(crate) mod sse;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderValue};
use tokio::sync::mpsc;
use tokio::time::timeout;
use url::Url;
use vox_shared::catalogue::OPENAI;
use vox_shared::model::bot::LlmSettings;

pub use event::{Chunk, EventError, ToolPart, parse_event};
pub use sse::{SseError, SseEvent, SseParser};

use super::{LanguageModel, LlmEvent, LlmRequest, LlmStream};
use crate::provider::egress::chat::{self, Address};
use crate::provider::egress::{Egress, http_failure, secret_header};
use crate::provider::extra::{Extra, Transport};
use crate::provider::outlet::{End, Outlet};
use crate::provider::{Failure, FailureClass, STREAM_DEPTH, TaskGuard};
use request::{OPTIONAL, Template};

const NAME: &str = OPENAI.name;
/// Request to response head. The session gives up much earlier; this ends what it forgot.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);
/// Opening a connection ahead is a favour, not worth a long wait.
const WARM_DEADLINE: Duration = Duration::from_secs(5);

/// A chat model behind the Chat Completions protocol.
#[derive(Clone, Debug)]
pub struct OpenAi {
    egress: Arc<Egress>,
    authorization: Option<HeaderValue>,
    address: Arc<Address>,
    template: Arc<Template>,
}

impl OpenAi {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type, `Unauthorised` without a key (a server behind `base_url` may need none).
    pub fn from_settings(settings: &LlmSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let extra = Extra::new(&OPENAI, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        let base = extra.base_url(Transport::Http);
        let address = Arc::new(Address::new(base));
        egress.check(address.written())?;
        let key = key.expose();
        let authorization =
            if key.is_empty() { None } else { Some(secret_header(NAME, &format!("Bearer {key}"))?) };
        let template = Arc::new(Template::new(settings, &extra)?);
        Ok(Self { egress: Arc::clone(egress), authorization, address, template })
    }

    /// Open a connection ahead of the first question: name, TCP and TLS are then out of the first reply's way.
    ///
    /// # Errors
    /// When the vendor cannot be reached or does not accept the key.
    pub async fn warm(&self) -> Result<(), Failure> {
        let exchange = async {
            let request = self.request(reqwest::Method::GET, self.address.route(&["models"]))?;
            let answer = request.send().await.map_err(http_failure)?;
            if !answer.status().is_success() {
                let refusal = chat::read_refusal(answer).await;
                // A server without this list still has its connection open now.
                return if refusal.status == 404 { Ok(()) } else { Err(chat::http_refusal(&refusal)) };
            }
            // The connection returns to the pool once its body is read.
            stream::drain(answer).await;
            Ok(())
        };
        let late = |_| Failure::new(FailureClass::TimedOut, "openai: no connection in time");
        timeout(WARM_DEADLINE, Box::pin(exchange)).await.map_err(late)?
    }

    async fn run(self, request: LlmRequest, events: mpsc::Sender<LlmEvent>) {
        let mut outlet = Outlet::new(events);
        let last = match self.answer(&request, &mut outlet).await {
            Ok(done) => Some(done),
            Err(End::Failed(failure)) => Some(LlmEvent::Failed(failure)),
            Err(End::ReaderGone) => return,
        };
        outlet.finish(last).await;
    }

    async fn answer(&self, request: &LlmRequest, out: &mut Outlet<LlmEvent>) -> Result<LlmEvent, End> {
        let answer = Box::pin(self.post(request)).await?;
        stream::read(answer, out).await
    }

    /// Ask. When the server names a field it does not know, ask again without it, when it has no such route, ask below `/v1`;
    /// both are remembered.
    async fn post(&self, request: &LlmRequest) -> Result<stream::Answer, Failure> {
        loop {
            let body = self.template.body(request);
            let url = self.address.route(&["chat", "completions"]);
            let sending = self.request(reqwest::Method::POST, url.clone())?.json(&body).send();
            let late = |_| Failure::new(FailureClass::TimedOut, "openai: no answer in time");
            let response = timeout(HEAD_DEADLINE, sending).await.map_err(late)?.map_err(http_failure)?;
            if response.status().is_success() {
                let answer = stream::Answer::of(response).await?;
                if answer.is_web_page() && self.address.turn(&url) {
                    continue;
                }
                return Ok(answer);
            }
            let refusal = chat::read_refusal(response).await;
            let learnt = chat::unknown_field(&refusal, &body, OPTIONAL)
                .is_some_and(|field| self.template.leave_out(field));
            let turned = chat::has_no_route(&refusal) && self.address.turn(&url);
            if !learnt && !turned {
                return Err(chat::http_refusal(&refusal));
            }
        }
    }

    fn request(&self, method: reqwest::Method, url: Url) -> Result<reqwest::RequestBuilder, Failure> {
        let mut request = self.egress.request(method, url)?;
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        Ok(request)
    }
}

impl LanguageModel for OpenAi {
    fn ask(&self, request: LlmRequest) -> LlmStream {
        let (sender, events) = mpsc::channel(STREAM_DEPTH);
        let task = tokio::spawn(self.clone().run(request, sender));
        LlmStream { events, task: TaskGuard::new(task) }
    }

    fn warm_up(&self) {
        let client = self.clone();
        tokio::spawn(async move {
            if let Err(failure) = client.warm().await {
                tracing::debug!(%failure, "no connection ahead of the first question");
            }
        });
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests;
