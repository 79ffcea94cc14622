//! Google's `streamGenerateContent`, as the Gemini API and Vertex AI serve it.

mod codec;
mod door;
mod error;
mod event;
mod request;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use vox_shared::catalogue::{GEMINI, VERTEX, Vendor};
use vox_shared::model::bot::LlmSettings;

pub use codec::GenerateCodec;
pub use event::{Called, Chunk, End as ReplyEnd, EventError, parse_event};

use super::keepsakes::Keepsakes;
use super::reply::EventReader;
use super::{LanguageModel, LlmEvent, LlmRequest, LlmStream, exchange};
use crate::provider::Failure;
use crate::provider::accounts::Accounts;
use crate::provider::egress::Egress;
use crate::provider::egress::chat::read_refusal;
use crate::provider::extra::Extra;
use crate::provider::outlet::{End, Outlet};
use door::Door;
use request::{THINKING, Template};

/// A model behind `streamGenerateContent`.
#[derive(Clone, Debug)]
pub struct Gemini {
    vendor: &'static Vendor,
    door: Door,
    template: Arc<Template>,
    keepsakes: Keepsakes,
}

impl Gemini {
    /// A model of the Gemini API. Nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong form, `Unauthorised` without a key (a server behind `base_url` may need none).
    pub fn from_settings(settings: &LlmSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let extra = Extra::new(&GEMINI, &settings.extra)?;
        let door = Door::with_key(settings, &extra, egress)?;
        Ok(Self::behind(&GEMINI, door, Template::new(&GEMINI, settings, &extra)))
    }

    /// A model of Vertex AI, by the tokens of a service account. Nothing is connected yet; the account's first token is asked for.
    ///
    /// # Errors
    /// As [`Self::from_settings`]; `Unauthorised` for a key that is no service account's key file.
    pub fn of_vertex(
        settings: &LlmSettings,
        egress: &Arc<Egress>,
        accounts: &Accounts,
    ) -> Result<Self, Failure> {
        let extra = Extra::new(&VERTEX, &settings.extra)?;
        let door = Door::with_account(settings, &extra, (egress, accounts))?;
        Ok(Self::behind(&VERTEX, door, Template::new(&VERTEX, settings, &extra)))
    }

    fn behind(vendor: &'static Vendor, door: Door, template: Template) -> Self {
        Self { vendor, door, template: Arc::new(template), keepsakes: Keepsakes::default() }
    }

    /// Open a connection ahead of the first question: name, TCP and TLS are then out of the first reply's way.
    ///
    /// # Errors
    /// When the vendor cannot be reached or does not accept the key.
    pub async fn warm(&self) -> Result<(), Failure> {
        let name = self.vendor.name;
        let asking = self.door.knock(&self.template.model);
        exchange::open_ahead(name, asking, |refusal| error::http_refusal(name, refusal)).await
    }

    /// Ask. A model that cannot think so little is asked as it is; that is remembered.
    async fn post(&self, request: &LlmRequest) -> Result<reqwest::Response, Failure> {
        loop {
            let body = self.template.body(request, &self.keepsakes);
            let response = Box::pin(self.door.generate(&self.template.model, &body)).await?;
            if response.status().is_success() {
                return Ok(response);
            }
            let refusal = read_refusal(response).await;
            let is_about_thinking = refusal.status == 400
                && body["generationConfig"].get(THINKING).is_some()
                && refusal.body.to_ascii_lowercase().contains("thinking");
            if !is_about_thinking || !self.template.omitted.leave_out(self.vendor.name, THINKING) {
                return Err(error::http_refusal(self.vendor.name, &refusal));
            }
        }
    }
}

impl exchange::Asked for Gemini {
    async fn answer(&self, request: &LlmRequest, out: &mut Outlet<LlmEvent>) -> Result<LlmEvent, End> {
        let response = Box::pin(self.post(request)).await?;
        let reader = EventReader::new(GenerateCodec::new(self.vendor.name, self.keepsakes.clone()));
        exchange::read(Box::pin(response.bytes_stream()), reader, out).await
    }

    async fn warm(&self) -> Result<(), Failure> {
        Self::warm(self).await
    }
}

impl LanguageModel for Gemini {
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
