//! A call is let in: it begins with a skeleton, against the tenant's plan and the bot's budget. One that asks again is known.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use vox_shared::ids::{BotId, SessionId};
use vox_shared::wire::config::ConfigRequest;

use super::{Configs, short};
use crate::billing::budget::{Budget, BudgetError};
use crate::billing::charge;
use crate::billing::gate::GateError;
use crate::runtime::refused::Refused;
use crate::store::bots::Bot;
use crate::store::calls::names::Names;
use crate::store::calls::{Call, CallStatus};
use crate::store::outbox::{Follows, Pending};
use crate::store::tenants::Allowance;
use crate::store::{Stamp, StoreError, Stored};

/// After a call's longest duration: ringing, its last words, and a result that waits for the bridge.
const RESULT_MARGIN: SignedDuration = SignedDuration::from_mins(15);

/// A call of which nothing is known but how it began.
pub(super) fn skeleton(bot: &Bot, bot_id: &BotId, request: &ConfigRequest, now: Timestamp) -> Call {
    let event = &request.connected_event;
    let longest = SignedDuration::from_secs(bot.settings.max_call_duration_seconds.into());
    let field = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
    let direction = field("callDirection").filter(|d| d == "incoming" || d == "outgoing");
    let mut call = Call {
        bot_version: Some(bot.release.number),
        deadline: Some(deadline(now, longest)),
        caller_id: request.caller_id.clone().or_else(|| field("callerId")).map(short).unwrap_or_default(),
        stream_id: request.stream_id.clone().or_else(|| field("streamId")).map(short),
        direction: Some(direction.unwrap_or_else(|| "incoming".into())),
        transport: request.transport.clone().map(short),
        connected_event: (!event.is_empty()).then(|| Value::Object(event.clone())),
        worker_id: request.worker_id.clone(),
        names: Some(Names::told(event)).filter(|names| *names != Names::default()),
        redaction: bot.settings.redaction.is_on().then(|| bot.settings.redaction.clone()),
        ..Call::begun((&bot.tenant_id, bot_id), Stamp(now))
    };
    charge::begin(&mut call);
    call
}

/// When a call that lasts so long from now on counts as lost without a result.
pub(super) fn deadline(now: Timestamp, longest: SignedDuration) -> Stamp {
    Stamp(now.saturating_add(longest + RESULT_MARGIN).unwrap_or(Timestamp::MAX))
}

/// What is told of a call whose bot is on the line.
pub(super) fn connected(session: &SessionId, call: &Call) -> Pending {
    let data = json!({
        "call_id": session.as_str(), "bot_id": call.bot_id.as_str(), "direction": call.direction,
        "transport": call.transport, "answered_at": call.created_at,
    });
    let (event, data) = ("call.connected".to_owned(), data.as_object().cloned().unwrap_or_default());
    let what = Follows::Event { event: event.clone(), data };
    Pending { id: event, at: call.created_at, what }
}

/// Claim a conversation of the tenant's plan, set its cost aside, and store the skeleton. A call that asks again needs neither.
pub(super) async fn admit(
    from: &Configs,
    session: &SessionId,
    call: &mut Call,
    (allowance, budget): (Option<&Allowance>, &Budget),
) -> Result<(), Refused> {
    let claim = match from.gate.claim_conversation(&call.tenant_id, allowance).await {
        Err(GateError::Spent(spent)) => return or_known(from, (session, call), Refused::Spent(spent)).await,
        claimed => claimed?,
    };
    let whose = (&call.tenant_id, &call.bot_id);
    match from.purse.set_aside(whose, budget).await {
        Ok(aside) => call.budget = aside,
        Err(error) => {
            from.gate.release(&call.tenant_id, claim).await;
            return match error {
                BudgetError::Over(over) => or_known(from, (session, call), Refused::OverBudget(over)).await,
                BudgetError::Store(error) => Err(error.into()),
            };
        }
    }
    match from.stores.calls(&call.tenant_id).insert_call(session, call.clone()).await {
        Err(StoreError::Duplicate) => {
            from.gate.release(&call.tenant_id, claim).await;
            if let Some(aside) = call.budget.take() {
                from.purse.give_back((&call.tenant_id, &call.bot_id), aside).await;
            }
            or_known(from, (session, call), Refused::SessionTaken).await
        }
        // Without an answer the call may be there, and what was claimed stays claimed.
        other => Ok(other.map(drop)?),
    }
}

/// Nothing is refused to a call that was let in before.
async fn or_known(
    from: &Configs,
    (session, call): (&SessionId, &Call),
    refused: Refused,
) -> Result<(), Refused> {
    if is_known(from, session, call).await? { Ok(()) } else { Err(refused) }
}

/// Whether this very call asked before and has not ended.
async fn is_known(from: &Configs, session: &SessionId, call: &Call) -> Result<bool, StoreError> {
    let known = from.stores.all_calls().find_call(session).await?;
    let same = |known: Stored<Call>| {
        known.value.bot_id == call.bot_id
            && known.value.status == CallStatus::Started
            && known.value.proposed_session_id == call.proposed_session_id
            // Or whoever has the workers' secret would get the token of any running call.
            && known.value.claim_hash == call.claim_hash
    };
    Ok(known.is_some_and(same))
}
