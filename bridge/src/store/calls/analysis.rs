//! What models were asked about a call and what they answered, in the call's own document. Rules made a verdict of it before
//! (`crate::verdict`) and hold what was answered to what was said.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use vox_shared::wire::result::Speaker;

use super::Call;
use crate::store::Stamp;
use crate::store::engine::{Json, holds};
use crate::store::ledger::Line;

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// The number of the call's terminal record that it is about.
    pub record: u32,
    /// 1 is the bridge's own; who asks again begins another.
    pub run: u32,
    pub asked_at: Stamp,
    /// When nothing was left to be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Stamp>,
    pub parts: Vec<Part>,
    /// What of the bot's outcomes the last answer claims, and whether it was said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<Proof>,
    /// What all runs used; it is in the ledger too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used: Vec<Line>,
}

holds! { Json: Analysis => |analysis| serde_json::to_value(analysis).unwrap_or(Value::Null); }

/// What is asked about a call, each by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// `post_call_analysis_prompt`.
    Analysis,
    /// `qc_prompt`.
    Qc,
    /// `outcomes`.
    Outcomes,
}

impl Question {
    pub const ALL: [Self; 3] = [Self::Analysis, Self::Qc, Self::Outcomes];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Analysis => "analysis",
            Self::Qc => "qc",
            Self::Outcomes => "outcomes",
        }
    }
}

/// Where a question stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartStatus {
    /// The bot asks no such question.
    Off,
    /// It is not asked about this call; the reason says why.
    Skipped,
    Pending,
    Done,
    /// No model answered it in the end.
    Failed,
}

/// A question and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub question: Question,
    pub status: PartStatus,
    /// Why it is off, was skipped, or has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Stamp>,
    /// Vendor and model that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// As the model gave it. Of an earlier run until there is a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Map<String, Value>>,
    /// Where it does not fit the bot's schema.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schema_faults: Vec<String>,
}

/// An outcome, and whether the call came to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Proof {
    pub name: String,
    pub status: ProofStatus,
    /// Why it is unproven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Doubt>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldProof>,
}

/// A value of an outcome, and whether it was said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldProof {
    pub name: String,
    pub status: ProofStatus,
    /// What the model says it is; in the form of its type when it is proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Doubt>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// Whether something counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProofStatus {
    Proven,
    /// The model claims it, and what was said does not bear it out.
    Unproven,
    /// The model does not claim it.
    NotClaimed,
}

/// What something rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// The place in the transcript, from 1.
    pub utterance: u32,
    pub turn: u32,
    #[schema(value_type = String)]
    pub speaker: Speaker,
    /// On the recording's clock.
    pub started_ms: u64,
    pub ended_ms: u64,
    /// The words.
    pub quote: String,
}

/// Why a claim does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The model names no utterance or no words.
    NoEvidence,
    NoSuchUtterance,
    /// The bot's words, or another's than the outcome rests on.
    WrongSpeaker,
    /// The words are not in the utterance.
    NotSaid,
    /// A carrier, a voicemail or a menu said it.
    Announcement,
    /// The bot's own words came back.
    Echo,
    /// Somebody says that they are not the one, or speaks for another.
    ThirdParty,
    /// It repeats what somebody else said or wants.
    Reported,
    /// There is a no in it.
    Negated,
    Question,
    /// Perhaps, or on a condition.
    Uncertain,
    /// It was taken back later.
    Retracted,
    /// It speaks to a program and not to a person.
    Instruction,
    /// None of the words that the outcome needs.
    WordsMissing,
    /// One of the words that the outcome excludes.
    ExcludedWord,
    /// The value is not in the words.
    ValueNotSaid,
    /// It was said too far from what the outcome rests on.
    TooFar,
    /// The value is none of its type.
    BadValue,
    /// A field that is required is not proven.
    FieldUnproven,
}

/// A call in a few sentences, as a model wrote it when somebody asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The number of the call's terminal record that it is about.
    pub record: u32,
    pub text: String,
    /// Vendor and model that wrote it.
    pub model: String,
    pub made_at: Stamp,
    /// What it used; it is in the ledger too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used: Vec<Line>,
}

holds! { Json: Summary => |summary| serde_json::to_value(summary).unwrap_or(Value::Null); }

/// How often models were asked for a summary, and whether one is being asked now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryAsked {
    /// The number of the call's terminal record that they were asked about.
    pub record: u32,
    pub times: u32,
    /// Somebody is at it, and has lost it if that is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Stamp>,
}

impl Analysis {
    pub fn part(&self, question: Question) -> Option<&Part> {
        self.parts.iter().find(|part| part.question == question)
    }

    pub fn part_mut(&mut self, question: Question) -> Option<&mut Part> {
        self.parts.iter_mut().find(|part| part.question == question)
    }

    pub fn is_pending(&self) -> bool {
        self.parts.iter().any(|part| part.status == PartStatus::Pending)
    }
}

impl Call {
    /// The number of its terminal record; 0 before there is one.
    pub fn record(&self) -> u32 {
        self.charges.as_ref().map_or(0, |charges| charges.record)
    }
}
