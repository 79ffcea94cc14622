//! A bot's texts are filled in for one call.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use vox_shared::egress::HostRules;
use vox_shared::ids::SessionId;
use vox_shared::model::bot::{
    Answering, BotSettings, CommonAnswer, Forbidden, Guardrails, Phrases, ReEngagement, Required,
};
use vox_shared::wire::WIRE_VERSION;
use vox_shared::wire::config::RuntimeConfig;

use super::Configs;
use crate::bot::hours;
use crate::bot::template::{self, Variables};
use crate::crm::prefetch::Known;
use crate::runtime::variables::call_variables;
use crate::runtime::{prompt, tools};
use crate::store::bots::Bot;
use crate::store::calls::Call;

/// What the bot's templates are filled with.
pub(super) fn variables(
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

/// The config of this call, without what is not made of the bot alone: rates, rules of hosts, the token, the carrier.
pub(super) fn filled_in(
    from: &Configs,
    bot: Bot,
    (session, call): (&SessionId, &Call),
    known: Known,
) -> RuntimeConfig {
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
    let common_answers = settings.common_answers.into_iter();
    let common_answers = common_answers
        .map(|common| CommonAnswer { answer: said(&common.answer), ..common })
        .filter(|common| !common.answer.is_empty())
        .collect();
    // Who calls the bot is a person.
    let answering = match call.direction.as_deref() {
        Some("outgoing") => {
            Answering { introduction: said(&settings.answering.introduction), ..settings.answering }
        }
        _ => Answering::default(),
    };
    let guardrails = Guardrails {
        replacement: said(&settings.guardrails.replacement),
        forbidden: settings
            .guardrails
            .forbidden
            .into_iter()
            .map(|rule| Forbidden { replacement: said(&rule.replacement), ..rule })
            .collect(),
        required: settings
            .guardrails
            .required
            .into_iter()
            .map(|rule| Required { text: said(&rule.text), ..rule })
            .collect(),
    };
    let tools = tools::of_call(settings.tools, &variables, &mut unknown);
    let mcp_servers = tools::servers_of_call(settings.mcp_servers, &variables, &mut unknown);
    RuntimeConfig {
        version: WIRE_VERSION,
        session_id: session.clone(),
        tenant_id: Some(bot.tenant_id),
        bot_id: Some(bot_id.clone()),
        bot_version: Some(bot.release.number),
        permits: Vec::new(),
        webhook_url: format!("{}/api/v1/call-results", from.base_url),
        system_prompt: prompt.whole,
        opening_message,
        timezone: settings.timezone,
        re_engagement,
        min_words_interruption: settings.min_words_interruption,
        max_call_duration_seconds: settings.max_call_duration_seconds,
        summary_after_turns: settings.summary_after_turns,
        voicemail_message,
        pre_transfer_message,
        tools,
        mcp_servers,
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
        resilience: settings.resilience,
        common_answers,
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
        spoken_forms: settings.spoken_forms,
        pronunciations: settings.pronunciations,
        guardrails,
        sounds: settings.sounds,
        languages: settings.languages,
        answering,
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
    let answers = settings.common_answers.iter().map(|common| &common.answer);
    let all = others.into_iter().chain(answers).map(|text| (text, &none)).chain(phrases).chain(idle);
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
