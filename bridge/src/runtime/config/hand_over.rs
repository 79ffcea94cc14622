//! A running call goes on with another bot of its tenant: the config for the rest of it. The call stays what it is: its record, its plan
//! and its budgets of the day are those of the bot that it began with. Decision 0083.

use std::sync::Arc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use vox_shared::ids::{BotId, SessionId};
use vox_shared::model::bot::{BotSettings, TransferMethod};
use vox_shared::price::Rate;
use vox_shared::wire::config::{ConfigRequest, RuntimeConfig};

use super::admission::deadline;
use super::filling::filled_in;
use super::{Configs, permitted, routed};
use crate::auth::of_call::hash_of_claim;
use crate::billing::budget::Budget;
use crate::crm::prefetch::Known;
use crate::runtime::rates;
use crate::runtime::refused::Refused;
use crate::store::bots::Bot;
use crate::store::calls::{Call, CallStatus};
use crate::store::tenants::Tenant;
use crate::store::{Stamp, StoreError};
use crate::vendors::of_call::fill_keys;
use crate::voice::named::Placed;

/// The bot that is to go on with a call, looked at already: it answers, and its tenant is active.
pub(super) struct Taker {
    pub bot: Arc<Bot>,
    pub tenant: Arc<Tenant>,
    pub voices: Placed,
}

/// The config of the taker for the rest of the call that the bot `giver` has. Only the worker that has the call gets it, by the claim
/// with which it asked for the first config, and only where the giver names the taker as a target.
pub(super) async fn take_over(
    from: &Configs,
    bot_id: &BotId,
    taker: Taker,
    (giver, request): (&BotId, ConfigRequest),
) -> Result<RuntimeConfig, Refused> {
    let session = request.session_id.ok_or(Refused::NoSuchCall)?;
    tracing::Span::current().record("call.id", tracing::field::display(&session));
    let claim_hash = request.claim.as_deref().and_then(hash_of_claim).ok_or(Refused::NoClaim)?;
    let call = running(from, &session, (&taker.bot, &claim_hash)).await?;
    let giver = from.memory.bot(giver).await?.ok_or(Refused::NotATarget)?;
    if giver.tenant_id != taker.bot.tenant_id || !names(&giver.settings, bot_id) {
        return Err(Refused::NotATarget);
    }
    hides_no_more(&call, &taker.bot.settings)?;
    let now = from.clock.now();
    let Taker { bot, tenant, voices } = taker;
    let mut bot = Arc::unwrap_or_clone(bot);
    bot.settings.limits.max_cost_micros = Budget::of(&bot.settings, &tenant.budget).call;
    bot.settings.tts = voices.tts.ok_or(Refused::NoVoice)?;
    fill_keys(&from.memory, &call.tenant_id, &mut bot.settings).await?;
    let mut routing = routed(from, &bot.tenant_id, &mut bot.settings).await?;
    // A caller is in the middle of a call, and is not kept waiting.
    let by = Instant::now();
    let permits = permitted(from, (&session, &call, by), &mut bot.settings, &mut routing).await?;
    let rates = rates_of_both(from, (&giver, &bot.settings), call.created_at).await?;
    stay_open(from, &session, (&call, &bot.settings), now).await?;
    // What the CRM said when the call began is known to both.
    let fields = call.crm.as_ref().map(|crm| crm.fields.clone()).unwrap_or_default();
    let call = Call { bot_id: bot_id.clone(), ..call };
    let mut config = filled_in(from, bot, (&session, &call), Known { fields, fault: None });
    config.template_warnings.extend(voices.left_out);
    config.permits = permits;
    config.routing = routing.and_then(|routing| serde_json::to_value(routing).ok());
    Ok(RuntimeConfig { rates, egress: tenant.egress.clone(), ..config })
}

/// The call, if it runs, is of the bot's tenant, and whoever asks has it.
async fn running(
    from: &Configs,
    session: &SessionId,
    (bot, claim_hash): (&Bot, &String),
) -> Result<Call, Refused> {
    let known = from.stores.all_calls().find_call(session).await?;
    let call = known.map(|known| known.value).filter(|call| {
        call.tenant_id == bot.tenant_id
            && call.status == CallStatus::Started
            && call.claim_hash.as_ref() == Some(claim_hash)
    });
    call.ok_or(Refused::NoSuchCall)
}

/// Whether a bot may hand its calls over to this one.
fn names(giver: &BotSettings, taker: &BotId) -> bool {
    let mut targets = giver.transfer_targets.iter();
    targets.any(|target| {
        target.enabled && target.method == TransferMethod::Bot && target.value == taker.as_str()
    })
}

/// What a call hides was settled when it began, at every sink: a bot that hides other things cannot take it over.
fn hides_no_more(call: &Call, taker: &BotSettings) -> Result<(), Refused> {
    let hides = taker.redaction.is_on().then_some(&taker.redaction);
    if hides.is_some() && hides != call.redaction.as_ref() { Err(Refused::HidesMore) } else { Ok(()) }
}

/// What the vendors of both cost: a limit of money counts from the call's beginning, and the worker keeps one that any bot before set.
async fn rates_of_both(
    from: &Configs,
    (giver, taker): (&Bot, &BotSettings),
    at: Stamp,
) -> Result<Vec<Rate>, StoreError> {
    let mut all = rates::of_vendors(&from.memory, taker, at).await?;
    for rate in rates::of_vendors(&from.memory, &giver.settings, at).await? {
        if !all.contains(&rate) {
            all.push(rate);
        }
    }
    Ok(all)
}

/// A bot that may talk longer than the first one has its time before the call counts as lost.
async fn stay_open(
    from: &Configs,
    session: &SessionId,
    (call, taker): (&Call, &BotSettings),
    now: Timestamp,
) -> Result<(), StoreError> {
    let longest = SignedDuration::from_secs(taker.max_call_duration_seconds.into());
    let needed = deadline(now, longest);
    match call.deadline {
        Some(known) if known < needed => from.stores.all_calls().put_off(session, needed).await,
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn settings(given: Value) -> BotSettings {
        serde_json::from_value(given).unwrap()
    }

    #[test]
    fn only_a_target_that_is_enabled_and_a_bot_is_named() {
        let target = |method: &str, kind: &str, enabled| json!({"id": "t", "method": method, "type": kind, "value": "bot_b", "enabled": enabled});
        for (target, expected) in [
            (target("bot", "bot", true), true),
            (target("bot", "bot", false), false),
            (target("warm", "extension", true), false),
        ] {
            let giver = settings(json!({"transfer_targets": [target]}));
            assert_eq!(names(&giver, &"bot_b".parse().unwrap()), expected);
            assert!(!names(&giver, &"bot_c".parse().unwrap()));
        }
    }

    #[test]
    fn a_bot_that_hides_other_things_takes_no_call_over() {
        let hiding = settings(json!({"redaction": {"kinds": ["card"], "sinks": ["transcript"]}}));
        let whose = (&"ten_1".parse().unwrap(), &"bot_a".parse().unwrap());
        let open = Call::begun(whose, Stamp(Timestamp::UNIX_EPOCH));
        let hidden = Call { redaction: Some(hiding.redaction.clone()), ..open.clone() };
        assert!(hides_no_more(&open, &BotSettings::default()).is_ok());
        assert!(hides_no_more(&hidden, &BotSettings::default()).is_ok(), "the call goes on hiding it");
        assert!(hides_no_more(&hidden, &hiding).is_ok());
        assert!(matches!(hides_no_more(&open, &hiding), Err(Refused::HidesMore)));
    }
}
