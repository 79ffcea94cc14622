//! What the conversation goes by: the runtime config in the session's own terms.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use vox_shared::catalogue::Rhythm;
use vox_shared::ids::BotId;
use vox_shared::model::bot::{
    Answering, CallLimits, CommonAnswer, Guardrails, OnInterrupt, Phrases, ReEngagement, Tool,
    TransferTarget, TurnSettings, VadSettings,
};
use vox_shared::price::Rate;
use vox_shared::wire::config::RuntimeConfig;

use super::builtin;
use super::farewell::stock_goodbye;
use super::text::Wording;
use super::tongue::{self, Tongue};
use crate::provider::llm::{CacheKey, ToolSpec};

/// A keypad entry ends after this without a digit.
pub const INTER_DIGIT: Duration = Duration::from_secs(2);
/// A keypad entry ends at this many digits.
pub const MAX_DIGITS: usize = 64;
/// Silence that ends a call whose bot has no prompts.
const SILENCE_LIMIT: Duration = Duration::from_secs(300);
/// A silence that has lasted long enough goes on so long, time after time, while there is a sound that may become words.
pub const SILENCE_GRACE: Duration = Duration::from_secs(1);
/// The tool that ends the call.
pub const END_CALL: &str = "end_call";
pub use super::tongue::language;
/// The other tools of the conversation itself.
pub use vox_shared::model::bot::tool::{
    DETECTED_VOICEMAIL, SCHEDULE_CALLBACK, SEND_DTMF, SWITCH_LANGUAGE, TRANSFER_CALL,
};

/// A vendor as the usage report names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VendorName {
    pub provider: String,
    pub model: String,
}

/// The bot's vendors of one kind and their fallbacks, in order. Empty where a bot needs none: a model that hears and speaks by
/// itself has no recogniser and no voice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ladder(Vec<VendorName>);

impl Ladder {
    /// The vendor at this place; one without a name where there is none.
    pub fn at(&self, place: usize) -> VendorName {
        self.0.get(place).cloned().unwrap_or_default()
    }

    /// How many there are to try.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What goes for a tool that runs: one of the bot's own, of a server of its, or a built-in one that has an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnTool {
    /// JSON schema of its arguments, or null.
    pub parameters: Value,
    /// Said when it takes a while; empty for the bot's own phrase.
    pub filler: String,
    /// The caller must have been asked.
    pub confirm: bool,
    /// It is given up when the caller goes on.
    pub cancels: bool,
}

/// The rules of one conversation.
#[derive(Clone, Debug)]
pub struct Rules {
    pub system_prompt: String,
    pub opening_message: String,
    pub re_engagement: Option<ReEngagement>,
    pub phrases: Phrases,
    /// The bot's goodbye when the model has none.
    pub closing: String,
    pub min_words_interruption: usize,
    pub max_duration: Duration,
    /// Turns of the caller after which the beginning of the conversation is told to the model in short; 0 for never.
    pub summary_after_turns: usize,
    pub limits: CallLimits,
    /// What the vendors cost, for the limit of money.
    pub rates: Vec<Rate>,
    /// All that the model may call.
    pub tools: Vec<ToolSpec>,
    /// What goes for those of the bot's own, by name.
    pub own_tools: BTreeMap<String, OwnTool>,
    pub cache_key: Option<CacheKey>,
    /// The language that is spoken (BCP-47), or empty.
    pub language: String,
    /// All that the bot can go over to, where it can.
    pub tongues: Vec<Tongue>,
    /// Recognisers that hear every language, by their places.
    pub hears_any: Vec<bool>,
    /// How texts are put for the voices.
    pub wording: Wording,
    /// What the bot may not say, and what it must.
    pub guardrails: Guardrails,
    pub vad: VadSettings,
    pub turn: TurnSettings,
    /// Empty for a model that hears by itself. No config says so yet.
    pub stt: Ladder,
    /// When each of them gives results.
    pub rhythms: Vec<Rhythm>,
    pub llm: Ladder,
    /// Empty for a model that speaks by itself. No config says so yet.
    pub tts: Ladder,
    /// Whether a turn model is asked at each pause of the caller. No bot names one yet.
    pub judges_turns: bool,
    /// How the line hands the caller over, a method of the contract's transfer targets; orders for it are refused where it cannot.
    pub transfers: Option<&'static str>,
    /// Why not, where it cannot.
    pub no_transfer: String,
    /// Whether the line can put the caller on hold and ask somebody to take the call.
    pub consults: bool,
    /// To whom the model may hand the caller over.
    pub targets: Vec<TransferTarget>,
    pub numbers: Vec<(String, String)>,
    /// Said before the caller is handed over, where the model says nothing.
    pub pre_transfer: String,
    /// Who gets the caller when no recogniser, model or voice is left: a target's id or label, or empty.
    pub transfer_on_failure: String,
    /// What the bot answers when no model can be asked.
    pub common_answers: Vec<CommonAnswer>,
    /// A model that is late is asked once more.
    pub second_requests: bool,
    /// The call is in rooms that others can be let into.
    pub has_rooms: bool,
    /// The line can press keys of the telephone on the caller's side.
    pub presses_keys: bool,
    /// Left on a machine after its beep; empty for none.
    pub voicemail_message: String,
    /// It is found out who has answered before the bot speaks.
    pub answering: Option<Answering>,
    /// What the line itself adds before the caller hears a frame.
    pub transport_delay: Duration,
    /// The bot that goes by them.
    pub bot_id: Option<BotId>,
    /// What is said with it may be recorded.
    pub records: bool,
}

impl Rules {
    /// From the runtime config of a call over a line that adds `transport_delay`.
    pub fn from_config(config: &RuntimeConfig, transport_delay: Duration) -> Self {
        let name = |provider: &str, model: &str| VendorName {
            provider: provider.to_owned(),
            model: model.to_owned(),
        };
        let tools = config.tools.iter().map(|t| ToolSpec {
            name: t.name.clone(),
            description: description(t),
            parameters: tongue::schema(t, config).unwrap_or_else(|| parameters(t)),
        });
        Self {
            system_prompt: config.system_prompt.clone(),
            opening_message: config.opening_message.clone(),
            re_engagement: config.re_engagement.clone(),
            closing: closing(config),
            phrases: config.phrases.clone(),
            min_words_interruption: config.min_words_interruption as usize,
            max_duration: Duration::from_secs(u64::from(config.max_call_duration_seconds.max(1))),
            summary_after_turns: config.summary_after_turns as usize,
            limits: config.limits.clone(),
            rates: config.rates.clone(),
            tools: tools.collect(),
            own_tools: config.tools.iter().filter_map(own_tool).collect(),
            cache_key: cache_key(config),
            language: language(config).to_owned(),
            tongues: tongue::tongues(config),
            hears_any: with_fallbacks(&config.stt, tongue::hears_any, |s| &s.fallbacks),
            wording: Wording::of(config, language(config)),
            guardrails: config.guardrails.clone(),
            vad: config.vad.clone(),
            turn: config.turn.clone(),
            stt: Ladder(with_fallbacks(&config.stt, |s| name(&s.provider, &s.model), |s| &s.fallbacks)),
            rhythms: with_fallbacks(&config.stt, |s| Rhythm::of(&s.provider, &s.extra), |s| &s.fallbacks),
            llm: Ladder(with_fallbacks(&config.llm, |s| name(&s.provider, &s.model), |s| &s.fallbacks)),
            tts: Ladder(with_fallbacks(&config.tts, |s| name(&s.provider, &s.model), |s| &s.fallbacks)),
            judges_turns: false,
            transfers: None,
            no_transfer: "this line cannot hand a caller over".to_owned(),
            consults: false,
            targets: targets(config),
            numbers: numbers(config),
            pre_transfer: config.pre_transfer_message.clone(),
            transfer_on_failure: config.resilience.transfer_to.clone(),
            common_answers: config.common_answers.clone(),
            second_requests: config.resilience.second_requests,
            has_rooms: false,
            presses_keys: false,
            voicemail_message: config.voicemail_message.clone(),
            answering: config.answering.detect.then(|| config.answering.clone()),
            transport_delay,
            bot_id: config.bot_id.clone(),
            records: config.recording.enabled,
        }
    }
}

impl Rules {
    /// The model hears by itself: nobody writes down what the caller says before it is answered.
    pub fn model_hears(&self) -> bool {
        self.stt.is_empty()
    }

    /// When the recogniser at this place gives results.
    pub fn rhythm(&self, place: usize) -> Rhythm {
        self.rhythms.get(place).copied().unwrap_or_default()
    }

    /// The model speaks by itself: nothing is said by a voice.
    pub fn model_speaks(&self) -> bool {
        self.tts.is_empty()
    }

    /// Who says what is said, in the order in which they are tried.
    pub fn voices(&self) -> &Ladder {
        if self.model_speaks() { &self.llm } else { &self.tts }
    }

    /// The caller's longest silence, if it has a limit.
    pub fn longest_silence(&self) -> Option<Duration> {
        self.limits.max_silence_secs.map(|secs| Duration::from_secs(secs.into()))
    }

    /// Silence before the bot prompts, or ends the call.
    pub fn idle_after(&self) -> Duration {
        let prompts = self.re_engagement.as_ref();
        prompts.map_or(SILENCE_LIMIT, |r| Duration::from_secs_f32(r.after_secs.max(1.0)))
    }
}

fn closing(config: &RuntimeConfig) -> String {
    let own = config.phrases.closing.trim();
    if own.is_empty() { stock_goodbye(language(config)).to_owned() } else { own.to_owned() }
}

/// What a vendor may keep of the prompt: none where it holds something of one caller, or the bot wants none of it cached.
fn cache_key(config: &RuntimeConfig) -> Option<CacheKey> {
    let parts = &config.prompt_parts;
    // In one part, all of it is the same for every caller.
    let fixed = match parts.static_system_prompt.is_empty() {
        true => config.system_prompt.as_str(),
        false => &parts.static_system_prompt,
    };
    let fixed_bytes = if config.system_prompt.starts_with(fixed) { fixed.len() } else { 0 };
    (!parts.cache_key.is_empty()).then(|| CacheKey { name: parts.cache_key.clone(), fixed_bytes })
}

/// The bot's targets. One that makes no sense is left out: a bridge that is newer may have more kinds.
fn targets(config: &RuntimeConfig) -> Vec<TransferTarget> {
    config.transfer_targets.iter().filter_map(|t| serde_json::from_value(t.clone()).ok()).collect()
}

/// Those of the older form: a number by its label.
fn numbers(config: &RuntimeConfig) -> Vec<(String, String)> {
    let named = config.transfer_numbers.iter();
    named.filter_map(|(label, number)| Some((label.clone(), number.as_str()?.to_owned()))).collect()
}

/// A vendor and its fallbacks as one list.
pub fn with_fallbacks<'a, S, T>(
    first: &'a S,
    take: impl Fn(&'a S) -> T,
    rest: impl Fn(&'a S) -> &'a Vec<S>,
) -> Vec<T> {
    std::iter::once(take(first)).chain(rest(first).iter().map(&take)).collect()
}

fn description(tool: &Tool) -> String {
    let stock = builtin::description(&tool.name);
    if tool.description.is_empty() { stock.to_owned() } else { tool.description.clone() }
}

/// A tool without a schema has no arguments, but for the built-in ones.
fn parameters(tool: &Tool) -> Value {
    match &tool.parameters {
        Value::Object(_) => tool.parameters.clone(),
        _ if tool.http.is_some() => serde_json::json!({"type": "object", "properties": {}}),
        _ => builtin::schema(&tool.name),
    }
}

fn own_tool(tool: &Tool) -> Option<(String, OwnTool)> {
    let Some(http) = &tool.http else {
        let has_answer = matches!(tool.name.as_str(), SEND_DTMF | SCHEDULE_CALLBACK | SWITCH_LANGUAGE);
        let own =
            OwnTool { parameters: parameters(tool), filler: String::new(), confirm: false, cancels: false };
        return has_answer.then(|| (tool.name.clone(), own));
    };
    let own = OwnTool {
        parameters: tool.parameters.clone(),
        filler: http.filler.clone(),
        confirm: http.confirm,
        cancels: http.on_interrupt == OnInterrupt::Cancel,
    };
    Some((tool.name.clone(), own))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(voice: &str, recogniser: &str, language: &str, goodbye: &str) {
        let config = serde_json::json!({
            "version": vox_shared::wire::WIRE_VERSION, "session_id": "call_1", "webhook_url": "http://h/", "system_prompt": "", "opening_message": "",
            "tts": {"language": voice}, "stt": {"language": recogniser},
        });
        let config: RuntimeConfig = serde_json::from_value(config).unwrap();
        let rules = Rules::from_config(&config, Duration::ZERO);
        assert_eq!(
            (rules.language.as_str(), rules.closing.contains(goodbye)),
            (language, true),
            "{}",
            rules.closing
        );
    }

    #[test]
    fn only_a_prompt_that_may_be_cached_has_a_key() {
        let direct = serde_json::json!({"mode": "direct", "cache_enabled": true, "cache_key": "faq-0123", "static_system_prompt": "Be kind."});
        for (parts, expected) in [
            (serde_json::json!({}), None),
            (serde_json::json!({"cache_enabled": true, "cache_key": "faq-0123"}), Some(("faq-0123", 23))),
            (direct, Some(("faq-0123", 8))),
        ] {
            let config = serde_json::json!({
                "version": vox_shared::wire::WIRE_VERSION, "session_id": "call_1", "bot_id": "faq", "webhook_url": "http://h/",
                "system_prompt": "Be kind.\n\nTalk to Asha.", "opening_message": "", "prompt_parts": parts,
            });
            let config: RuntimeConfig = serde_json::from_value(config).unwrap();
            let key = Rules::from_config(&config, Duration::ZERO).cache_key;
            assert_eq!(key.as_ref().map(|key| (key.name.as_str(), key.fixed_bytes)), expected);
        }
    }

    #[test]
    fn a_voice_without_a_language_speaks_the_recognisers() {
        check("de", "en", "de", "Wiederhören");
        check("en", "hi-IN", "hi-IN", "नमस्ते");
        check("", "zh", "zh", "再见");
        check("en", "multi", "en", "Goodbye");
        check("en-GB", "de", "en-GB", "Goodbye");
        check("", "", "", "Goodbye");
    }
}
