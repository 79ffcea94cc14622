//! Anthropic's Messages, streamed.

mod codec;
mod error;
mod event;
mod request;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::header::HeaderValue;
use url::Url;
use vox_shared::catalogue::ANTHROPIC;
use vox_shared::model::bot::LlmSettings;

pub use codec::MessageCodec;
pub use event::{Event, EventError, parse_event};

use super::keepsakes::Keepsakes;
use super::reply::EventReader;
use super::{LanguageModel, LlmEvent, LlmRequest, LlmStream, exchange};
use crate::provider::Failure;
use crate::provider::egress::chat::{endpoint, read_refusal, unknown_field};
use crate::provider::egress::{Egress, secret_header};
use crate::provider::extra::{Extra, Transport};
use crate::provider::outlet::{End, Outlet};
use request::{OPTIONAL, Template};

const NAME: &str = ANTHROPIC.name;

/// A model behind the Messages protocol.
#[derive(Clone, Debug)]
pub struct Anthropic {
    egress: Arc<Egress>,
    key: Option<HeaderValue>,
    version: HeaderValue,
    base: Arc<Url>,
    template: Arc<Template>,
    keepsakes: Keepsakes,
}

impl Anthropic {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong form, `Unauthorised` without a key (a server behind `base_url` may need none).
    pub fn from_settings(settings: &LlmSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let extra = Extra::new(&ANTHROPIC, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        let base = extra.base_url(Transport::Http);
        egress.check(&base)?;
        let key = key.expose();
        let key = if key.is_empty() { None } else { Some(secret_header(NAME, key)?) };
        let version = request::version(&extra)?;
        let template = Arc::new(Template::new(settings, &extra));
        Ok(Self {
            egress: Arc::clone(egress),
            key,
            version,
            base: Arc::new(base),
            template,
            keepsakes: Keepsakes::default(),
        })
    }

    /// Open a connection ahead of the first question: name, TCP and TLS are then out of the first reply's way.
    ///
    /// # Errors
    /// When the vendor cannot be reached or does not accept the key.
    pub async fn warm(&self) -> Result<(), Failure> {
        let asking = async {
            let request = self.request(reqwest::Method::GET, &["v1", "models"])?;
            exchange::send(NAME, request).await
        };
        exchange::open_ahead(NAME, asking, error::http_refusal).await
    }

    /// Ask. When the server does not take a field that a reply does not depend on, ask again without it; that is remembered.
    async fn post(&self, request: &LlmRequest) -> Result<reqwest::Response, Failure> {
        loop {
            let body = self.template.body(request, &self.keepsakes);
            let asking = self.request(reqwest::Method::POST, &["v1", "messages"])?.json(&body);
            let response = exchange::send(NAME, asking).await?;
            if response.status().is_success() {
                return Ok(response);
            }
            let refusal = read_refusal(response).await;
            let learnt = unknown_field(&refusal, &body, OPTIONAL)
                .is_some_and(|field| self.template.omitted.leave_out(NAME, field));
            if !learnt {
                return Err(error::http_refusal(&refusal));
            }
        }
    }

    fn request(&self, method: reqwest::Method, path: &[&str]) -> Result<reqwest::RequestBuilder, Failure> {
        let request = self.egress.request(method, endpoint(&self.base, path))?;
        let request = request.header("anthropic-version", self.version.clone());
        Ok(match &self.key {
            Some(key) => request.header("x-api-key", key.clone()),
            None => request,
        })
    }
}

impl exchange::Asked for Anthropic {
    async fn answer(&self, request: &LlmRequest, out: &mut Outlet<LlmEvent>) -> Result<LlmEvent, End> {
        let response = Box::pin(self.post(request)).await?;
        let reader = EventReader::new(MessageCodec::new(self.keepsakes.clone()));
        exchange::read(Box::pin(response.bytes_stream()), reader, out).await
    }

    async fn warm(&self) -> Result<(), Failure> {
        Self::warm(self).await
    }
}

impl LanguageModel for Anthropic {
    fn ask(&self, request: LlmRequest) -> LlmStream {
        exchange::ask(self, request)
    }

    fn warm_up(&self) {
        exchange::warm_up(self);
    }

    fn name(&self) -> &'static str {
        NAME
    }
}
