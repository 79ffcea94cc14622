//! The runtime config: everything checked that could refuse the call, the skeleton stored, the templates filled in.

mod admission;
mod filling;
mod hand_over;
mod of_campaign;

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Map, Value};
use vox_shared::clock::Clock;
use vox_shared::ids::{BotId, SessionId, TenantId};
use vox_shared::model::bot::{ApiKey, BotSettings, Carrier};
use vox_shared::wire::config::{CarrierAccess, ConfigRequest, RuntimeConfig};
use vox_shared::wire::permit::Permit;

use super::memory::Memory;
use super::refused::Refused;
use super::request_log::RequestLog;
use super::ticket::Shown;
use super::{headers, logged, rates, ticket};
use crate::auth::call_token::{CallTokens, OneCall};
use crate::auth::of_call::hash_of_claim;
use crate::billing::budget::{Budget, Purse};
use crate::billing::gate::Gate;
use crate::bot::addresses;
use crate::bot::hours;
use crate::bot::line::{self, Caller};
use crate::bot::residency;
use crate::config::Tokenless;
use crate::crm::Crm;
use crate::crm::prefetch::{Known, is_yes};
use crate::error::with_source;
use crate::routing::{self, Routing};
use crate::store::bots::Bot;
use crate::store::calls::{Call, OfCrm};
use crate::store::engine::EngineError;
use crate::store::outbox::Outbox;
use crate::store::tenants::TenantStatus;
use crate::store::{Stamp, StoreError, Stores};
use crate::vendors::checks::Checks;
use crate::vendors::of_call::fill_keys;
use crate::vendors::permits::{Asker, PATIENCE, Permits};
use crate::voice::named;
use admission::{admit, connected, skeleton};
use filling::{filled_in, variables};
use hand_over::{Taker, take_over};

/// Keys of the connected event that speak to the bridge and are no variables.
const RESERVED: [&str; 11] = [
    CAMPAIGN_SESSION,
    "_skip_prefetch",
    SKIP_PUSH,
    "_mock_crm",
    CAMPAIGN,
    "_campaign_call_id",
    "_campaign_attempt",
    "_campaign_run_number",
    "_campaign_machines",
    LEAVE_MESSAGE,
    SIP_HEADERS,
];
const CAMPAIGN_SESSION: &str = "_campaign_session_id";
const CAMPAIGN: &str = "_campaign_id";
/// Whether a message may be left on this number now.
const LEAVE_MESSAGE: &str = "_campaign_leave_message";
const SKIP_PUSH: &str = "_skip_post_push";
const SIP_HEADERS: &str = "sip_candidate_headers";
/// The transport that needs a ticket.
const TALK: &str = "talk";
/// The transport whose calls the deployment's own programs order, with the workers' secret: nobody else can.
const LIVEKIT: &str = "livekit";
/// Longest caller, stream or transport name kept, characters.
pub const MAX_NAME: usize = 128;

/// What configs are made of.
#[derive(Clone)]
pub struct Configs {
    pub stores: Stores,
    pub memory: Memory,
    pub clock: Clock,
    pub gate: Gate,
    pub purse: Purse,
    pub crm: Crm,
    pub checks: Checks,
    pub permits: Permits,
    pub log: RequestLog,
    pub tokens: Arc<CallTokens>,
    pub tokenless: Tokenless,
    /// How workers reach this bridge, without a '/' at the end.
    pub base_url: String,
    /// The same where it was set: what a carrier can reach too.
    pub public_url: Option<String>,
}

/// The config for a call to this bot. Asking again with the same session id is harmless until the call has ended.
pub async fn prepare(
    from: &Configs,
    bot_id: &BotId,
    request: ConfigRequest,
) -> Result<RuntimeConfig, Refused> {
    let began = Instant::now();
    let bot = from.memory.bot(bot_id).await?.ok_or(Refused::UnknownBot)?;
    let whose = (bot.tenant_id.clone(), bot_id.clone());
    let asked = logged::Asked::new(&request, Stamp(from.clock.now()));
    let prepared = prepare_for(from, bot_id, bot, request).await;
    from.log.note(whose, asked.answered(&prepared, began.elapsed()));
    prepared
}

async fn prepare_for(
    from: &Configs,
    bot_id: &BotId,
    bot: Arc<Bot>,
    request: ConfigRequest,
) -> Result<RuntimeConfig, Refused> {
    let (now, waits_until) = (from.clock.now(), Instant::now() + PATIENCE);
    if !bot.settings.enabled || bot.deleted_at.is_some() {
        return Err(Refused::UnknownBot);
    }
    let tenant = from.memory.tenant(&bot.tenant_id).await?.ok_or(Refused::Suspended)?;
    if tenant.status != TenantStatus::Active {
        return Err(Refused::Suspended);
    }
    // Where the deployment lets tools go its worker knows.
    let faults = addresses::refused(&bot.settings, &tenant.egress).into_iter();
    if let Some(fault) = faults.chain(addresses::of_tools(&bot.settings, &tenant.egress)).next() {
        return Err(Refused::Egress(format!("{}: {}", fault.path, fault.message)));
    }
    if let Some(fault) = residency::refused(&bot.settings, tenant.pin().as_ref()).into_iter().next() {
        return Err(Refused::Residency(format!("{}: {}", fault.path, fault.message)));
    }
    within_hours(&bot, now)?;
    let whose = (&bot.tenant_id, &*tenant);
    let voices = named::placed(&from.memory, whose, &bot.settings.tts).await?;
    let mut request = request;
    if let Some(giver) = request.handed_from.take() {
        let taker = Taker { bot, tenant, voices };
        return Box::pin(take_over(from, bot_id, taker, (&giver, request))).await;
    }
    let tts = voices.tts.ok_or(Refused::NoVoice)?;

    let claim_hash = request.claim.take().as_deref().and_then(hash_of_claim);
    if claim_hash.is_none() && from.tokenless == Tokenless::Refused {
        return Err(Refused::NoClaim);
    }
    let reserved = take_reserved(&mut request.connected_event);
    let transport = request.transport.as_deref();
    let (is_talk, is_room) = (transport == Some(TALK), transport == Some(LIVEKIT));
    let ticket = Shown::of(&mut request, is_talk, is_room);
    let caller = match is_talk || is_room {
        // Its ticket is spent below, or it was ordered.
        true => Caller::Known,
        false => line::opened_by(&from.tokens, (bot_id, &bot.settings), &request, now),
    };
    if caller == Caller::Forbidden {
        return Err(Refused::LineForbidden);
    }
    if let (Caller::Known, Some(config)) = (caller, &bot.settings.sip_header_config) {
        headers::add_wanted(config, reserved.get(SIP_HEADERS), &mut request.connected_event);
    }
    // A stranger may not take another call's name, nor switch anything off.
    let forced = reserved.get(CAMPAIGN_SESSION).filter(|_| caller == Caller::Known);
    let forced = forced.and_then(Value::as_str).and_then(|id| id.parse().ok());
    let page = ticket::page(&from.stores, ticket.as_ref()).await?;
    let forced = forced.or_else(|| page.as_ref()?.session_id.clone());
    let carrier = carrier(from, &bot.settings, &request).filter(|_| caller == Caller::Known);
    let proposed = request.session_id.take();
    let session = forced.or(proposed.clone()).unwrap_or_else(SessionId::generate);
    tracing::Span::current().record("call.id", tracing::field::display(&session));
    let is_spent = ticket::spend(&from.stores, ticket.as_ref(), (bot_id, &session), now.into()).await?;
    let page = page.filter(|_| is_spent);
    let visit = page.map(|page| ticket::bring(page, &mut request.connected_event));
    let proposed = proposed.filter(|id| *id != session);
    let mut call = Call {
        proposed_session_id: proposed,
        campaign_id: campaign(&reserved).filter(|_| caller == Caller::Known),
        claim_hash,
        visit,
        ..skeleton(&bot, bot_id, &request, now)
    };
    let connected = connected(&session, &call);
    Outbox::push(&mut call.outbox, connected);
    // A stranger's word counts for nothing here either.
    let reserved = if caller == Caller::Known { reserved } else { Map::new() };
    call.crm =
        reserved.get(SKIP_PUSH).is_some_and(is_yes).then(|| OfCrm { skip_push: true, fields: Map::new() });
    let budget = Budget::of(&bot.settings, &tenant.budget);
    admit(from, &session, &mut call, (tenant.allowance.as_ref(), &budget)).await?;
    let known = ask_crm(from, &session, &mut call, (&bot, &reserved)).await;
    let mut bot = Arc::unwrap_or_clone(bot);
    bot.settings.limits.max_cost_micros = budget.call;
    bot.settings.tts = tts;
    let of = (&call.tenant_id, call.campaign_id.as_ref());
    let may_leave = reserved.get(LEAVE_MESSAGE) != Some(&Value::Bool(false));
    of_campaign::apply(&from.stores, of, (&mut bot.settings, may_leave)).await?;
    fill_keys(&from.memory, &call.tenant_id, &mut bot.settings).await?;
    let mut routing = routed(from, &call.tenant_id, &mut bot.settings).await?;
    let permits = permitted(from, (&session, &call, waits_until), &mut bot.settings, &mut routing).await?;
    let rates = rates::of(&from.memory, &bot.settings, call.created_at).await?;
    let (tenant_id, bot_id) = (call.tenant_id.clone(), call.bot_id.clone());
    let of_call = OneCall { session: session.clone(), tenant: tenant_id, bot: bot_id };
    let token = Some(ApiKey::new(from.tokens.issue(&of_call, now)?));
    let mut config = filled_in(from, bot, (&session, &call), known);
    config.template_warnings.extend(voices.left_out);
    config.permits = permits;
    config.routing = routing.and_then(|routing| serde_json::to_value(routing).ok());
    Ok(RuntimeConfig { rates, egress: tenant.egress.clone(), call_token: token, carrier, ..config })
}

/// The bot's account with the carrier of this call. Only for a caller who is known: a stranger could name another call of the
/// account, and have that ended.
fn carrier(from: &Configs, settings: &BotSettings, request: &ConfigRequest) -> Option<Box<CarrierAccess>> {
    let carrier = Carrier::of_transport(request.transport.as_deref()?)?;
    let account = settings.carriers.of(carrier).clone();
    let dial_url = match (carrier, &from.public_url) {
        (Carrier::Plivo, Some(url)) => format!("{url}/api/v1/public/plivo/dial"),
        _ => String::new(),
    };
    (!account.is_empty()).then(|| Box::new(CarrierAccess { account, dial_url }))
}

/// Which vendors come first. Where what that goes by makes no sense the bot's own order stands: it is no reason to refuse a call.
async fn routed(
    from: &Configs,
    tenant: &TenantId,
    settings: &mut BotSettings,
) -> Result<Option<Routing>, StoreError> {
    match routing::route((&from.memory, &from.checks), tenant, settings).await {
        Err(StoreError::Engine(error @ EngineError::Malformed(_))) => {
            tracing::error!(tenant.id = %tenant, %error, "a call is not routed by how fast its vendors are");
            Ok(None)
        }
        routed => routed,
    }
}

/// Permits of those vendors whose keys serve only so many calls at once. Where what was stated of that makes no sense it is not looked at.
async fn permitted(
    from: &Configs,
    (session, call, waits_until): (&SessionId, &Call, Instant),
    settings: &mut BotSettings,
    routing: &mut Option<Routing>,
) -> Result<Vec<Permit>, StoreError> {
    let of = Asker {
        waits_until,
        tenant: &call.tenant_id,
        session,
        proposed: call.proposed_session_id.as_ref(),
        worker: call.worker_id.as_ref(),
    };
    match Box::pin(from.permits.take(of, settings, routing)).await {
        Err(StoreError::Engine(error @ EngineError::Malformed(_))) => {
            tracing::error!(tenant.id = %call.tenant_id, %error, "a call does not look at its vendors' limits");
            Ok(Vec::new())
        }
        taken => taken,
    }
}

/// What the bot's CRM knows. It is kept with the call, for what is pushed after it.
async fn ask_crm(
    from: &Configs,
    session: &SessionId,
    call: &mut Call,
    (bot, reserved): (&Bot, &Map<String, Value>),
) -> Known {
    let variables = variables(from, &bot.settings, (session, call), Map::new());
    let known = from.crm.known((&call.tenant_id, &call.bot_id), &variables, reserved).await;
    if !known.fields.is_empty() {
        let skip_push = call.crm.as_ref().is_some_and(|crm| crm.skip_push);
        let crm = OfCrm { skip_push, fields: known.fields.clone() };
        // Without it the push lacks `crm.*`, which is no reason to refuse a call.
        if let Err(error) = from.stores.all_calls().set_crm(session, &crm).await {
            tracing::warn!(error = with_source(&error), "what a CRM said could not be kept with the call");
        }
        call.crm = Some(crm);
    }
    known
}

/// A name from outside as it is kept; it is indexed, and nobody's name is longer.
pub fn short(text: String) -> String {
    text.chars().take(MAX_NAME).collect()
}

/// The campaign that a call belongs to, as the dialler says.
fn campaign(reserved: &Map<String, Value>) -> Option<String> {
    let named: String = reserved.get(CAMPAIGN)?.as_str()?.chars().filter(|c| !c.is_control()).collect();
    let named = named.trim();
    (!named.is_empty()).then(|| short(named.to_owned()))
}

/// Take what speaks to the bridge out of a connected event.
pub fn take_reserved(event: &mut Map<String, Value>) -> Map<String, Value> {
    RESERVED.iter().filter_map(|key| event.remove_entry(*key)).collect()
}

fn within_hours(bot: &Bot, now: Timestamp) -> Result<(), Refused> {
    let (window, timezone) = (&bot.settings.active_hours, &bot.settings.timezone);
    if hours::open_at(window, &hours::zone(timezone), now) {
        return Ok(());
    }
    Err(Refused::OutsideHours {
        days: window.days.join(","),
        start: window.start.clone(),
        end: window.end.clone(),
        timezone: timezone.clone(),
    })
}
