//! The job that asks: each question that is open, of each of the bot's models until one answers. It may be done again from the
//! beginning at any time: an answer is stored before the next question is asked, and what was answered is not asked again.

use serde_json::{Value, json};
use vox_egress::Failure as Unanswered;
use vox_shared::egress::HostRules;
use vox_shared::model::bot::BotSettings;
use vox_shared::wire::result::{DisconnectedBy, Speaker, TranscriptEntry};

use super::Analyst;
use super::ask::{DEADLINE, Prompt, Reply};
use super::begin::{Arguments, standing};
use super::inquiry::{Inquiry, elsewhere};
use super::{prompt, schema};
use crate::bot::hours;
use crate::bot::keys::fill_missing;
use crate::bot::template::Variables;
use crate::crm::push;
use crate::error::with_source;
use crate::jobs::runner::Failure;
use crate::redaction;
use crate::store::calls::Call;
use crate::store::calls::analysis::{Analysis, Part, PartStatus, ProofStatus, Question};
use crate::store::jobs::Job;
use crate::store::outbox::{Follows, Outbox, Pending};
use crate::store::{Stamp, StoreError, Stored};
use crate::verdict::disposition::{DecidedBy, Facts, judge};
use crate::verdict::evidence::{self, Record};

/// Times that a job is tried: over about a quarter of an hour.
pub const MAX_TRIES: i64 = 5;
/// Tries against others that write the same call.
const MAX_WRITES: usize = 8;
/// What is told when nothing is left to be asked.
pub const READY: &str = "analysis.ready";

/// Ask what is open.
pub async fn carry_out(analyst: Analyst, job: Stored<Job>) -> Result<(), Failure> {
    let arguments = Value::Object(job.value.arguments.clone());
    let arguments: Arguments =
        serde_json::from_value(arguments).map_err(|error| Failure::ForGood(error.to_string()))?;
    let work = Work { is_last: job.value.tries >= MAX_TRIES, analyst, job, arguments };
    let mut faults = Vec::new();
    for question in Question::ALL {
        let Some(call) = work.find().await? else { return Ok(()) };
        if call.value.analysis.as_ref().is_some_and(|analysis| is_open(analysis, question)) {
            faults.extend(Box::pin(work.last_word(&call, question)).await?);
        }
    }
    match faults.iter().find(|fault| fault.is_transient) {
        Some(fault) => Err(Failure::Now(fault.told.clone())),
        None => faults.into_iter().next().map_or(Ok(()), |fault| Err(Failure::ForGood(fault.told))),
    }
}

/// A question that nobody answered.
struct Fault {
    told: String,
    is_transient: bool,
}

/// What became of a question in one try.
enum Became {
    /// The last of the models that were asked answered.
    Answered,
    /// It is not asked any more.
    Dropped(PartStatus, Option<String>),
    Failed(Fault),
}

/// One try of a job.
struct Work {
    analyst: Analyst,
    job: Stored<Job>,
    arguments: Arguments,
    is_last: bool,
}

impl Work {
    /// The call, as long as this is still its record and run.
    async fn find(&self) -> Result<Option<Stored<Call>>, StoreError> {
        let calls = self.analyst.stores.calls(&self.job.value.tenant_id);
        match calls.get_call(&self.arguments.session_id).await {
            Ok(call) => Ok(Some(call).filter(|call| self.is_about(&call.value))),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn is_about(&self, call: &Call) -> bool {
        let of = |analysis: &Analysis| (analysis.record, analysis.run);
        call.record() == self.arguments.record
            && call.analysis.as_ref().map(of) == Some((self.arguments.record, self.arguments.run))
    }

    /// Ask a question. The last time one that cannot even be asked has failed: nobody waits for it any longer.
    async fn last_word(&self, call: &Stored<Call>, question: Question) -> Result<Option<Fault>, StoreError> {
        let error = match Box::pin(self.question(call, question)).await {
            Err(error) if self.is_last => error,
            asked => return asked,
        };
        let now = self.find().await?;
        let analysis = now.as_ref().and_then(|call| call.value.analysis.as_ref());
        if !analysis.is_some_and(|analysis| is_open(analysis, question)) {
            return Err(error);
        }
        tracing::error!(call.id = %self.arguments.session_id, error = with_source(&error), "a model cannot be asked about a call");
        let told =
            format!("{}: the bot, its keys or the CRM's settings could not be read", question.as_str());
        let fault = Fault { told, is_transient: false };
        self.write(question, None, &[], Became::Failed(fault)).await
    }

    /// Ask a question and write down what came of it.
    async fn question(&self, call: &Stored<Call>, question: Question) -> Result<Option<Fault>, StoreError> {
        let stores = &self.analyst.stores;
        let Some(bot) = stores.all_bots().find_with_deleted(&call.value.bot_id).await? else {
            let gone = Fault { told: "the bot is gone".into(), is_transient: false };
            return self.write(question, None, &[], Became::Failed(gone)).await;
        };
        let mut settings = bot.value.settings;
        // What is asked may have been changed since.
        let (status, reason) = standing(&call.value, question, &settings);
        if status != PartStatus::Pending {
            return self.write(question, Some(&settings), &[], Became::Dropped(status, reason)).await;
        }
        let tenant = stores.tenants().get_tenant(&call.value.tenant_id).await?.value;
        if let Some(why) = elsewhere(&settings, &tenant) {
            let dropped = Became::Dropped(PartStatus::Skipped, Some(why));
            return self.write(question, Some(&settings), &[], dropped).await;
        }
        fill_missing(&mut settings, &stores.settings().vendor_keys(&call.value.tenant_id).await?);
        // What the bot's model may not hear of the call, this one may not read.
        let seen = redaction::for_model(&call.value).into_owned();
        let seen = Stored { id: call.id.clone(), version: call.version, value: seen };
        let variables = self.analyst.crm.variables(&seen).await?;
        let inquiry = self.inquiry(&seen.value, question, (&settings, &variables), &tenant.egress);
        let replies = self.analyst.inquire(&inquiry, &settings).await;
        let became = match replies.last() {
            Some(Reply { answer: Ok(_), .. }) => Became::Answered,
            _ => Became::Failed(fault(question, &replies)),
        };
        self.write(question, Some(&settings), &replies, became).await
    }

    fn inquiry<'a>(
        &'a self,
        call: &Call,
        question: Question,
        (settings, variables): (&BotSettings, &Variables),
        rules: &'a HostRules,
    ) -> Inquiry<'a> {
        let day = day(call, settings).to_string();
        let prompt = Prompt {
            instructions: prompt::instructions(question, settings, variables, &day),
            material: prompt::transcript(&transcript(call)),
            form: prompt::form(question, settings),
        };
        Inquiry {
            call_id: self.arguments.session_id.as_str(),
            question: question.as_str(),
            rules,
            prompt,
            deadline: DEADLINE,
            max_models: usize::MAX,
            is_enough: |reply| reply.answer.is_ok(),
        }
    }

    /// Write down what became of a question, and what it used; answers the fault that the job is tried again for.
    async fn write(
        &self,
        question: Question,
        settings: Option<&BotSettings>,
        replies: &[Reply],
        became: Became,
    ) -> Result<Option<Fault>, StoreError> {
        let calls = self.analyst.stores.calls(&self.job.value.tenant_id);
        for _ in 0..MAX_WRITES {
            let mut call = match calls.get_call(&self.arguments.session_id).await {
                Err(StoreError::NotFound) => return Ok(None),
                call => call?,
            };
            let now = Stamp(self.analyst.clock.now());
            // What was used is used, even if another record or run has taken this one's place.
            let Arguments { record, run, .. } = self.arguments;
            let id = format!("analysis.{record}.{run}.{}.{}", question.as_str(), self.job.value.fence);
            let used = self.analyst.charge(&mut call, replies, (&id, now)).await?;
            if let Some(analysis) = &mut call.value.analysis {
                analysis.used.extend(used.iter().cloned());
            }
            let (is_about, bot) = (self.is_about(&call.value), call.value.bot_id.clone());
            let is_settled = is_about && self.note(&mut call, question, (settings, replies), (&became, now));
            match calls.replace_call(call).await {
                Err(StoreError::Conflict) => continue,
                written => drop(written?),
            }
            if let Some(settings) = settings {
                self.analyst.count((&self.job.value.tenant_id, &bot), settings, &used).await;
            }
            self.written(is_settled).await?;
            return Ok(match became {
                Became::Failed(fault) if is_about => Some(fault),
                _ => None,
            });
        }
        Err(StoreError::Conflict)
    }

    /// Put what became of a question into the call; answers whether nothing is left to be asked now.
    fn note(
        &self,
        call: &mut Stored<Call>,
        question: Question,
        (settings, replies): (Option<&BotSettings>, &[Reply]),
        (became, now): (&Became, Stamp),
    ) -> bool {
        let (status, reason) = match became {
            Became::Answered => (PartStatus::Done, None),
            Became::Dropped(status, reason) => (*status, reason.clone()),
            Became::Failed(fault) if self.is_last || !fault.is_transient => {
                (PartStatus::Failed, Some(fault.told.clone()))
            }
            Became::Failed(_) => return false,
        };
        if let (Became::Answered, Some(settings), Some(reply)) = (became, settings, replies.last()) {
            answered(&mut call.value, question, (settings, reply), now);
        }
        let Some(analysis) = &mut call.value.analysis else { return false };
        if let Some(part) = analysis.part_mut(question) {
            (part.status, part.reason) = (status, reason);
        }
        let later = Question::ALL.into_iter().skip_while(|other| *other != question).skip(1);
        if analysis.is_pending() || later.into_iter().any(|other| is_open(analysis, other)) {
            return false;
        }
        self.settle(call, settings, now);
        true
    }

    /// Nothing is open any more: the verdict with what was proven, and the event that tells.
    fn settle(&self, call: &mut Stored<Call>, settings: Option<&BotSettings>, now: Stamp) {
        if let Some(settings) = settings {
            conclude(&mut call.value, settings);
        }
        let told = told(call);
        if let (Some(analysis), Value::Object(data)) = (&mut call.value.analysis, told) {
            analysis.settled_at = Some(now);
            let Arguments { record, run, .. } = self.arguments;
            let id = format!("{READY}.{record}.{run}.{}", self.job.value.fence);
            let what = Follows::Event { event: READY.into(), data };
            Outbox::push(&mut call.value.outbox, Pending { id, at: now, what });
        }
    }

    async fn written(&self, settled: bool) -> Result<(), StoreError> {
        self.analyst.relay.wake();
        if settled {
            let id = push::job_id(&self.arguments.session_id, self.arguments.record);
            let jobs = self.analyst.stores.jobs(&self.job.value.tenant_id);
            jobs.hurry(&id, Stamp(self.analyst.clock.now())).await?;
        }
        Ok(())
    }
}

fn is_open(analysis: &Analysis, question: Question) -> bool {
    let part = analysis.part(question);
    part.is_some_and(|part| matches!(part.status, PartStatus::Pending | PartStatus::Failed))
}

/// Keep an answer, with what the rules say of it.
fn answered(call: &mut Call, question: Question, (settings, reply): (&BotSettings, &Reply), now: Stamp) {
    let Ok(answer) = &reply.answer else { return };
    // As the model read it: it cannot quote what it was not shown.
    let transcript = transcript(&redaction::for_model(call));
    let record = Record { transcript: &transcript, day: day(call, settings) };
    let Some(analysis) = &mut call.analysis else { return };
    if question == Question::Outcomes {
        analysis.outcomes = evidence::prove(&record, &settings.outcomes, answer);
    }
    let Some(part) = analysis.part_mut(question) else { return };
    let (vendor, model) = &reply.by;
    (part.answered_at, part.model) = (Some(now), Some(format!("{vendor} {model}")));
    let declared = settings.analysis_schema.as_ref().filter(|_| question == Question::Analysis);
    let faults = declared.map(|declared| schema::faults(declared, &Value::Object(answer.clone())));
    part.schema_faults = faults.unwrap_or_default();
    part.output = Some(answer.clone());
}

/// Why nobody answered; it is worth another try when one of the models may answer then.
fn fault(question: Question, replies: &[Reply]) -> Fault {
    let failures: Vec<&Unanswered> = replies.iter().filter_map(|reply| reply.answer.as_ref().err()).collect();
    let told: Vec<&str> = failures.iter().map(|failure| failure.detail.as_str()).collect();
    let is_transient = failures.iter().any(|failure| failure.class.is_transient());
    Fault { told: format!("{}: {}", question.as_str(), told.join("; ")), is_transient }
}

/// The verdict anew, and the word of the first outcome that is proven and has one.
pub fn conclude(call: &mut Call, settings: &BotSettings) {
    let transcript = transcript(call);
    let facts = Facts {
        disconnected_by: call.disconnected_by.unwrap_or(DisconnectedBy::WorkerLost),
        duration_seconds: call.duration_seconds.unwrap_or(0.0),
        transcript: &transcript,
    };
    let mut verdict = judge(facts, settings.auto_dispositions.as_ref());
    let proofs = call.analysis.iter().flat_map(|analysis| &analysis.outcomes);
    let proven: Vec<&str> =
        proofs.filter(|proof| proof.status == ProofStatus::Proven).map(|proof| proof.name.as_str()).collect();
    let worded = settings.outcomes.iter().filter(|outcome| proven.contains(&outcome.name.as_str()));
    if let Some(word) = worded.filter_map(|outcome| outcome.disposition.clone()).next() {
        (verdict.disposition, verdict.decided_by) = (word, DecidedBy::Outcome);
    }
    call.verdict = Some(verdict);
}

/// What is told of an analysis: where it stands, and nothing that was said.
fn told(call: &Stored<Call>) -> Value {
    let Some(analysis) = &call.value.analysis else { return Value::Null };
    let status = |question| analysis.part(question).map(|part: &Part| part.status);
    let outcomes = analysis.outcomes.iter().map(|proof| json!({"name": proof.name, "status": proof.status}));
    let verdict = call.value.verdict.as_ref();
    json!({
        "call_id": call.id,
        "run": analysis.run,
        "analysis": status(Question::Analysis),
        "qc": status(Question::Qc),
        "outcomes": outcomes.collect::<Vec<_>>(),
        "disposition": verdict.map(|verdict| verdict.disposition.as_str()),
        "disposition_by": verdict.map(|verdict| verdict.decided_by),
        "reached": verdict.map(|verdict| if verdict.reached { "yes" } else { "no" }),
    })
}

/// What was said, each utterance in its place.
pub fn transcript(call: &Call) -> Vec<TranscriptEntry> {
    let unreadable = || TranscriptEntry {
        turn: 0,
        speaker: Speaker::System,
        text: String::new(),
        confidence: None,
        started_ms: 0,
        ended_ms: 0,
        interrupted: false,
        words: Vec::new(),
        bot_id: None,
    };
    let told = call.result.as_ref().and_then(|result| result.get("transcript")).and_then(Value::as_array);
    let entries = told.into_iter().flatten();
    entries.map(|entry| serde_json::from_value(entry.clone()).unwrap_or_else(|_| unreadable())).collect()
}

/// The day of the call on the bot's wall.
fn day(call: &Call, settings: &BotSettings) -> jiff::civil::Date {
    let told = call.result.as_ref().and_then(|result| result.get("started_at")).and_then(Value::as_str);
    let began = told.and_then(|at| at.parse().ok()).unwrap_or(call.created_at.0);
    hours::zone(&settings.timezone).to_datetime(began).date()
}
