//! A call in a few sentences, when somebody asks for it: by the bot's model, once for each result of the call.

use std::time::Duration;

use jiff::SignedDuration;
use vox_shared::ids::{BotId, SessionId, TenantId};
use vox_shared::model::bot::BotSettings;

use super::Analyst;
use super::ask::{Prompt, Reply};
use super::begin::models;
use super::inquiry::{Inquiry, Unpaid, elsewhere};
use super::{job, prompt};
use crate::auth::secret_token;
use crate::bot::keys::fill_missing;
use crate::redaction;
use crate::store::calls::Call;
use crate::store::calls::analysis::{Summary, SummaryAsked};
use crate::store::ledger::Line;
use crate::store::tenants::Tenant;
use crate::store::{Reach, Stamp, StoreError, Stored};

/// Longest that a model may take: whoever asks waits for it, and for [`MAX_MODELS`] at most.
const DEADLINE: Duration = Duration::from_secs(30);
/// Models that are asked, one after the other.
const MAX_MODELS: usize = 3;
/// So much of an answer is kept, characters.
const MAX_CHARS: usize = 4_000;
/// Whoever asks for so long was killed: three models and the writing down take less.
const LOST_AFTER: SignedDuration = SignedDuration::from_mins(2);
/// Times that models are asked about one result of a call; what each time used is kept with it.
pub const MAX_ASKED: u32 = 10;
/// Tries against others that write the same call.
const MAX_WRITES: usize = 8;

/// Why there is no summary.
#[derive(Debug, thiserror::Error)]
pub enum SummaryError {
    #[error("the call has not ended; ask for its summary when it has")]
    Running,
    #[error("models are being asked for this summary already; ask again in a while")]
    Pending,
    #[error("models were asked for this summary {MAX_ASKED} times, which is the most")]
    TooMany,
    #[error("there is nothing to ask: {0}")]
    Nothing(String),
    #[error("no model answered: {0}")]
    Unanswered(String),
    #[error(transparent)]
    Unpaid(#[from] Unpaid),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Analyst {
    /// The summary of a call, made now if there is none of its present result. What a model is used for is charged, answered or not, and
    /// refused when the tenant's plan is spent, or the day's budget of the bot or the tenant.
    pub async fn summarise(&self, reach: &Reach, id: &SessionId) -> Result<Summary, SummaryError> {
        let (stores, tenant) = (&self.stores, reach.tenant());
        let call = stores.calls(reach.clone()).get_call(id).await?;
        if call.value.is_running() {
            return Err(SummaryError::Running);
        }
        if let Some(known) = known(&call.value) {
            return Ok(known);
        }
        let found = stores.tenants().get_tenant(tenant).await?.value;
        let settings = self.who_sums_up((tenant, &found), &call.value.bot_id).await?;
        let transcript = job::transcript(&redaction::for_model(&call.value));
        if transcript.iter().all(|line| line.text.trim().is_empty()) {
            return Err(nothing("nothing was said in the call"));
        }
        let (instructions, form) = prompt::summary();
        let inquiry = Inquiry {
            call_id: id.as_str(),
            question: "summary",
            rules: &found.egress,
            prompt: Prompt { instructions, material: prompt::transcript(&transcript), form },
            deadline: DEADLINE,
            max_models: MAX_MODELS,
            is_enough: |reply| text(reply).is_some(),
        };
        if let Some(known) = self.claim(reach, id).await? {
            return Ok(known);
        }
        let replies = self.inquire(&inquiry, &settings).await;
        self.keep((reach, id), &settings, &replies).await
    }

    /// Say in the call that models are asked now, before they are: nobody else asks meanwhile. Answers the summary that somebody else
    /// had made since.
    async fn claim(&self, reach: &Reach, id: &SessionId) -> Result<Option<Summary>, SummaryError> {
        let calls = self.stores.calls(reach.clone());
        for _ in 0..MAX_WRITES {
            let mut call = calls.get_call(id).await?;
            if let Some(known) = known(&call.value) {
                return Ok(Some(known));
            }
            let (now, record) = (Stamp(self.clock.now()), call.value.record());
            let asked = call.value.summary_asked.filter(|asked| asked.record == record);
            let asked = asked.unwrap_or(SummaryAsked { record, ..SummaryAsked::default() });
            if asked.until.is_some_and(|until| now < until) {
                return Err(SummaryError::Pending);
            }
            if asked.times >= MAX_ASKED {
                return Err(SummaryError::TooMany);
            }
            let (times, until) = (asked.times + 1, Some(now + LOST_AFTER));
            call.value.summary_asked = Some(SummaryAsked { record, times, until });
            match calls.replace_call(call).await {
                Err(StoreError::Conflict) => {}
                written => return Ok(written.map(|_| None)?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// The bot whose models are asked, with its keys.
    async fn who_sums_up(
        &self,
        (id, tenant): (&TenantId, &Tenant),
        bot_id: &BotId,
    ) -> Result<BotSettings, SummaryError> {
        let bot = self.stores.all_bots().find_with_deleted(bot_id).await?;
        let mut settings = bot.map(|bot| bot.value.settings).ok_or_else(|| nothing("the bot is gone"))?;
        self.check_purse((id, tenant), (bot_id, &settings)).await?;
        fill_missing(&mut settings, &self.stores.settings().vendor_keys(id).await?);
        if let Some(why) = elsewhere(&settings, tenant) {
            return Err(nothing(&why));
        }
        if models(&settings).next().is_none() {
            return Err(nothing(
                "the bot's model answers from a script and cannot sum up a call; give it another one",
            ));
        }
        Ok(settings)
    }

    /// Write down what was answered and what it used, and that nobody is asked any more.
    async fn keep(
        &self,
        (reach, id): (&Reach, &SessionId),
        settings: &BotSettings,
        replies: &[Reply],
    ) -> Result<Summary, SummaryError> {
        let calls = self.stores.calls(reach.clone());
        let of_request = format!("summary.{}", secret_token::random::<9>());
        for _ in 0..MAX_WRITES {
            let mut call = calls.get_call(id).await?;
            let now = Stamp(self.clock.now());
            let lines = self.charge(&mut call, replies, (&of_request, now)).await?;
            if known(&call.value).is_none() {
                call.value.summary = answered(&call, replies, (lines.clone(), now));
            }
            if let Some(asked) = &mut call.value.summary_asked {
                asked.until = None;
            }
            let (summary, bot) = (known(&call.value), call.value.bot_id.clone());
            match calls.replace_call(call).await {
                Err(StoreError::Conflict) => continue,
                written => drop(written?),
            }
            self.relay.wake();
            self.count((reach.tenant(), &bot), settings, &lines).await;
            return summary.ok_or_else(|| SummaryError::Unanswered(faults(replies)));
        }
        Err(StoreError::Conflict.into())
    }
}

fn nothing(why: &str) -> SummaryError {
    SummaryError::Nothing(why.to_owned())
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
