//! What is asked about a call that ended, decided by rule when its result is stored or somebody asks again, and written with it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vox_shared::catalogue::SCRIPTED;
use vox_shared::ids::SessionId;
use vox_shared::model::bot::{BotSettings, LlmSettings};

use crate::store::Stamp;
use crate::store::calls::Call;
use crate::store::calls::analysis::{Analysis, Part, PartStatus, Question};
use crate::store::jobs::Queue;
use crate::store::outbox::{Follows, Outbox, Pending};

/// The word of the jobs that ask.
pub const KIND: &str = "process_result";

/// Which questions a job asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Arguments {
    pub session_id: SessionId,
    pub record: u32,
    pub run: u32,
}

/// Begin to ask about a call, which has its verdict: answers whether there is anything to ask. What an earlier run was answered stays
/// until there is a newer answer, and so does what it used.
pub fn begin(call: &mut Call, session_id: &SessionId, settings: &BotSettings, now: Stamp) -> bool {
    let record = call.record();
    let (earlier, used) = match call.analysis.take() {
        Some(old) => (Some(old.clone()).filter(|old| old.record == record), old.used),
        None => (None, Vec::new()),
    };
    let run = earlier.as_ref().map_or(1, |earlier| earlier.run + 1);
    let parts = Question::ALL.map(|question| {
        let before = earlier.as_ref().and_then(|earlier| earlier.part(question)).cloned();
        part(call, question, settings, before)
    });
    let outcomes = earlier.map(|earlier| earlier.outcomes).unwrap_or_default();
    let analysis =
        Analysis { record, run, asked_at: now, settled_at: None, parts: parts.into(), outcomes, used };
    let asks = analysis.is_pending();
    call.analysis = Some(analysis);
    if asks {
        Outbox::push(
            &mut call.outbox,
            follows(Arguments { session_id: session_id.clone(), record, run }, now),
        );
    }
    asks
}

/// Whether a question is to be asked about a call, and why not.
pub fn standing(call: &Call, question: Question, settings: &BotSettings) -> (PartStatus, Option<String>) {
    let skipped = call.verdict.as_ref().and_then(|verdict| verdict.skipped);
    match (off(question, settings), skipped) {
        (Some(why), _) => (PartStatus::Off, Some(why.to_owned())),
        (None, Some(skipped)) => (PartStatus::Skipped, Some(skipped.reason().to_owned())),
        (None, None) if models(settings).next().is_none() => {
            let why = format!(
                "the bot's model is `{0}`, which answers callers from a script and cannot judge a call; give the bot a model of another vendor",
                SCRIPTED.name
            );
            (PartStatus::Skipped, Some(why))
        }
        (None, None) => (PartStatus::Pending, None),
    }
}

fn part(call: &Call, question: Question, settings: &BotSettings, before: Option<Part>) -> Part {
    let (status, reason) = standing(call, question, settings);
    let empty = Part {
        question,
        status,
        reason: None,
        answered_at: None,
        model: None,
        output: None,
        schema_faults: Vec::new(),
    };
    Part { status, reason, ..before.unwrap_or(empty) }
}

/// Why a bot does not ask a question.
fn off(question: Question, settings: &BotSettings) -> Option<&'static str> {
    let is_empty = |prompt: &Option<String>| prompt.as_ref().is_none_or(|prompt| prompt.trim().is_empty());
    match question {
        Question::Analysis if is_empty(&settings.post_call_analysis_prompt) => {
            Some("the bot has no `post_call_analysis_prompt`")
        }
        Question::Qc if is_empty(&settings.qc_prompt) => Some("the bot has no `qc_prompt`"),
        Question::Outcomes if settings.outcomes.is_empty() => Some("the bot has no `outcomes`"),
        _ => None,
    }
}

/// The models of a bot that can be asked, the first choice first.
pub fn models(settings: &BotSettings) -> impl Iterator<Item = &LlmSettings> {
    let all = std::iter::once(&settings.llm).chain(&settings.llm.fallbacks);
    all.filter(|model| model.provider != SCRIPTED.name)
}

fn follows(arguments: Arguments, at: Stamp) -> Pending {
    let id = format!("{KIND}.{}.{}", arguments.record, arguments.run);
    let Ok(Value::Object(arguments)) = serde_json::to_value(arguments) else {
        unreachable!("it is an object")
    };
    let what = Follows::Job { queue: Queue::Default, job: KIND.into(), arguments, begins_at: None };
    Pending { id, at, what }
}
