//! The result of a call: exactly one terminal record, however often and in whatever order it is delivered.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use vox_shared::clock::Clock;
use vox_shared::wire::result::{CallResult, DisconnectedBy};

use crate::analysis::begin::begin;
use crate::auth::of_call::Seen;
use crate::auth::secret_token;
use crate::auth::token::{SigningFailed, Tokens};
use crate::billing::budget::{Purse, counted_anew};
use crate::billing::charge;
use crate::campaign::calls::{CallDesk, CallError, word_of};
use crate::campaign::outcome::Word;
use crate::crm::push::{PATIENCE, follows};
use crate::jobs::relay::Relay;
use crate::live::{End, Live, Whose};
use crate::metrics::Metrics;
use crate::redaction;
use crate::runtime::config::{short, take_reserved};
use crate::runtime::memory::Memory;
use crate::store::calls::analysis::Analysis;
use crate::store::calls::names::Names;
use crate::store::calls::{Call, CallStatus};
use crate::store::engine::EngineError;
use crate::store::outbox::{Follows, Outbox, Pending};
use crate::store::{Stamp, StoreError, Stored, Stores};
use crate::verdict::judge;

/// Tries against others that write the same call.
const MAX_TRIES: usize = 8;
/// Longest name of a recording, bytes: calls are found by having one. A longer one is no recording's.
const MAX_RECORDING_KEY: usize = 512;
/// Shortest recording token accepted from a worker, characters: 24 bytes URL-safe.
const MIN_LINK_CHARS: usize = 32;

/// What became of a delivery. In every case the worker need not deliver it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is the call's terminal record now.
    Stored,
    /// The call has its terminal record already; this one changed nothing.
    AlreadyStored,
    /// The call was deleted: nothing of it is kept.
    Deleted,
}

/// Why a result was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    #[error("neither this session nor its bot is known here")]
    UnknownCall,
    #[error("the recording link could not be made")]
    Link(#[from] SigningFailed),
    #[error("what the call says of its campaign's attempt could not be noted")]
    Attempt(#[from] CallError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where results go.
#[derive(Clone)]
pub struct Results {
    pub stores: Stores,
    pub memory: Memory,
    pub clock: Clock,
    pub tokens: Arc<Tokens>,
    pub metrics: Arc<Metrics>,
    pub relay: Relay,
    pub live: Live,
    pub purse: Purse,
    pub call_desk: CallDesk,
}

/// Take a delivered result. `raw` is the message without its nulls, kept as it came; a call that is not known here is kept under this
/// claim.
pub async fn record(
    into: &Results,
    raw: Map<String, Value>,
    result: &CallResult,
    (claim_hash, seen): (Option<&str>, Seen),
) -> Result<Outcome, ResultError> {
    let outcome = Box::pin(keep(into, raw, result, (claim_hash, seen))).await?;
    // After a delivery that was broken off here the call has its record: what follows is written all the same.
    if outcome != Outcome::Deleted
        && let Some((attempt, word)) = word_of(result)
    {
        Box::pin(into.call_desk.heard(&attempt, &word)).await?;
    }
    Ok(outcome)
}

async fn keep(
    into: &Results,
    raw: Map<String, Value>,
    result: &CallResult,
    (claim_hash, seen): (Option<&str>, Seen),
) -> Result<Outcome, ResultError> {
    let (mut raw, mut seen) = (raw, seen);
    // The token opens the recording; only its hash is kept.
    let given = raw.remove("recording_access_token").and_then(|t| t.as_str().map(str::to_owned));
    let own = into.tokens.recording_link(&result.session_id, 0)?;
    let mut token = given.filter(|t| acceptable(t)).unwrap_or_else(|| own.clone());
    for _ in 0..MAX_TRIES {
        let known = match std::mem::take(&mut seen) {
            Seen::Just(call) => call.map(|call| *call),
            Seen::Not => into.stores.all_calls().find_with_deleted(&result.session_id).await?,
        };
        if known.as_ref().is_some_and(|k| k.value.is_deleted()) {
            return Ok(Outcome::Deleted);
        }
        if known.as_ref().is_some_and(|k| !replaces(&Ending::of_call(&k.value), &Ending::of_result(result))) {
            return Ok(Outcome::AlreadyStored);
        }
        let is_first = known.as_ref().is_none_or(|k| k.value.disconnected_by.is_none());
        let is_new = known.is_none();
        let mut call = match known {
            Some(known) => known,
            None => without_skeleton(into, result, claim_hash).await?,
        };
        let mut told = raw.clone();
        let left = redaction::result(call.value.redaction.as_ref(), &mut told);
        if left > 0 {
            tracing::warn!(
                left,
                "a worker delivered texts in which something is to be hidden; the bridge hid it"
            );
        }
        apply(&mut call.value, into, result, told);
        let prices = charge::prices(&into.memory, &call.value, result).await?;
        charge::charge(&mut call.value, result, &prices);
        let change = counted_anew(&mut call.value);
        tell(&mut call, result);
        judge_it(into, &mut call, result).await?;
        push(into, &mut call, result).await?;
        link(&mut call.value, &token);
        let (tenant, bot) = (call.value.tenant_id.clone(), call.value.bot_id.clone());
        let charged = call.value.charges.as_ref().map(|charges| charges.lines.clone()).unwrap_or_default();
        let calls = into.stores.calls(&tenant);
        let written = match is_new {
            true => calls.insert_call(&result.session_id, call.value).await,
            false => calls.replace_call(call).await,
        };
        match written {
            Ok(call) => {
                // A call is counted once: what takes the place of a guess was counted with the guess.
                if let Some(change) = change {
                    into.purse.settle((&tenant, &bot), &change).await;
                }
                if is_first {
                    into.metrics.calls().ended(&tenant, result, &charged);
                    let whose = Whose::new(result.session_id.clone(), tenant, bot);
                    let end = End::new(result.disconnected_by, result.call_duration_seconds);
                    into.live.ended(whose, end);
                }
                into.relay.hand_over(call);
                return Ok(Outcome::Stored);
            }
            // Another delivery was faster, or another call has the worker's token: ours is free.
            Err(StoreError::Duplicate | StoreError::Conflict) => token.clone_from(&own),
            Err(error) => return Err(error.into()),
        }
    }
    // To be delivered again: a conflict would be the worker's fault, and its record set aside for good.
    Err(StoreError::Engine(EngineError::Unavailable("others write the call all the time".into())).into())
}

/// The link that a result brings, unless somebody made another or revoked it.
fn link(call: &mut Call, token: &str) {
    if call.custody.as_ref().is_none_or(|custody| custody.link.is_none()) {
        call.recording_token_hash = Some(secret_token::hash(token));
    }
}

/// How a call ended, and whether somebody who has its journal says so.
struct Ending {
    by: Option<DisconnectedBy>,
    /// The record names the worker that had the call. What is closed here because nobody said anything names none.
    is_from_worker: bool,
}

impl Ending {
    fn of_call(call: &Call) -> Self {
        Self {
            by: call.disconnected_by,
            is_from_worker: call.result.as_ref().is_some_and(|r| r.contains_key("worker_id")),
        }
    }

    fn of_result(result: &CallResult) -> Self {
        Self { by: Some(result.disconnected_by), is_from_worker: result.worker_id.is_some() }
    }
}

/// Whether a record ending in `new` takes the place of one ending in `old`: a call has one terminal record. The guess that
/// the worker was lost gives way to the worker's own word, and the bridge's guess, which has no transcript, also to that of
/// a neighbour, which has what the journal held.
fn replaces(old: &Ending, new: &Ending) -> bool {
    match old.by {
        None => true,
        Some(DisconnectedBy::WorkerLost) => {
            new.by != Some(DisconnectedBy::WorkerLost) || (!old.is_from_worker && new.is_from_worker)
        }
        Some(_) => false,
    }
}

/// The call of a result whose config fetch was never stored. Its bot says whose it is.
async fn without_skeleton(
    into: &Results,
    result: &CallResult,
    claim_hash: Option<&str>,
) -> Result<Stored<Call>, ResultError> {
    let bot_id = result.bot_id.clone().ok_or(ResultError::UnknownCall)?;
    let bot = into.memory.bot(&bot_id).await?.ok_or(ResultError::UnknownCall)?;
    let began =
        result.started_at.as_deref().and_then(|at| at.parse().ok()).unwrap_or_else(|| into.clock.now());
    let mut value = Call {
        redaction: bot.settings.redaction.is_on().then(|| bot.settings.redaction.clone()),
        claim_hash: claim_hash.map(str::to_owned),
        ..Call::begun((&bot.tenant_id, &bot_id), Stamp(began))
    };
    // Nobody counted it when it began.
    charge::begin(&mut value);
    Ok(Stored { id: result.session_id.to_string(), version: 0, value })
}

/// What the result says goes over what the skeleton says; what it does not say leaves the skeleton alone.
fn apply(call: &mut Call, into: &Results, result: &CallResult, raw: Map<String, Value>) {
    fn over(old: &mut Option<String>, new: &Option<String>) {
        if new.is_some() {
            old.clone_from(new);
        }
    }
    call.status = CallStatus::of(result.disconnected_by);
    call.disconnected_by = Some(result.disconnected_by);
    call.completed_at = Some(Stamp(into.clock.now()));
    call.deadline = None;
    call.duration_seconds = Some(result.call_duration_seconds);
    call.worker_id = result.worker_id.clone().or(call.worker_id.take());
    if let Some(caller) = result.caller_id.as_ref().or(result.from_number.as_ref()) {
        call.caller_id = short(caller.clone());
    }
    over(&mut call.stream_id, &result.stream_id);
    over(&mut call.direction, &result.call_direction);
    over(&mut call.transport, &result.transport);
    over(&mut call.recording_key, &recording_key(result));
    if let (None, Some(Value::Object(event))) = (&call.connected_event, &result.connected_event) {
        let mut event = event.clone();
        take_reserved(&mut event);
        call.connected_event = Some(Value::Object(event));
    }
    let names = call.names.take().unwrap_or_default().or_newer(Names::told(&raw));
    call.names = Some(names).filter(|names| *names != Names::default());
    let at = Some(Stamp(into.clock.now()));
    call.attempt_word = word_of(result).map(|(_, word)| Box::new(Word { at, ..word }));
    call.result = Some(raw);
}

/// Say in the call's outbox how it ended. What takes the place of a guess is told again.
fn tell(call: &mut Stored<Call>, result: &CallResult) {
    let Some(at) = call.value.completed_at else { return };
    let told = match CallStatus::of(result.disconnected_by) {
        CallStatus::Completed => json!({
            "call_id": call.id,
            "duration_seconds": result.call_duration_seconds,
            "end_reason": result.disconnected_by.as_str(),
        }),
        status => {
            json!({ "call_id": call.id, "reason": failure(status), "end_reason": result.disconnected_by.as_str() })
        }
    };
    let Value::Object(data) = told else { return };
    let event = if data.contains_key("reason") { "call.failed" } else { "call.ended" };
    // The version is that of the document before: each terminal record has another.
    let id = format!("{event}.{}", call.version);
    Outbox::push(
        &mut call.value.outbox,
        Pending { id, at, what: Follows::Event { event: event.into(), data } },
    );
}

/// Say what came of the call by rule, and begin to ask about it what the bot asks.
async fn judge_it(into: &Results, call: &mut Stored<Call>, result: &CallResult) -> Result<(), StoreError> {
    let bot = into.memory.bot(&call.value.bot_id).await?;
    let settings = bot.as_ref().map(|bot| &bot.settings);
    let own = settings.and_then(|settings| settings.auto_dispositions.as_ref());
    call.value.verdict = Some(judge(result.into(), own));
    if let (Some(settings), Some(at)) = (settings, call.value.completed_at) {
        begin(&mut call.value, &result.session_id, settings, at);
    }
    Ok(())
}

/// Have the result pushed to the bot's CRM, if it has one. What takes the place of a guess is pushed again.
async fn push(into: &Results, call: &mut Stored<Call>, result: &CallResult) -> Result<(), StoreError> {
    let Some(at) = call.value.completed_at else { return Ok(()) };
    if call.value.crm.as_ref().is_some_and(|crm| crm.skip_push) {
        return Ok(());
    }
    let crm = into.memory.crm(&call.value.tenant_id, &call.value.bot_id).await?;
    if crm.is_some_and(|crm| crm.push.as_ref().is_some_and(|push| push.enabled)) {
        // What models make of the call is sent with it; who settles that has the push begin.
        let waits = call.value.analysis.as_ref().is_some_and(Analysis::is_pending).then(|| at + PATIENCE);
        let record = call.value.record();
        let entry = follows((&result.session_id, &call.value.bot_id), record, (at, waits));
        Outbox::push(&mut call.value.outbox, entry);
    }
    Ok(())
}

/// The reason as the contract has it.
fn failure(status: CallStatus) -> &'static str {
    match status {
        CallStatus::Started | CallStatus::Completed | CallStatus::Failed => "error",
        other => other.as_str(),
    }
}

/// The key, or the last segment of the address.
fn recording_key(result: &CallResult) -> Option<String> {
    let from_url = || {
        let path = result.recording_url.as_deref()?.split(['?', '#']).next()?;
        path.rsplit('/').next().filter(|s| !s.is_empty()).map(str::to_owned)
    };
    result.recording_key.clone().or_else(from_url).filter(|key| key.len() <= MAX_RECORDING_KEY)
}

fn acceptable(token: &str) -> bool {
    (MIN_LINK_CHARS..=secret_token::MAX_TOKEN_BYTES).contains(&token.len())
        && token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use DisconnectedBy::{Bot, Customer, WorkerLost};

    #[test]
    fn only_a_lost_worker_gives_way() {
        let own = |by| Ending { by: Some(by), is_from_worker: true };
        let guess = || Ending { by: Some(WorkerLost), is_from_worker: false };
        let none = Ending { by: None, is_from_worker: false };
        assert!(replaces(&none, &own(WorkerLost)) && replaces(&none, &own(Bot)) && replaces(&none, &guess()));
        assert!(replaces(&own(WorkerLost), &own(Bot)) && replaces(&guess(), &own(Bot)));
        assert!(replaces(&guess(), &own(WorkerLost)), "a neighbour has what the journal held");
        assert!(!replaces(&own(WorkerLost), &own(WorkerLost)) && !replaces(&own(WorkerLost), &guess()));
        assert!(!replaces(&guess(), &guess()));
        assert!(!replaces(&own(Bot), &own(WorkerLost)) && !replaces(&own(Bot), &own(Customer)));
    }
}
