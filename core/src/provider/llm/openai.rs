//! OpenAI's Chat Completions, streamed, and every server that speaks them (`extra.base_url`).

mod error;
mod event;
mod reply;
mod request;
mod stream;

use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderValue};
use url::Url;
use vox_shared::catalogue::Vendor;
use vox_shared::model::bot::LlmSettings;

pub use event::{Chunk, EventError, ToolPart, parse_event};

use super::{Body, LanguageModel, LlmEvent, LlmRequest, LlmStream, exchange};
use crate::provider::Failure;
use crate::provider::egress::chat::{self, Address};
use crate::provider::egress::{Egress, secret_header};
use crate::provider::extra::{Extra, Transport};
use crate::provider::outlet::{End, Outlet};
use request::{OPTIONAL, Template};

/// An answer of this vendor's, read without a connection.
pub fn body(vendor: &'static str) -> Body {
    Body::of(stream::Reader::new(vendor))
}

/// A chat model behind the Chat Completions protocol.
#[derive(Clone, Debug)]
pub struct OpenAi {
    vendor: &'static Vendor,
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
    pub fn from_settings(
        vendor: &'static Vendor,
        settings: &LlmSettings,
        egress: &Arc<Egress>,
    ) -> Result<Self, Failure> {
        let extra = Extra::new(vendor, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        let base = extra.base_url(Transport::Http);
        let address = Arc::new(Address::new(base));
        egress.check(address.written())?;
        let key = key.expose();
        let authorization =
            if key.is_empty() { None } else { Some(secret_header(vendor.name, &format!("Bearer {key}"))?) };
        let template = Arc::new(Template::new(vendor, settings, &extra)?);
        Ok(Self { vendor, egress: Arc::clone(egress), authorization, address, template })
    }

    /// Open a connection ahead of the first question: name, TCP and TLS are then out of the first reply's way.
    ///
    /// # Errors
    /// When the vendor cannot be reached or does not accept the key.
    pub async fn warm(&self) -> Result<(), Failure> {
        let asking = async {
            let request = self.request(reqwest::Method::GET, self.address.route(&["models"]))?;
            exchange::send(self.vendor.name, request).await
        };
        exchange::open_ahead(self.vendor.name, asking, |refusal| {
            chat::http_refusal(self.vendor.name, refusal)
        })
        .await
    }

    /// Ask. When the server names a field it does not know, ask again without it, when it has no such route, ask below `/v1`;
    /// both are remembered.
    async fn post(&self, request: &LlmRequest) -> Result<stream::Answer, Failure> {
        loop {
            let body = self.template.body(request);
            let url = self.address.route(&["chat", "completions"]);
            let asking = self.request(reqwest::Method::POST, url.clone())?.json(&body);
            let response = exchange::send(self.vendor.name, asking).await?;
            if response.status().is_success() {
                let answer = stream::Answer::of(self.vendor.name, response).await?;
                if answer.is_web_page() && self.address.turn(&url) {
                    continue;
                }
                return Ok(answer);
            }
            let refusal = chat::read_refusal(response).await;
            let learnt = chat::unknown_field(&refusal, &body, OPTIONAL)
                .is_some_and(|field| self.template.omitted.leave_out(self.vendor.name, field));
            let turned = chat::has_no_route(&refusal) && self.address.turn(&url);
            if !learnt && !turned {
                return Err(chat::http_refusal(self.vendor.name, &refusal));
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

impl exchange::Asked for OpenAi {
    async fn answer(&self, request: &LlmRequest, out: &mut Outlet<LlmEvent>) -> Result<LlmEvent, End> {
        let answer = Box::pin(self.post(request)).await?;
        stream::read(self.vendor.name, answer, out).await
    }

    async fn warm(&self) -> Result<(), Failure> {
        Self::warm(self).await
    }
}

impl LanguageModel for OpenAi {
    fn ask(&self, request: LlmRequest) -> LlmStream {
        exchange::ask(self, request)
    }

    fn warm_up(&self) {
        exchange::warm_up(self);
    }

    fn name(&self) -> &'static str {
        self.vendor.name
    }
}

#[cfg(test)]
mod tests;
