//! A call in a few sentences, when somebody asks for it: by the bot's model, once for each result of the call.

use std::time::Duration;

use vox_shared::egress::HostRules;
use vox_shared::ids::SessionId;
use vox_shared::model::bot::BotSettings;

use super::Analyst;
use super::ask::{Prompt, Reply, ask};
use super::begin::models;
use super::{job, prompt};
use crate::auth::secret_token;
use crate::billing::charge::analysis_line;
use crate::billing::cost::PriceList;
use crate::billing::gate::{Gate, GateError};
use crate::bot::keys::fill_missing;
use crate::bot::residency;
use crate::redaction;
use crate::store::calls::Call;
use crate::store::calls::analysis::Summary;
use crate::store::ledger::Line;
use crate::store::outbox::{Follows, Outbox, Pending};
use crate::store::{Reach, Stamp, StoreError, Stored};

/// Longest that a model may take: whoever asks waits for it, and for [`MAX_MODELS`] at most.
const DEADLINE: Duration = Duration::from_secs(30);
/// Models that are asked, one after the other.
const MAX_MODELS: usize = 3;
/// So much of an answer is kept, characters.
const MAX_CHARS: usize = 4_000;
/// Tries against others that write the same call.
const MAX_WRITES: usize = 8;

/// Why there is no summary.
#[derive(Debug, thiserror::Error)]
pub enum SummaryError {
    #[error("the call has not ended; ask for its summary when it has")]
    Running,
    #[error("there is nothing to ask: {0}")]
    Nothing(String),
    #[error("no model answered: {0}")]
    Unanswered(String),
    #[error(transparent)]
    Gate(#[from] GateError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Analyst {
    /// The summary of a call, made now if there is none of its present result. What a model is used for is charged, answered or not.
    pub async fn summarise(&self, reach: &Reach, id: &SessionId) -> Result<Summary, SummaryError> {
        let (stores, tenant) = (&self.stores, reach.tenant());
        let call = stores.calls(reach.clone()).get_call(id).await?;
        if call.value.is_running() {
            return Err(SummaryError::Running);
        }
        if let Some(known) = known(&call.value) {
            return Ok(known);
        }
        let found = stores.tenants().find(tenant).await?.ok_or(StoreError::NotFound)?.value;
        let gate = Gate { stores: stores.clone(), clock: self.clock.clone() };
        gate.check(tenant, found.allowance.as_ref()).await?;
        let bot = stores.all_bots().find_with_deleted(&call.value.bot_id).await?;
        let nothing = |why: &str| SummaryError::Nothing(why.to_owned());
        let mut settings = bot.map(|bot| bot.value.settings).ok_or_else(|| nothing("the bot is gone"))?;
        fill_missing(&mut settings, &stores.settings().vendor_keys(tenant).await?);
        let elsewhere = residency::refused(&settings, found.pin().as_ref()).into_iter();
        if let Some(fault) = elsewhere.into_iter().find(|fault| fault.path.starts_with("llm.")) {
            return Err(SummaryError::Nothing(fault.message));
        }
        if models(&settings).next().is_none() {
            return Err(nothing(
                "the bot's model answers from a script and cannot sum up a call; give it another one",
            ));
        }
        let transcript = job::transcript(&redaction::for_model(&call.value));
        if transcript.iter().all(|line| line.text.trim().is_empty()) {
            return Err(nothing("nothing was said in the call"));
        }
        let (instructions, form) = prompt::summary();
        let prompt = Prompt { instructions, material: prompt::transcript(&transcript), form };
        let replies = self.ask_models(&found.egress, &settings, &prompt).await;
        self.keep(reach, id, &replies).await
    }

    /// One model after the other, until one answers with a text.
    async fn ask_models(&self, rules: &HostRules, settings: &BotSettings, prompt: &Prompt) -> Vec<Reply> {
        let mut replies = Vec::new();
        for model in models(settings).take(MAX_MODELS) {
            let reply = ask((&self.egress, rules), model, prompt, DEADLINE).await;
            let is_answered = text(&reply).is_some();
            replies.push(reply);
            if is_answered {
                break;
            }
        }
        replies
    }

    /// Write down what was answered and what it used. Of two that were asked for at once the first one stands; both are charged.
    async fn keep(&self, reach: &Reach, id: &SessionId, replies: &[Reply]) -> Result<Summary, SummaryError> {
        let (calls, nonce) = (self.stores.calls(reach.clone()), secret_token::random::<9>());
        for _ in 0..MAX_WRITES {
            let mut call = calls.get_call(id).await?;
            let lines = self.lines(&call.value, replies).await?;
            let now = Stamp(self.clock.now());
            for (n, line) in lines.iter().enumerate() {
                let (id, what) = (format!("ledger.summary.{nonce}.{n}"), Follows::Ledger(line.clone()));
                Outbox::push(&mut call.value.outbox, Pending { id, at: now, what });
            }
            if known(&call.value).is_none() {
                call.value.summary = answered(&call, replies, (lines, now));
            }
            let summary = known(&call.value);
            match calls.replace_call(call).await {
                Err(StoreError::Conflict) => continue,
                written => drop(written?),
            }
            self.relay.wake();
            return summary.ok_or_else(|| SummaryError::Unanswered(faults(replies)));
        }
        Err(StoreError::Conflict.into())
    }

    async fn lines(&self, call: &Call, replies: &[Reply]) -> Result<Vec<Line>, StoreError> {
        let vendors = replies.iter().map(|reply| reply.by.0);
        let prices = PriceList::read(&self.crm.memory, vendors, call.created_at).await?;
        let used = replies.iter().filter(|reply| reply.used.requests > 0);
        Ok(used.map(|reply| analysis_line(call, (reply.by.0, &reply.by.1), &reply.used, &prices)).collect())
    }
}

/// That of the call's present result.
fn known(call: &Call) -> Option<Summary> {
    call.summary.clone().filter(|summary| summary.record == call.record())
}

fn answered(call: &Stored<Call>, replies: &[Reply], (used, made_at): (Vec<Line>, Stamp)) -> Option<Summary> {
    let reply = replies.last()?;
    let (vendor, model) = &reply.by;
    let model = format!("{vendor} {model}");
    Some(Summary { record: call.value.record(), text: text(reply)?, model, made_at, used })
}

fn text(reply: &Reply) -> Option<String> {
    let text = reply.answer.as_ref().ok()?.get("summary")?.as_str()?.trim();
    (!text.is_empty()).then(|| text.chars().take(MAX_CHARS).collect())
}

fn faults(replies: &[Reply]) -> String {
    let told = replies.iter().map(|reply| match &reply.answer {
        Ok(_) => "the answer has no field `summary`".to_owned(),
        Err(failure) => failure.detail.clone(),
    });
    told.collect::<Vec<_>>().join("; ")
}
