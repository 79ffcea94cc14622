//! The callers: one for each worker, all talking until the same moment.

use std::{collections::HashMap, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};
use vox_caller::{Clip, Options, OptionsError, Protocol, Report, Scenario};
use vox_shared::ids::WorkerId;

use super::{BenchError, workers::Worker};
use crate::load::{BargeIn, Plan, Tickets, converse};

/// The bot that callers ask for; the control plane gives every name the same config.
const BOT: &str = "bot_bench";
/// `/talk` wants a ticket; the control plane takes any.
const TICKET: &str = "bench";
/// The bot has spoken and is silent for this long: the caller's turn.
const POLITE: Duration = Duration::from_millis(500);

/// How one call went for its caller, or why it did not come about.
pub(super) type Outcome = Result<Report, String>;

/// Call each worker, the first at once and the last when `ramp` is over, so that callers do not speak in chorus.
pub(super) fn call_all(
    plan: &Plan,
    workers: &[Worker],
    until: Instant,
) -> Result<JoinSet<(WorkerId, Outcome)>, BenchError> {
    let began = Instant::now();
    let mut calls = JoinSet::new();
    for (number, worker) in (0u32..).zip(workers) {
        let options = options(plan.options.protocol, &worker.address, number)?;
        let starts = began + plan.ramp * number / plan.callers.max(1);
        let (plan, id) = (plan.clone(), worker.id.clone());
        calls.spawn(async move {
            sleep_until(starts).await;
            (id, call(options, &plan, number, until).await)
        });
    }
    Ok(calls)
}

/// Wait for all of them.
pub(super) async fn all_done(mut calls: JoinSet<(WorkerId, Outcome)>) -> HashMap<WorkerId, Outcome> {
    let mut outcomes = HashMap::new();
    while let Some(done) = calls.join_next().await {
        if let Ok((id, outcome)) = done {
            outcomes.insert(id, outcome);
        }
    }
    outcomes
}

/// What the callers of a level do.
pub(super) fn plan(
    protocol: Protocol,
    callers: u32,
    ramp: Duration,
    clips: &[Clip],
) -> Result<Plan, BenchError> {
    Ok(Plan {
        options: options(protocol, "http://127.0.0.1", 0)?,
        callers,
        duration: Duration::ZERO,
        ramp,
        barge_in: BargeIn::Often,
        tickets: Tickets::None,
        clips: clips.to_vec(),
    })
}

/// A short, polite call: greeting, one question, its answer.
pub(super) async fn polite_call(
    protocol: Protocol,
    worker: &Worker,
    clip: &Clip,
) -> Result<Report, BenchError> {
    let call = vox_caller::connect(options(protocol, &worker.address, 0)?).await?;
    let scenario = Scenario::new().await_reply(POLITE).say(clip.clone()).await_reply(POLITE).hangup();
    Ok(vox_caller::run(call, scenario).await.call)
}

async fn call(options: Options, plan: &Plan, number: u32, until: Instant) -> Outcome {
    let call = vox_caller::connect(options).await.map_err(|error| error.kind())?;
    converse(&call, plan, number, until).await;
    Ok(call.finish().await)
}

fn options(protocol: Protocol, address: &str, number: u32) -> Result<Options, OptionsError> {
    let mut options = Options::new(protocol, address)?;
    options.bot_id = Some(BOT.to_owned());
    options.caller_id = format!("+91980000{:04}", number % 10_000);
    if protocol == Protocol::Talk {
        options.ticket = Some(TICKET.to_owned().into());
    }
    Ok(options)
}
