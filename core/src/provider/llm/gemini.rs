//! Google's `streamGenerateContent`, as the Gemini API and Vertex AI serve it.

mod codec;
mod door;
mod error;
mod event;
mod kept;
mod request;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use vox_shared::catalogue::{GEMINI, VERTEX, Vendor};
use vox_shared::model::bot::LlmSettings;

pub use codec::GenerateCodec;
pub use event::{Called, Chunk, End as ReplyEnd, EventError, parse_event};
pub use kept::KeptPrompts;

use super::keepsakes::Keepsakes;
use super::reply::EventReader;
use super::{LanguageModel, LlmEvent, LlmRequest, LlmStream, exchange};
use crate::provider::accounts::Accounts;
use crate::provider::egress::Egress;
use crate::provider::egress::chat::read_refusal;
use crate::provider::extra::Extra;
use crate::provider::outlet::{End, Outlet};
use crate::provider::{Failure, FailureClass};
use door::{Door, Making};
use kept::{FAILED_PAUSE, Plan, PromptId, REFUSED_PAUSE};
use request::{THINKING, Template};

/// Most characters of what a kept prompt is called in the vendor's lists.
const TITLE_CHARS: usize = 128;

/// A model behind `streamGenerateContent`.
#[derive(Clone, Debug)]
pub struct Gemini {
    vendor: &'static Vendor,
    door: Door,
    template: Arc<Template>,
    keepsakes: Keepsakes,
    kept: Arc<KeptPrompts>,
}

/// A prompt that the vendor may keep.
#[derive(Clone, Debug)]
struct Prompt {
    id: PromptId,
    fields: Value,
    title: String,
    life: Duration,
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
        Self {
            vendor,
            door,
            template: Arc::new(template),
            keepsakes: Keepsakes::default(),
            kept: Arc::default(),
        }
    }

    /// With the prompts that the vendor keeps for all calls of this process; otherwise a client has its own.
    pub fn sharing(self, kept: &Arc<KeptPrompts>) -> Self {
        Self { kept: Arc::clone(kept), ..self }
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

    /// Ask. A model that cannot think so little is asked as it is; that is remembered. One that has lost the prompt it kept is asked
    /// again with the whole of it.
    async fn post(&self, request: &LlmRequest) -> Result<reqwest::Response, Failure> {
        let prompt = self.prompt(request);
        let mut kept = prompt.as_ref().and_then(|prompt| self.kept_name(prompt));
        loop {
            let body = self.template.body(request, &self.keepsakes, kept.as_deref());
            let response = Box::pin(self.door.generate(&self.template.model, &body)).await?;
            if response.status().is_success() {
                return Ok(response);
            }
            let refusal = read_refusal(response).await;
            let is_about_thinking = refusal.status == 400
                && body["generationConfig"].get(THINKING).is_some()
                && refusal.body.to_ascii_lowercase().contains("thinking");
            if is_about_thinking && self.template.omitted.leave_out(self.vendor.name, THINKING) {
                continue;
            }
            // The vendor says "not found" and "denied" of a prompt that it does not keep any more, and has no code for it.
            match (&prompt, kept.take()) {
                (Some(prompt), Some(name)) if matches!(refusal.status, 400 | 403 | 404) => {
                    tracing::info!(
                        provider = self.vendor.name,
                        "a kept prompt is gone; it is asked with the whole"
                    );
                    if self.kept.lost(prompt.id, &name, Instant::now()) {
                        self.make(prompt.clone());
                    }
                }
                _ => return Err(error::http_refusal(self.vendor.name, &refusal)),
            }
        }
    }

    /// What the vendor may keep of a request.
    fn prompt(&self, request: &LlmRequest) -> Option<Prompt> {
        let fields = self.template.prompt(request)?;
        let id = self.door.prompt_id(&self.template.model, &fields.to_string());
        let title = request.cache_key.as_ref()?.name.chars().take(TITLE_CHARS).collect();
        Some(Prompt { id, fields, title, life: self.template.kept_for? })
    }

    /// The name to ask with, if the vendor keeps the prompt. It is made and renewed beside the question, which does not wait for it.
    fn kept_name(&self, prompt: &Prompt) -> Option<Arc<str>> {
        match self.kept.plan(prompt.id, prompt.life, Instant::now()) {
            Plan::Whole => None,
            Plan::WholeAndMake => {
                self.make(prompt.clone());
                None
            }
            Plan::Kept(name) => Some(name),
            Plan::KeptAndRenew(name) => {
                self.renew(prompt, Arc::clone(&name));
                Some(name)
            }
        }
    }

    fn make(&self, prompt: Prompt) {
        let (vendor, door, kept) = (self.vendor.name, self.door.clone(), Arc::clone(&self.kept));
        let model = self.template.model.clone();
        tokio::spawn(async move {
            let (then, life) = (Instant::now(), prompt.life);
            let made = Box::pin(door.keep(&model, &prompt.fields, (&prompt.title, life))).await;
            let pause = match made {
                Ok(Making::Made(name)) => return kept.made(prompt.id, name, (then, life)),
                Ok(Making::TooSmall(least)) => {
                    tracing::info!(
                        provider = vendor,
                        model,
                        least,
                        "the vendor keeps no prompt of so few tokens"
                    );
                    REFUSED_PAUSE
                }
                Err(failure) => {
                    tracing::warn!(provider = vendor, model, %failure, "no prompt is kept");
                    match failure.class {
                        FailureClass::Refused | FailureClass::Unauthorised => REFUSED_PAUSE,
                        _ => failure.retry_after.unwrap_or_default().max(FAILED_PAUSE),
                    }
                }
            };
            kept.leave(prompt.id, pause, Instant::now());
        });
    }

    fn renew(&self, prompt: &Prompt, name: Arc<str>) {
        let (vendor, door, kept) = (self.vendor.name, self.door.clone(), Arc::clone(&self.kept));
        let (id, life) = (prompt.id, prompt.life);
        tokio::spawn(async move {
            let then = Instant::now();
            let renewed = Box::pin(door.keep_on(&name, life)).await;
            if let Err(failure) = &renewed {
                tracing::info!(provider = vendor, %failure, "a kept prompt lives no longer than it would");
            }
            kept.renewed(id, &name, renewed.ok().map(|()| then + life));
        });
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
