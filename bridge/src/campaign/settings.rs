//! What an operator sets on a campaign. Everything has a default; [`Settings::faults`] says what is not acceptable.

mod calling;
mod hours;
mod pacing;
mod preview;
mod retries;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vox_shared::ids::BotId;

pub use calling::{BotChoice, Caps, Consent, LostPolicy, Machines, Numbers, OnVoicemail, Purpose};
pub use hours::{DayTimes, Hours};
pub use pacing::{Mode, Pacing};
pub use preview::Preview;
pub use retries::{RetryOn, RetryRule, default_retries};

use crate::fields::FieldError;

/// Longest name, characters.
const MAX_NAME: usize = 120;
/// Most bots to choose from.
const MAX_CHOICES: usize = 50;
/// Most languages of rows.
const MAX_LANGUAGES: usize = 50;

/// Settings of a campaign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What the calls are for; rules of places differ by it.
    pub purpose: Purpose,
    /// Of numbers without a country code: two capital letters, like `IN`. Null: a number must come with its `+`.
    #[schema(example = "IN")]
    pub region: Option<String>,
    /// What a row's `language` may be, beside the languages of `choices`; the bot reads it as `call.language`.
    pub languages: BTreeSet<String>,
    /// Bots that a row may choose by `prompt` or `language`; the first that fits calls, the campaign's own bot where none does.
    pub choices: Vec<BotChoice>,
    pub pacing: Pacing,
    /// Of the pacing mode `preview`.
    pub preview: Preview,
    pub hours: Hours,
    /// By the result of an attempt. A result that is left out has the rule of `docs/campaigns.md`; one with no delays is not tried again.
    pub retries: BTreeMap<RetryOn, RetryRule>,
    pub caps: Caps,
    pub numbers: Numbers,
    pub machines: Machines,
    pub consent: Consent,
    /// What follows a dial of which the end was never learned.
    pub lost_policy: LostPolicy,
    /// Contacts that are called first; the rest follow when these have ended and most of their calls went well. 0 to 50; 0: none.
    pub canary: u32,
    /// How long it rings, seconds, 15 to 75: LiveKit itself waits 80 s for an answer.
    pub ring_secs: u32,
    /// The longest call, seconds, 30 to 7,200.
    pub max_secs: u32,
    /// The name shown with the number, where the carrier takes one; 60 characters at most.
    pub display_name: String,
    /// It does not complete when nobody is left to be called: people may come at any time, and `stop` or `drain` ends it.
    pub keep_open: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            purpose: Purpose::default(),
            region: None,
            languages: BTreeSet::new(),
            choices: Vec::new(),
            pacing: Pacing::default(),
            preview: Preview::default(),
            hours: Hours::default(),
            retries: BTreeMap::new(),
            caps: Caps::default(),
            numbers: Numbers::default(),
            machines: Machines::default(),
            consent: Consent::default(),
            lost_policy: LostPolicy::default(),
            canary: 5,
            ring_secs: 30,
            max_secs: 900,
            display_name: String::new(),
            keep_open: false,
        }
    }
}

impl Settings {
    /// What is not acceptable, with paths below `path`.
    pub fn faults(&self, path: &str) -> Vec<FieldError> {
        let mut found = Vec::new();
        let mut faults = Faults { path: path.to_owned(), found: &mut found };
        faults.between("canary", self.canary, 0, 50);
        faults.between("ring_secs", self.ring_secs, 15, 75);
        faults.between("max_secs", self.max_secs, 30, 7_200);
        if self.region.as_ref().is_some_and(|region| !is_region(region)) {
            faults.say("region", "must be two capital letters, like IN");
        }
        if self.display_name.chars().count() > 60 || self.display_name.chars().any(char::is_control) {
            faults.say("display_name", "at most 60 characters, none of them a control character");
        }
        if self.languages.len() > MAX_LANGUAGES || !self.languages.iter().all(|tag| is_language(tag)) {
            faults.say("languages", &format!("at most {MAX_LANGUAGES} language tags like `en` or `hi-IN`"));
        }
        if self.choices.len() > MAX_CHOICES {
            faults.say("choices", &format!("at most {MAX_CHOICES}"));
        }
        for (at, choice) in self.choices.iter().enumerate() {
            choice.faults(&mut faults.at(&format!("choices.{at}")));
        }
        self.pacing.faults(&mut faults.at("pacing"));
        self.preview.faults(&mut faults.at("preview"));
        self.hours.faults(&mut faults.at("hours"));
        for (result, rule) in &self.retries {
            rule.faults(&mut faults.at(&format!("retries.{}", result.as_str())));
        }
        self.caps.faults(&mut faults.at("caps"));
        self.numbers.faults(&mut faults.at("numbers"));
        self.machines.faults(&mut faults.at("machines"));
        found
    }

    /// Whether a person lets each call through.
    pub fn previews(&self) -> bool {
        self.pacing.mode == Mode::Preview
    }

    /// Contacts that are called before the rest: none where a person looks at each of them.
    pub fn first_calls(&self) -> u32 {
        if self.previews() { 0 } else { self.canary }
    }

    /// Whether a contact without a consent is left alone.
    pub fn requires_consent(&self) -> bool {
        self.consent.required || self.purpose == Purpose::Sales
    }

    /// The rule after a result: the operator's, or the stock one.
    pub fn retry(&self, result: RetryOn) -> RetryRule {
        self.retries.get(&result).cloned().unwrap_or_else(|| result.stock_rule())
    }

    /// Whether a row may ask for this prompt.
    pub fn knows_prompt(&self, prompt: &str) -> bool {
        self.choices.iter().any(|choice| choice.prompt.as_deref() == Some(prompt))
    }

    /// Whether a row may ask for this language.
    pub fn knows_language(&self, language: &str) -> bool {
        self.languages.contains(language)
            || self.choices.iter().any(|choice| choice.language.as_deref() == Some(language))
    }

    /// The bot that calls somebody with these wishes.
    pub fn bot_for<'a>(
        &'a self,
        prompt: Option<&str>,
        language: Option<&str>,
        campaign: &'a BotId,
    ) -> &'a BotId {
        let fits = |choice: &&BotChoice| {
            choice.prompt.as_deref().is_none_or(|wanted| prompt == Some(wanted))
                && choice.language.as_deref().is_none_or(|wanted| language == Some(wanted))
        };
        self.choices.iter().find(fits).map_or(campaign, |choice| &choice.bot_id)
    }

    /// All bots that may call.
    pub fn bots<'a>(&'a self, campaign: &'a BotId) -> impl Iterator<Item = &'a BotId> {
        std::iter::once(campaign).chain(self.choices.iter().map(|choice| &choice.bot_id))
    }
}

/// What is wrong with a campaign's name.
pub fn name_fault(name: &str) -> Option<FieldError> {
    let is_fine =
        (1..=MAX_NAME).contains(&name.trim().chars().count()) && !name.chars().any(char::is_control);
    (!is_fine).then(|| {
        FieldError::new("name", format!("1 to {MAX_NAME} characters, none of them a control character"))
    })
}

/// Two capital letters.
pub fn is_region(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// A language tag as far as its form goes: `en`, `hi-IN`, `zh-Hant-TW`.
pub fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let primary = parts.next().unwrap_or_default();
    (2..=3).contains(&primary.len())
        && primary.bytes().all(|b| b.is_ascii_alphabetic())
        && text.len() <= 35
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Faults below a path, as they are found.
pub(in crate::campaign) struct Faults<'a> {
    path: String,
    found: &'a mut Vec<FieldError>,
}

impl Faults<'_> {
    fn at(&mut self, name: &str) -> Faults<'_> {
        Faults { path: self.of(name), found: self.found }
    }

    fn of(&self, name: &str) -> String {
        match name {
            "." => self.path.clone(),
            name if self.path.is_empty() => name.to_owned(),
            name => format!("{}.{name}", self.path),
        }
    }

    fn say(&mut self, name: &str, message: &str) {
        let path = self.of(name);
        self.found.push(FieldError::new(path, message));
    }

    fn between(&mut self, name: &str, value: u32, least: u32, most: u32) {
        if !(least..=most).contains(&value) {
            self.say(name, &format!("must be {least} to {most}"));
        }
    }

    fn share(&mut self, name: &str, value: f64, (least, most): (f64, f64)) {
        if !(least..=most).contains(&value) {
            self.say(name, &format!("must be {least} to {most}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fields::typed;

    fn check(settings: Value, faulty: &[&str]) {
        let settings: Settings = typed(settings).unwrap();
        let paths: Vec<String> = settings.faults("settings").into_iter().map(|fault| fault.path).collect();
        assert_eq!(paths, faulty);
    }

    #[test]
    fn the_defaults_are_acceptable() {
        check(json!({}), &[]);
    }

    #[test]
    fn every_fault_is_told_at_its_place() {
        check(
            json!({
                "region": "in", "canary": 51, "ring_secs": 5, "max_secs": 9, "languages": ["english please"],
                "choices": [{"bot_id": "bot_a"}],
                "pacing": {"mode": "power", "ratio": 3.0, "max_lines": 0, "abandon_percent": 5.0},
                "preview": {"card_secs": 5, "skips": 11},
                "hours": {"open": [{"days": ["mon", "moon"], "start": "9:00", "end": "08:00"}], "closed": ["2026-13-01"]},
                "retries": {"busy": {"delays_min": [0]}},
                "caps": {"number_day": 0},
                "numbers": {"from": ["x"], "per_hour": 0},
                "machines": {"on_voicemail": "leave_message", "detector": {"short_pause_ms": 10}},
            }),
            &[
                "settings.canary",
                "settings.ring_secs",
                "settings.max_secs",
                "settings.region",
                "settings.languages",
                "settings.choices.0",
                "settings.pacing.max_lines",
                "settings.pacing.ratio",
                "settings.pacing.abandon_percent",
                "settings.preview.card_secs",
                "settings.preview.skips",
                "settings.hours.open.0.days",
                "settings.hours.open.0.start",
                "settings.hours.closed.0",
                "settings.retries.busy.delays_min",
                "settings.caps.number_day",
                "settings.numbers.per_hour",
                "settings.numbers.from.0",
                "settings.machines.message",
                "settings.machines.detector",
            ],
        );
    }

    /// As workers read them: the old figures stand in `cadence`.
    #[test]
    fn the_detector_has_its_own_settings() {
        let of = |detector| json!({"machines": {"detector": detector}});
        check(of(json!({"mode": "cadence", "cadence": {"initial_silence": 3_000}})), &[]);
        check(of(json!({"mode": "cadence", "cadence": "2000,2000,1000"})), &[]);
        check(of(json!({"initial_silence": 3_000})), &["settings.machines.detector"]);
        check(of(json!({"mode": "cadence", "cadence": {"greeting": 1}})), &["settings.machines.detector"]);
    }

    #[test]
    fn what_is_no_setting_is_refused() {
        assert_eq!(typed::<Settings>(json!({"pacing": {"speed": 3}})).unwrap_err().path, "pacing.speed");
    }

    #[test]
    fn a_row_has_the_bot_of_its_wishes() {
        let settings: Settings = typed(json!({"choices": [
            {"prompt": "soft", "language": "hi", "bot_id": "bot_soft_hi"},
            {"prompt": "soft", "bot_id": "bot_soft"},
            {"language": "hi", "bot_id": "bot_hi"},
        ]}))
        .unwrap();
        let own: BotId = "bot_own".parse().unwrap();
        let bot = |prompt, language| settings.bot_for(prompt, language, &own).as_str();
        assert_eq!(bot(Some("soft"), Some("hi")), "bot_soft_hi");
        assert_eq!(bot(Some("soft"), Some("en")), "bot_soft");
        assert_eq!(bot(None, Some("hi")), "bot_hi");
        assert_eq!(bot(None, None), "bot_own");
    }

    #[test]
    fn a_result_without_a_rule_has_the_stock_one() {
        let settings: Settings = typed(json!({"retries": {"busy": {"delays_min": []}}})).unwrap();
        assert_eq!(settings.retry(RetryOn::Busy).delays_min, Vec::<u32>::new());
        assert_eq!(settings.retry(RetryOn::NoAnswer), RetryOn::NoAnswer.stock_rule());
    }
}
