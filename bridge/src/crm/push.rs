//! After a call: what came of it is sent to the CRM, by a job that the call's own outbox begins.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vox_shared::ids::{BotId, JobId, SessionId};
use vox_shared::model::bot::tool::fill::percent_encoded;

use super::Crm;
use super::exchange::{fill, send};
use super::result;
use super::settings::Exchange;
use crate::analysis::values;
use crate::auth::secret_token;
use crate::bot::hours;
use crate::bot::template::{self, Variables};
use crate::custody::links;
use crate::delivery::exchange::{DEADLINE, new_attempt};
use crate::jobs::runner::Failure;
use crate::redaction;
use crate::runtime::variables::call_variables;
use crate::store::calls::Call;
use crate::store::crm::Push;
use crate::store::deliveries::{Attempt, Request};
use crate::store::jobs::Job;
use crate::store::outbox::{Follows, Pending};
use crate::store::{Stamp, StoreError, Stored};

/// The word of these jobs.
pub const KIND: &str = "push_crm";
/// Times that one is tried: over about three and a half hours.
pub const MAX_TRIES: i64 = 10;
/// Longest that a push waits for the bot's analysis of the call; then it goes without.
pub const PATIENCE: SignedDuration = SignedDuration::from_mins(20);

/// So much of an address is kept with an attempt, bytes.
const KEPT_URL_BYTES: usize = 2_048;

/// Whose result is pushed.
#[derive(Serialize, Deserialize)]
struct Arguments {
    session_id: SessionId,
    bot_id: BotId,
}

/// The entry of the outbox that begins a push of a call's terminal record of that number, now or then.
pub fn follows(
    (session_id, bot_id): (&SessionId, &BotId),
    record: u32,
    (at, begins_at): (Stamp, Option<Stamp>),
) -> Pending {
    let arguments = Arguments { session_id: session_id.clone(), bot_id: bot_id.clone() };
    let Ok(Value::Object(arguments)) = serde_json::to_value(arguments) else {
        unreachable!("it is an object")
    };
    let queue = crate::store::jobs::Queue::Default;
    let what = Follows::Job { queue, job: KIND.into(), arguments, begins_at };
    Pending { id: entry_id(record), at, what }
}

fn entry_id(record: u32) -> String {
    format!("{KIND}.record.{record}")
}

/// The job that pushes this record of a call.
pub fn job_id(session_id: &SessionId, record: u32) -> JobId {
    Job::id_of(&format!("{session_id}:{}", entry_id(record)))
}

/// Try a push once, and write down what came of it.
pub async fn carry_out(crm: Crm, job: Stored<Job>) -> Result<(), Failure> {
    let arguments = Value::Object(job.value.arguments.clone());
    let arguments: Arguments =
        serde_json::from_value(arguments).map_err(|error| Failure::ForGood(error.to_string()))?;
    let tenant = &job.value.tenant_id;
    let call = match crm.stores.calls(tenant).get_call(&arguments.session_id).await {
        Err(StoreError::NotFound) => return Err(Failure::ForGood("the call is gone".into())),
        found => found?,
    };
    let found = crm.stores.crm(tenant).find_integration(&arguments.bot_id).await?;
    let Some(push) = found.and_then(|found| found.value.settings.push).filter(|push| push.enabled) else {
        // It was taken away since.
        return Ok(());
    };
    let variables = crm.variables(&call).await?;
    let now = Stamp(crm.clock.now());
    let attempt = match fill(&push, &variables) {
        Ok(filled) => {
            let rules = crm.stores.tenants().egress_rules(tenant).await?;
            let (by, times) = ((&*crm.egress, &rules), (now, DEADLINE));
            let answer = send(by, (&push, &filled), Some(&job.id), times).await;
            Attempt { request: Some(request(&push, &variables, &call.value)), ..answer.attempt }
        }
        Err(failure) => Attempt { error: Some(failure.detail), ..new_attempt(now) },
    };
    tracing::info!(
        call.id = %call.id, job.id = %job.id, status = attempt.status, error = attempt.error, took_ms = attempt.took_ms,
        "a result was pushed"
    );
    let error = attempt.error.clone();
    // Deleted meanwhile: what the CRM answered may name the person.
    if matches!(crm.stores.calls(tenant).get_call(&arguments.session_id).await, Err(StoreError::NotFound)) {
        return Err(Failure::ForGood("the call is gone".into()));
    }
    crm.note((&job, arguments), attempt).await?;
    error.map_or(Ok(()), |error| Err(Failure::Now(error)))
}

/// What is written down of a request. The call's values are cleaned before they are put into the address, where they would be in code.
fn request(push: &Exchange, variables: &Variables, call: &Call) -> Request {
    let write = |value: &str| percent_encoded(&redaction::for_log(call, value));
    let mut url = variables.sent(&push.url, write);
    url.truncate(url.floor_char_boundary(KEPT_URL_BYTES));
    Request { method: push.method.as_str().into(), url }
}

impl Crm {
    async fn note(
        &self,
        (job, about): (&Stored<Job>, Arguments),
        attempt: Attempt,
    ) -> Result<(), StoreError> {
        let push = Push {
            tenant_id: job.value.tenant_id.clone(),
            session_id: about.session_id,
            bot_id: about.bot_id,
            created_at: job.value.created_at,
            taken: false,
            attempts: Vec::new(),
        };
        self.stores.pushes(&job.value.tenant_id).note_attempt(&job.id, push, attempt).await
    }

    /// What a push of this call is filled with.
    pub async fn variables(&self, call: &Stored<Call>) -> Result<Variables, StoreError> {
        let bot = self.stores.all_bots().find_with_deleted(&call.value.bot_id).await?;
        let settings = bot.map(|bot| bot.value.settings);
        let name = settings.as_ref().map_or("UTC", |settings| settings.timezone.as_str());
        let zone = hours::zone(name);
        let shown = redaction::for_crm(&call.value);
        Ok(Variables {
            call: call_variables(&call.id, call.value.bot_id.as_str(), &call.value),
            crm: call.value.crm.as_ref().map_or_else(Map::new, |known| known.fields.clone()),
            system: template::system(self.clock.now(), &zone, name),
            analysis: values::analysis(&shown),
            qc: values::qc(&shown),
            result: result::values(&call.id, &shown, self.recording(call), &zone),
            bot: settings.as_ref().map_or_else(Map::new, |settings| settings.variables.clone()),
        })
    }

    /// The stable link, as long as it is the one that opens the recording.
    fn recording(&self, call: &Stored<Call>) -> Option<String> {
        call.value.recording_key.as_ref()?;
        let link = self.tokens.recording_link(&call.id.parse().ok()?, links::number(&call.value)).ok()?;
        let opens = call.value.recording_token_hash.as_deref() == Some(secret_token::hash(&link).as_str());
        opens.then(|| format!("{}/api/v1/public/recordings/{link}", self.base_url))
    }
}
