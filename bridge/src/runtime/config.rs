//! The runtime config: everything checked that could refuse the call, the skeleton stored, the templates filled in.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use vox_shared::clock::Clock;
use vox_shared::egress::HostRules;
use vox_shared::ids::{BotId, SessionId, TenantId};
use vox_shared::model::bot::{ApiKey, BotSettings, Carrier, Phrases, ReEngagement};
use vox_shared::wire::WIRE_VERSION;
use vox_shared::wire::config::{CarrierAccess, ConfigRequest, RuntimeConfig};

use super::memory::Memory;
use super::refused::Refused;
use super::request_log::RequestLog;
use super::ticket::Shown;
use super::variables::call_variables;
use super::{headers, logged, prompt, rates, ticket, tools};
use crate::auth::call_token::{CallTokens, OneCall};
use crate::auth::of_call::hash_of_claim;
use crate::billing::budget::{Budget, BudgetError, Purse};
use crate::billing::charge;
use crate::billing::gate::{Gate, GateError};
use crate::bot::addresses;
use crate::bot::hours;
use crate::bot::keys;
use crate::bot::line::{self, Caller};
use crate::bot::residency;
use crate::bot::template::{self, Variables};
use crate::config::Tokenless;
use crate::crm::Crm;
use crate::crm::prefetch::{Known, is_yes};
use crate::error::with_source;
use crate::routing::{self, Routing};
use crate::store::bots::Bot;
use crate::store::calls::names::Names;
use crate::store::calls::{Call, CallStatus, OfCrm};
use crate::store::engine::EngineError;
use crate::store::outbox::{Follows, Outbox, Pending};
use crate::store::tenants::{Allowance, TenantStatus};
use crate::store::{Stamp, StoreError, Stored, Stores};
use crate::vendors::checks::Checks;
use crate::voice::named;

/// Keys of the connected event that speak to the bridge and are no variables.
const RESERVED: [&str; 9] = [
    CAMPAIGN_SESSION,
    "_skip_prefetch",
    SKIP_PUSH,
    "_mock_crm",
    CAMPAIGN,
    "_campaign_call_id",
    "_campaign_attempt",
    "_campaign_run_number",
    SIP_HEADERS,
];
const CAMPAIGN_SESSION: &str = "_campaign_session_id";
const CAMPAIGN: &str = "_campaign_id";
const SKIP_PUSH: &str = "_skip_post_push";
const SIP_HEADERS: &str = "sip_candidate_headers";
/// The transport that needs a ticket.
const TALK: &str = "talk";
/// The transport whose calls the deployment's own programs order, with the workers' secret: nobody else can.
const LIVEKIT: &str = "livekit";
/// Longest caller, stream or transport name kept, characters.
pub const MAX_NAME: usize = 128;
/// After a call's longest duration: ringing, its last words, and a result that waits for the bridge.
const RESULT_MARGIN: SignedDuration = SignedDuration::from_mins(15);

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
    let now = from.clock.now();
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
    let tts = voices.tts.ok_or(Refused::NoVoice)?;

    let mut request = request;
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
    if keys::is_missing(&bot.settings) {
        let held = from.memory.vendor_keys(&bot.tenant_id).await?;
        keys::fill_missing(&mut bot.settings, &held);
    }
    let routing = routed(from, &call.tenant_id, &mut bot.settings).await?;
    let rates = rates::of(&from.memory, &bot.settings, call.created_at).await?;
    let (tenant_id, bot_id) = (call.tenant_id.clone(), call.bot_id.clone());
    let of_call = OneCall { session: session.clone(), tenant: tenant_id, bot: bot_id };
    let token = Some(ApiKey::new(from.tokens.issue(&of_call, now)?));
    let mut config = filled_in(from, bot, (&session, &call), known);
    config.template_warnings.extend(voices.left_out);
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

/// What the bot's templates are filled with.
fn variables(
    from: &Configs,
    settings: &BotSettings,
    (session, call): (&SessionId, &Call),
    crm: Map<String, Value>,
) -> Variables {
    let zone = hours::zone(&settings.timezone);
    Variables {
        call: call_variables(session.as_str(), call.bot_id.as_str(), call),
        crm,
        system: template::system(from.clock.now(), &zone, &settings.timezone),
        bot: settings.variables.clone(),
        ..Variables::default()
    }
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

fn skeleton(bot: &Bot, bot_id: &BotId, request: &ConfigRequest, now: Timestamp) -> Call {
    let event = &request.connected_event;
    let longest = SignedDuration::from_secs(bot.settings.max_call_duration_seconds.into());
    let field = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
    let direction = field("callDirection").filter(|d| d == "incoming" || d == "outgoing");
    let mut call = Call {
        tenant_id: bot.tenant_id.clone(),
        bot_id: bot_id.clone(),
        bot_version: Some(bot.release.number),
        status: CallStatus::Started,
        proposed_session_id: None,
        created_at: Stamp(now),
        deadline: Some(Stamp(now.saturating_add(longest + RESULT_MARGIN).unwrap_or(Timestamp::MAX))),
        caller_id: request.caller_id.clone().or_else(|| field("callerId")).map(short).unwrap_or_default(),
        stream_id: request.stream_id.clone().or_else(|| field("streamId")).map(short),
        direction: Some(direction.unwrap_or_else(|| "incoming".into())),
        transport: request.transport.clone().map(short),
        connected_event: (!event.is_empty()).then(|| Value::Object(event.clone())),
        completed_at: None,
        disconnected_by: None,
        duration_seconds: None,
        worker_id: request.worker_id.clone(),
        recording_key: None,
        recording_token_hash: None,
        result: None,
        verdict: None,
        analysis: None,
        summary: None,
        summary_asked: None,
        charges: None,
        budget: None,
        crm: None,
        outbox: None,
        custody: None,
        names: Some(Names::told(event)).filter(|names| *names != Names::default()),
        campaign_id: None,
        visit: None,
        digest: None,
        redaction: bot.settings.redaction.is_on().then(|| bot.settings.redaction.clone()),
        kept: None,
        packed: None,
        claim_hash: None,
    };
    charge::begin(&mut call);
    call
}

/// What is told of a call whose bot is on the line.
fn connected(session: &SessionId, call: &Call) -> Pending {
    let data = json!({
        "call_id": session.as_str(), "bot_id": call.bot_id.as_str(), "direction": call.direction,
        "transport": call.transport, "answered_at": call.created_at,
    });
    let (event, data) = ("call.connected".to_owned(), data.as_object().cloned().unwrap_or_default());
    let what = Follows::Event { event: event.clone(), data };
    Pending { id: event, at: call.created_at, what }
}

/// Claim a conversation of the tenant's plan, set its cost aside, and store the skeleton. A call that asks again needs neither.
async fn admit(
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

fn filled_in(from: &Configs, bot: Bot, (session, call): (&SessionId, &Call), known: Known) -> RuntimeConfig {
    let (settings, bot_id) = (bot.settings, &call.bot_id);
    let variables = variables(from, &settings, (session, call), known.fields);
    let prompt = prompt::compose(&settings, &variables, bot_id);
    let stable_phrases = stable_phrases(&settings, &variables);
    let mut unknown = BTreeSet::new();
    let opening_message = variables.phrase(&settings.opening_message, &mut unknown);
    let mut said = |text: &str| variables.phrase(text, &mut unknown);
    let mut phrases = settings.phrases;
    for (phrase, stock) in spoken(&mut phrases).into_iter().zip(spoken(&mut Phrases::default())) {
        *phrase = or_stock(said(phrase), phrase, stock);
    }
    let re_engagement = settings.re_engagement.map(|idle| ReEngagement {
        prompts: idle.prompts.iter().map(|p| said(p)).filter(|p| !p.is_empty()).collect(),
        goodbye: or_stock(said(&idle.goodbye), &idle.goodbye, &ReEngagement::default().goodbye),
        ..idle
    });
    let (voicemail_message, pre_transfer_message) =
        (said(&settings.voicemail_message), said(&settings.pre_transfer_message));
    let tools = tools::of_call(settings.tools, &variables, &mut unknown);
    RuntimeConfig {
        version: WIRE_VERSION,
        session_id: session.clone(),
        tenant_id: Some(bot.tenant_id),
        bot_id: Some(bot_id.clone()),
        bot_version: Some(bot.release.number),
        webhook_url: format!("{}/api/v1/call-results", from.base_url),
        system_prompt: prompt.whole,
        opening_message,
        timezone: settings.timezone,
        re_engagement,
        min_words_interruption: settings.min_words_interruption,
        max_call_duration_seconds: settings.max_call_duration_seconds,
        voicemail_message,
        pre_transfer_message,
        tools,
        conversation_policy: prompt.policy,
        transfer_targets: settings
            .transfer_targets
            .iter()
            .filter_map(|t| serde_json::to_value(t).ok())
            .collect(),
        transfer_numbers: settings.transfer_numbers.into_iter().map(|(name, n)| (name, n.into())).collect(),
        post_call_analysis_prompt: settings.post_call_analysis_prompt,
        qc_prompt: settings.qc_prompt,
        auto_dispositions: settings.auto_dispositions,
        limits: settings.limits,
        rates: Vec::new(),
        egress: HostRules::default(),
        prompt_parts: prompt.parts,
        phrases,
        stable_phrases,
        stt: settings.stt,
        llm: settings.llm,
        tts: settings.tts,
        vad: settings.vad,
        turn: settings.turn,
        recording: settings.recording,
        redaction: settings.redaction,
        routing: None,
        template_warnings: unknown
            .into_iter()
            .chain(known.fault.map(|fault| format!("crm: {fault}")))
            .collect(),
        call_token: None,
        carrier: None,
    }
}

/// A phrase of which nothing is left says what an unchanged bot would: silence where a caller waits for a word is worse.
fn or_stock(said: String, template: &str, stock: &str) -> String {
    let is_empty = said != template && !said.chars().any(char::is_alphanumeric);
    if is_empty { stock.to_owned() } else { said }
}

/// What is said alike to every caller: what reads the same when nothing is known but the bot's own variables.
fn stable_phrases(settings: &BotSettings, variables: &Variables) -> Vec<String> {
    let anybody = variables.of_anybody();
    let (mut own, mut stock) = (settings.phrases.clone(), Phrases::default());
    let phrases = spoken(&mut own).into_iter().map(|p| &*p).zip(spoken(&mut stock).into_iter().map(|p| &*p));
    let (none, goodbye) = (String::new(), ReEngagement::default().goodbye);
    let idle = settings
        .re_engagement
        .iter()
        .flat_map(|r| r.prompts.iter().map(|p| (p, &none)).chain([(&r.goodbye, &goodbye)]));
    let others = [&settings.opening_message, &settings.voicemail_message, &settings.pre_transfer_message];
    let all = others.into_iter().map(|text| (text, &none)).chain(phrases).chain(idle);
    let says = |variables: &Variables, (template, stock): (&String, &String)| {
        or_stock(variables.phrase(template, &mut BTreeSet::new()), template, stock)
    };
    let said = all.map(|phrase| (says(variables, phrase), says(&anybody, phrase)));
    said.filter(|(here, anywhere)| here == anywhere && !here.is_empty()).map(|(here, _)| here).collect()
}

fn spoken(phrases: &mut Phrases) -> [&mut String; 7] {
    let Phrases { not_understood, trouble, apology, time_up, hold, closing, line_back } = phrases;
    [not_understood, trouble, apology, time_up, hold, closing, line_back]
}
