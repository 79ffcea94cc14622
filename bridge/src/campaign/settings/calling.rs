//! Who calls whom, from which number, how often, and what a machine is told.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use vox_shared::ids::BotId;
use vox_shared::phone::Number;

use super::{Faults, is_language};

/// Most numbers to call from.
const MAX_FROM: usize = 500;
/// Longest message for a voicemail, characters: 25 s of speech.
const MAX_MESSAGE: usize = 500;
/// Longest name of a prompt, characters.
const MAX_PROMPT: usize = 64;

/// What the calls are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CampaignPurpose)]
pub enum Purpose {
    /// About something that the callee has with the caller: an order, an appointment, a contract.
    #[default]
    Service,
    /// Promotion. Consent is always required.
    Sales,
    Collection,
    Survey,
}

/// A bot that a row may choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BotChoice {
    /// What the row's `prompt` is; null: any.
    #[serde(default)]
    pub prompt: Option<String>,
    /// What the row's `language` is; null: any.
    #[serde(default)]
    pub language: Option<String>,
    #[schema(value_type = String)]
    pub bot_id: BotId,
}

impl BotChoice {
    pub(super) fn faults(&self, faults: &mut Faults<'_>) {
        let named =
            |prompt: &String| (1..=MAX_PROMPT).contains(&prompt.chars().count()) && prompt.trim() == prompt;
        if self.prompt.is_none() && self.language.is_none() {
            faults.say(".", "give `prompt`, `language` or both; the campaign's own bot calls everybody else");
        }
        if !self.prompt.iter().all(named) {
            faults.say("prompt", &format!("1 to {MAX_PROMPT} characters without blanks around them"));
        }
        if !self.language.iter().all(|tag| is_language(tag)) {
            faults.say("language", "must be a language tag like `en` or `hi-IN`");
        }
    }
}

/// How often somebody is rung. Looked at before each dial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Caps {
    /// Attempts for one contact of this campaign, 1 to 20.
    pub contact_attempts: u32,
    /// Rings of one number in 24 hours, by all campaigns of the tenant, 1 to 10.
    pub number_day: u32,
    /// Minutes between two rings of one number, 10 to 10,080; not after busy or a carrier's own trouble.
    pub number_gap_min: u32,
    /// Days between two messages on one voicemail, 1 to 90.
    pub voicemail_days: u32,
}

impl Default for Caps {
    fn default() -> Self {
        Self { contact_attempts: 6, number_day: 3, number_gap_min: 120, voicemail_days: 7 }
    }
}

impl Caps {
    pub(super) fn faults(&self, faults: &mut Faults<'_>) {
        faults.between("contact_attempts", self.contact_attempts, 1, 20);
        faults.between("number_day", self.number_day, 1, 10);
        faults.between("number_gap_min", self.number_gap_min, 10, 10_080);
        faults.between("voicemail_days", self.voicemail_days, 1, 90);
    }
}

/// The numbers that are shown to callees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Numbers {
    /// Numbers of the tenant's carriers; 500 at most. Empty: all that it has.
    #[schema(value_type = Vec<String>)]
    pub from: Vec<String>,
    /// A contact sees the same number every time, as long as it is in the pool.
    pub sticky: bool,
    /// A number that begins like the callee's is preferred.
    pub local: bool,
    /// Calls from one number in an hour, 1 to 1,000.
    pub per_hour: u32,
    /// Calls from one number in a day, 1 to 5,000.
    pub per_day: u32,
    /// Its calls count for whether a number is answered less than the others of the campaign, and rests.
    pub health: bool,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { from: Vec::new(), sticky: true, local: false, per_hour: 25, per_day: 100, health: true }
    }
}

impl Numbers {
    pub(super) fn faults(&self, faults: &mut Faults<'_>) {
        faults.between("per_hour", self.per_hour, 1, 1_000);
        faults.between("per_day", self.per_day, 1, 5_000);
        if self.from.len() > MAX_FROM {
            faults.say("from", &format!("at most {MAX_FROM}"));
        }
        for (at, number) in self.from.iter().enumerate().take(MAX_FROM) {
            if let Err(error) = number.parse::<Number>() {
                faults.say(&format!("from.{at}"), &error.to_string());
            }
        }
    }

    /// The pool in the form in which numbers are compared.
    pub fn pool(&self) -> impl Iterator<Item = Number> {
        self.from.iter().filter_map(|number| number.parse::<Number>().ok()).map(|number| number.comparable())
    }
}

/// What is done with a voicemail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnVoicemail {
    #[default]
    HangUp,
    /// `message` is spoken after the beep.
    LeaveMessage,
}

/// Answering machines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Machines {
    /// Whether answers are told apart at all.
    pub detect: bool,
    pub on_voicemail: OnVoicemail,
    /// Left on voicemails; 500 characters at most.
    pub message: String,
    /// Settings of the detector, those of older systems too; `docs/answering-machines.md` has them. What is left out has its default.
    #[schema(value_type = Object)]
    pub detector: Map<String, Value>,
}

impl Default for Machines {
    fn default() -> Self {
        Self {
            detect: true,
            on_voicemail: OnVoicemail::default(),
            message: String::new(),
            detector: Map::new(),
        }
    }
}

impl Machines {
    pub(super) fn faults(&self, faults: &mut Faults<'_>) {
        let leaves = self.on_voicemail == OnVoicemail::LeaveMessage;
        if self.message.chars().count() > MAX_MESSAGE || (leaves && self.message.trim().is_empty()) {
            faults.say("message", &format!("1 to {MAX_MESSAGE} characters, for `leave_message`"));
        }
        if let Err(error) = vox_amd::Settings::read(Value::Object(self.detector.clone())) {
            faults.say("detector", &error.to_string());
        }
    }
}

/// Whether somebody is called only who agreed to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Consent {
    /// A contact without a consent that holds is not called. Campaigns for sales require it whatever stands here.
    pub required: bool,
}

/// What follows a lost attempt: one that may have rung, and of which the end was never learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LostPolicy {
    /// As after no answer, half an hour later at the earliest.
    #[default]
    Retry,
    /// The contact waits for a person (`review`).
    ReportOnly,
}
