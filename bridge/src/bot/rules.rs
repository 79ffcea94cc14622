//! What a bot's settings must keep to. All faults are told at once, each with the path of its field.

mod answering;
mod carriers;
mod conversation;
mod languages;
mod mcp;
mod outcomes;
mod resilience;
mod sounds;
mod speech;
mod tools;

use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use vox_shared::catalogue::{Given, KEY_FILE_BYTES_MAX, Kind, SCRIPTED, Vendor};
use vox_shared::egress::{BadRange, Range};
use vox_shared::model::bot::{
    ActiveHours, ApiKey, BotSettings, Hidden, LineAccess, ReEngagement, Redaction, Sink,
};
use vox_shared::model::script::validate_script;
use vox_shared::typed::{self, Alphabet};

use super::hours::{minutes, weekday};
use super::keys::{Keyed, is_masked};
use crate::fields::FieldError;

/// Longest name, characters.
const MAX_NAME: usize = 120;
/// Longest prompt, bytes.
const MAX_PROMPT_BYTES: usize = 64 * 1024;
/// Longest phrase that is spoken, bytes.
const MAX_PHRASE_BYTES: usize = 4 * 1024;
/// Longest short text (models, voices, languages, keys), bytes.
const MAX_WORD_BYTES: usize = 512;
/// Most fallbacks, prompts or words of a list.
const MAX_FALLBACKS: usize = 4;
const MAX_PROMPTS: usize = 10;
const MAX_WORDS: usize = 200;
const MAX_ADDRESSES: usize = 64;
/// Shortest token of a line, characters: a caller may try as often as it likes.
const MIN_TOKEN: usize = 8;
/// Largest free-form object, bytes of JSON.
const MAX_FREE_BYTES: usize = 128 * 1024;
/// Longest call that may be set, seconds; the limit of the operations.
const MAX_CALL_SECONDS: u32 = 3600;

/// Collects faults.
#[derive(Default)]
pub struct Faults(pub Vec<FieldError>);

/// Everything that is wrong with these settings.
pub fn check(settings: &BotSettings, faults: &mut Faults) {
    let name = settings.name.trim().chars().count();
    faults.unless((1..=MAX_NAME).contains(&name), "name", || format!("1 to {MAX_NAME} characters"));
    faults.unless(TimeZone::get(&settings.timezone).is_ok(), "timezone", || {
        "no IANA time zone; for example Asia/Kolkata or UTC".into()
    });
    faults.text("system_prompt", &settings.system_prompt, MAX_PROMPT_BYTES);
    check_phrases(settings, faults);
    faults.range("min_words_interruption", f64::from(settings.min_words_interruption), 0.0..=20.0);
    let longest = f64::from(settings.max_call_duration_seconds);
    faults.range("max_call_duration_seconds", longest, 10.0..=f64::from(MAX_CALL_SECONDS));
    let turns = settings.summary_after_turns;
    faults.unless(turns == 0 || (6..=200).contains(&turns), "summary_after_turns", || {
        "must be 6 to 200, or 0 for never".into()
    });
    faults.free("variables", &Value::Object(settings.variables.clone()));
    check_scripts(settings, faults);
    check_hours(&settings.active_hours, faults);
    check_line_access(&settings.line_access, faults);
    carriers::check(settings, faults);
    languages::check(settings, faults);
    if let Some(prompts) = &settings.re_engagement {
        check_re_engagement(prompts, faults);
    }
    tools::check(settings, faults);
    mcp::check(&settings.mcp_servers, faults);
    conversation::check(settings, faults);
    resilience::check(settings, faults);
    speech::check(settings, faults);
    sounds::check(&settings.sounds, faults);
    answering::check(&settings.answering, faults);
    outcomes::check(&settings.outcomes, faults);
    check_vendors(settings, faults);
    check_vad(settings, faults);
    check_turn(settings, faults);
    check_redaction(&settings.redaction, faults);
}

/// A name for a copy, not too long.
pub fn copy_name(name: &str) -> String {
    const MARK: &str = " (copy)";
    let kept: String = name.chars().take(MAX_NAME - MARK.len()).collect();
    format!("{kept}{MARK}")
}

/// Names in `given` that settings do not have: a misspelt setting is a fault, not silence. `known` is the same settings
/// as they were understood, which serialise every field they have.
pub fn unknown_fields(
    given: &Map<String, Value>,
    known: &Map<String, Value>,
    path: &str,
    faults: &mut Faults,
) {
    for (name, value) in given {
        let here = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match (value, known.get(name)) {
            // Of a tool without a request.
            (Value::Null, None) if name == "http" => {}
            (_, None) => faults.add(&here, "there is no such setting"),
            // Free-form: what is in them is not ours to know.
            _ if matches!(
                name.as_str(),
                "extra" | "variables" | "parameters" | "analysis_schema" | "body"
            ) => {}
            (Value::Object(given), Some(Value::Object(known))) => unknown_fields(given, known, &here, faults),
            (Value::Array(given), Some(Value::Array(known))) => {
                for (place, pair) in given.iter().zip(known).enumerate() {
                    if let (Value::Object(given), Value::Object(known)) = pair {
                        unknown_fields(given, known, &format!("{here}.{place}"), faults);
                    }
                }
            }
            _ => {}
        }
    }
}

fn check_phrases(settings: &BotSettings, faults: &mut Faults) {
    let phrases = &settings.phrases;
    for (path, text) in [
        ("opening_message", &settings.opening_message),
        ("voicemail_message", &settings.voicemail_message),
        ("pre_transfer_message", &settings.pre_transfer_message),
        ("phrases.not_understood", &phrases.not_understood),
        ("phrases.trouble", &phrases.trouble),
        ("phrases.apology", &phrases.apology),
        ("phrases.time_up", &phrases.time_up),
        ("phrases.hold", &phrases.hold),
        ("phrases.closing", &phrases.closing),
        ("phrases.line_back", &phrases.line_back),
    ] {
        faults.text(path, text, MAX_PHRASE_BYTES);
    }
}

fn check_hours(hours: &ActiveHours, faults: &mut Faults) {
    for (path, text) in [("active_hours.start", &hours.start), ("active_hours.end", &hours.end)] {
        faults.unless(minutes(text).is_some(), path, || "must be HH:MM, 00:00 to 24:00".into());
    }
    faults.unless(hours.start != "24:00", "active_hours.start", || {
        "must be before 24:00; that is 00:00 of the next day".into()
    });
    faults.unless(hours.start != hours.end, "active_hours.end", || "must differ from the start".into());
    faults.unless(!hours.days.is_empty(), "active_hours.days", || "name at least one day".into());
    for (place, day) in hours.days.iter().enumerate() {
        let path = format!("active_hours.days.{place}");
        faults.unless(weekday(day).is_some(), &path, || "must be mon, tue, wed, thu, fri, sat or sun".into());
    }
}

fn check_line_access(access: &LineAccess, faults: &mut Faults) {
    faults.secret("line_access.token", &access.token);
    let length = access.token.expose().len();
    faults.unless(access.token.is_empty() || length >= MIN_TOKEN, "line_access.token", || {
        format!("at least {MIN_TOKEN} characters, or strangers find it by trying")
    });
    faults.count("line_access.addresses", access.addresses.len(), MAX_ADDRESSES);
    for (place, text) in access.addresses.iter().take(MAX_ADDRESSES).enumerate() {
        if let Err(error) = text.parse::<Range>() {
            let error: BadRange = error;
            faults.add(&format!("line_access.addresses.{place}"), error.to_string());
        }
    }
}

fn check_re_engagement(idle: &ReEngagement, faults: &mut Faults) {
    faults.range("re_engagement.after_secs", idle.after_secs.into(), 2.0..=120.0);
    faults.count("re_engagement.prompts", idle.prompts.len(), MAX_PROMPTS);
    for (place, prompt) in idle.prompts.iter().enumerate() {
        faults.text(&format!("re_engagement.prompts.{place}"), prompt, MAX_PHRASE_BYTES);
    }
    faults.text("re_engagement.goodbye", &idle.goodbye, MAX_PHRASE_BYTES);
}

fn check_vendors(settings: &BotSettings, faults: &mut Faults) {
    check_vendor(&settings.stt, "stt", Kind::Recogniser, faults);
    check_vendor(&settings.llm, "llm", Kind::LanguageModel, faults);
    check_vendor(&settings.tts, "tts", Kind::Voice, faults);
    let models = std::iter::once(("llm".to_owned(), &settings.llm));
    let fallbacks = settings.llm.fallbacks.iter().enumerate().map(|(n, f)| (format!("llm.fallbacks.{n}"), f));
    for (path, llm) in models.chain(fallbacks) {
        faults.range(&format!("{path}.temperature"), llm.temperature.into(), 0.0..=2.0);
        faults.range(&format!("{path}.max_tokens"), llm.max_tokens.into(), 1.0..=8192.0);
    }
}

/// A script that is there must be one that can be spoken; a bot without one gets its script later.
fn check_scripts(settings: &BotSettings, faults: &mut Faults) {
    let all = std::iter::once(("llm".to_owned(), &settings.llm))
        .chain(settings.llm.fallbacks.iter().enumerate().map(|(i, llm)| (format!("llm.fallbacks.{i}"), llm)));
    for (path, llm) in all.filter(|(_, llm)| llm.provider == SCRIPTED.name) {
        let Some(script) = llm.extra.get("script").filter(|s| !s.is_null()) else { continue };
        if let Err(error) = validate_script(script) {
            faults.add(&format!("{path}.extra.script"), error.to_string());
        }
    }
}

fn check_vendor<T: Keyed>(settings: &T, path: &str, kind: Kind, faults: &mut Faults) {
    let takes_file = kind.find(settings.provider()).is_some_and(Vendor::takes_key_file);
    faults.vendor_key(&format!("{path}.api_key"), settings.api_key(), takes_file);
    for (name, text, alphabet) in settings.names() {
        faults.word(&format!("{path}.{name}"), text, alphabet);
    }
    faults.free(&format!("{path}.extra"), &Value::Object(settings.extra().clone()));
    // The parser would take white space out by itself, and the address that is used would not be the one that is shown.
    let base_url = settings.extra().get("base_url").and_then(Value::as_str);
    if let Some(stray) = base_url.and_then(|text| typed::fault(text, Alphabet::Ascii)) {
        faults.add(&format!("{path}.extra.base_url"), stray);
    }
    match kind.find(settings.provider()) {
        None => faults.add(&format!("{path}.provider"), format!("must be one of {}", kind.names())),
        Some(vendor) => {
            let names = settings.names();
            let given = Given {
                key: settings.api_key().expose(),
                language: names.iter().find(|(name, ..)| *name == "language").map(|(_, text, _)| *text),
                voice: (kind == Kind::Voice).then(|| settings.voice()),
                extra: settings.extra(),
            };
            for fault in vendor.faults(given) {
                faults.add_first(&format!("{path}.{}", fault.field), fault.message);
            }
        }
    }
    faults.count(&format!("{path}.fallbacks"), settings.fallbacks().len(), MAX_FALLBACKS);
    for (place, fallback) in settings.fallbacks().iter().take(MAX_FALLBACKS).enumerate() {
        let path = format!("{path}.fallbacks.{place}");
        faults.unless(fallback.fallbacks().is_empty(), &path, || {
            "a fallback has no fallbacks of its own".into()
        });
        check_vendor(fallback, &path, kind, faults);
    }
}

fn check_vad(settings: &BotSettings, faults: &mut Faults) {
    let vad = &settings.vad;
    faults.range("vad.confidence", vad.confidence.into(), 0.05..=0.99);
    faults.range("vad.off_confidence", vad.off_confidence.into(), 0.01..=0.99);
    faults.unless(vad.off_confidence <= vad.confidence, "vad.off_confidence", || {
        "must not be above vad.confidence".into()
    });
    faults.range("vad.start_secs", vad.start_secs.into(), 0.03..=2.0);
    faults.range("vad.stop_secs", vad.stop_secs.into(), 0.05..=5.0);
    faults.range("vad.min_volume", vad.min_volume.into(), 0.0..=60.0);
}

fn check_redaction(redaction: &Redaction, faults: &mut Faults) {
    faults.count("redaction.kinds", redaction.kinds.len(), Hidden::ALL.len());
    faults.count("redaction.sinks", redaction.sinks.len(), Sink::ALL.len());
    faults.unless(redaction.is_on() || redaction.kinds.is_empty(), "redaction.sinks", || {
        "name where it is hidden, or leave the field out for everywhere".into()
    });
}

fn check_turn(settings: &BotSettings, faults: &mut Faults) {
    let turn = &settings.turn;
    for (path, value, range) in [
        ("turn.complete_secs", turn.complete_secs, 0.1..=5.0),
        ("turn.incomplete_secs", turn.incomplete_secs, 0.1..=10.0),
        ("turn.spelling_secs", turn.spelling_secs, 0.1..=10.0),
        ("turn.transcript_secs", turn.transcript_secs, 0.1..=10.0),
        ("turn.watchdog_secs", turn.watchdog_secs, 1.0..=30.0),
        ("turn.interrupt_secs", turn.interrupt_secs, 0.1..=5.0),
        ("turn.resume_secs", turn.resume_secs, 0.2..=10.0),
    ] {
        faults.range(path, value.into(), range);
    }
    for (path, words) in [("turn.backchannels", &turn.backchannels), ("turn.stop_words", &turn.stop_words)] {
        faults.count(path, words.len(), MAX_WORDS);
        for (place, word) in words.iter().take(MAX_WORDS).enumerate() {
            faults.text(&format!("{path}.{place}"), word, MAX_WORD_BYTES);
        }
    }
}

impl Faults {
    pub fn add(&mut self, path: &str, message: impl Into<String>) {
        self.0.push(FieldError::new(path, message));
    }

    /// Add a fault of a field of which none was told yet: the first is the most exact.
    fn add_first(&mut self, path: &str, message: impl Into<String>) {
        if self.0.iter().all(|fault| fault.path != path) {
            self.add(path, message);
        }
    }

    fn unless(&mut self, good: bool, path: &str, message: impl FnOnce() -> String) {
        if !good {
            self.add(path, message());
        }
    }

    fn range(&mut self, path: &str, value: f64, range: std::ops::RangeInclusive<f64>) {
        self.unless(range.contains(&value), path, || format!("must be {} to {}", range.start(), range.end()));
    }

    fn text(&mut self, path: &str, text: &str, most: usize) {
        self.unless(text.len() <= most, path, || format!("at most {most} bytes"));
    }

    /// A key or a token: a mask is told as one, and anything else that no key has by its own name.
    fn secret(&mut self, path: &str, secret: &ApiKey) {
        if !self.masked(path, secret) {
            self.word(path, secret.expose(), Alphabet::Ascii);
        }
    }

    /// A vendor's key: a word, or a whole file, whose form the vendor's row judges.
    fn vendor_key(&mut self, path: &str, key: &ApiKey, takes_file: bool) {
        match takes_file {
            false => self.secret(path, key),
            true if self.masked(path, key) => {}
            true => self.text(path, key.expose(), KEY_FILE_BYTES_MAX),
        }
    }

    /// Whether a secret is a mask; that is told.
    fn masked(&mut self, path: &str, secret: &ApiKey) -> bool {
        let is_masked = is_masked(secret.expose());
        self.unless(!is_masked, path, || {
            "this is a masked key; leave the field out to keep the stored one, or send the whole key".into()
        });
        is_masked
    }

    /// A short text that is one word or one line.
    fn word(&mut self, path: &str, text: &str, alphabet: Alphabet) {
        if let Some(why) = typed::fault(text, alphabet) {
            self.add(path, why);
        }
        self.text(path, text, MAX_WORD_BYTES);
    }

    fn count(&mut self, path: &str, count: usize, most: usize) {
        self.unless(count <= most, path, || format!("at most {most}"));
    }

    fn free(&mut self, path: &str, value: &Value) {
        self.text(path, &value.to_string(), MAX_FREE_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check_settings(given: Value, expected: &[&str]) {
        let settings: BotSettings = serde_json::from_value(given.clone()).unwrap();
        let mut faults = Faults::default();
        let known = serde_json::to_value(&settings).unwrap();
        unknown_fields(given.as_object().unwrap(), known.as_object().unwrap(), "", &mut faults);
        check(&settings, &mut faults);
        let paths: Vec<&str> = faults.0.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(paths, expected, "{:?}", faults.0);
    }

    #[test]
    fn the_defaults_with_a_name_are_good() {
        check_settings(json!({"name": "a"}), &[]);
        let openai = json!({"provider": "openai", "api_key": "sk-0123456789abcdef"});
        check_settings(json!({"name": "a", "llm": openai, "tools": [{"name": "end_call"}]}), &[]);
        check_settings(
            json!({"name": "a", "llm": {"provider": "openai", "extra": {"base_url": "http://10.0.0.2:8000/v1"}}}),
            &[],
        );
    }

    #[test]
    fn every_fault_is_told_with_its_path() {
        check_settings(
            json!({
                "name": " ", "timezone": "Mars/Base", "max_call_duration_seconds": 5, "colour": "red",
                "active_hours": {"start": "9", "end": "25:00", "days": ["monday"]},
                "tools": [{"name": "search_knowledge"}],
                "stt": {"provider": "deepgram", "speed": 3},
                "llm": {"temperature": 3.0, "fallbacks": [{"provider": "nobody"}]},
                "tts": {"provider": "elevenlabs", "api_key": "abcd…wxyz", "extra": {"base_url": "ftp://x"}},
                "vad": {"confidence": 0.2}
            }),
            &[
                "colour",
                "stt.speed",
                "name",
                "timezone",
                "max_call_duration_seconds",
                "active_hours.start",
                "active_hours.end",
                "active_hours.days.0",
                "tools.0.name",
                "stt.api_key",
                "llm.fallbacks.0.provider",
                "tts.api_key",
                "tts.extra.base_url",
                "llm.temperature",
                "vad.off_confidence",
            ],
        );
    }

    #[test]
    fn windows_that_never_open_and_lines_that_anybody_finds_are_refused() {
        let hours =
            |start: &str, end: &str| json!({"name": "a", "active_hours": {"start": start, "end": end}});
        check_settings(hours("00:00", "24:00"), &[]);
        check_settings(hours("22:00", "00:00"), &[]);
        check_settings(hours("24:00", "00:00"), &["active_hours.start"]);
        check_settings(hours("09:00", "09:00"), &["active_hours.end"]);
        let access = |token: &str, address: &str| json!({"name": "a", "line_access": {"token": token, "addresses": [address]}});
        check_settings(access("lt-0123456789", "10.1.0.0/16"), &[]);
        check_settings(access("short", "10.1.0.0/16"), &["line_access.token"]);
        check_settings(access("lt-0…6789", "10.1.0.1/16"), &["line_access.token", "line_access.addresses.0"]);
    }

    #[test]
    fn a_script_that_cannot_be_spoken_is_refused_where_it_stands() {
        let mut settings = BotSettings { name: "Maya".into(), ..BotSettings::default() };
        settings.llm.extra.insert("script".into(), serde_json::json!({"nonsense": 1}));
        let mut faults = Faults::default();
        check(&settings, &mut faults);
        assert_eq!(faults.0.len(), 1);
        assert_eq!(faults.0[0].path, "llm.extra.script");
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        let mut settings = BotSettings { name: "a".into(), ..BotSettings::default() };
        settings.vad.stop_secs = f32::NAN;
        let mut faults = Faults::default();
        check(&settings, &mut faults);
        assert_eq!(faults.0[0].path, "vad.stop_secs");
    }
}
