//! The callers: one for each worker, all talking until the same moment.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};
use vox_caller::{Clip, Hearing, Options, OptionsError, Protocol, Report, Scenario, Talker};
use vox_shared::ids::WorkerId;

use super::{
    BOT, BenchError,
    rooms::{Rooms, Summons},
    workers::Worker,
};
use crate::load::{BargeIn, Plan, Tickets, converse};

/// `/talk` wants a ticket; the control plane takes any.
const TICKET: &str = "bench";
/// The bot has spoken and is silent for this long: the caller's turn.
const POLITE: Duration = Duration::from_millis(500);

/// How workers are called.
#[derive(Clone, Debug)]
pub(crate) enum Road {
    /// Over a socket of this protocol.
    Socket(Protocol),
    /// In rooms of a LiveKit server.
    Room(Arc<Rooms>),
}

impl Road {
    /// The rate at which callers speak.
    fn protocol(&self) -> Protocol {
        match self {
            Self::Socket(protocol) => *protocol,
            Self::Room(_) => Protocol::Talk,
        }
    }

    /// In a word, for directories.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Socket(protocol) => protocol.segment(),
            Self::Room(_) => "room",
        }
    }

    /// The process that carries the calls beside the workers, if there is one.
    pub(crate) fn server_pid(&self) -> Option<u32> {
        match self {
            Self::Socket(_) => None,
            Self::Room(rooms) => Some(rooms.pid),
        }
    }
}

/// How one call went for its caller, or why it did not come about.
pub(crate) type Outcome = Result<Report, String>;

/// Call each worker, the first at once and the last when `ramp` is over, so that callers do not speak in chorus.
pub(super) fn call_all(
    road: &Road,
    plan: &Plan,
    workers: &[Worker],
    until: Instant,
) -> Result<JoinSet<(WorkerId, Outcome)>, BenchError> {
    let began = Instant::now();
    let mut calls = JoinSet::new();
    for (number, worker) in (0u32..).zip(workers) {
        let options = options(plan.options.protocol, &worker.address, number)?;
        let starts = began + plan.ramp * number / plan.callers.max(1);
        let (plan, id, road) = (plan.clone(), worker.id.clone(), road.clone());
        let summons = Summons::Worker(worker.address.clone());
        calls.spawn(async move {
            sleep_until(starts).await;
            let outcome = match &road {
                Road::Socket(_) => Box::pin(call(options, &plan, number, until)).await,
                Road::Room(rooms) => Box::pin(call_in_room(rooms, &summons, &plan, number, until)).await,
            };
            (id, outcome)
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
pub(crate) fn plan(road: &Road, callers: u32, ramp: Duration, clips: &[Clip]) -> Result<Plan, BenchError> {
    let protocol = road.protocol();
    Ok(Plan {
        options: options(protocol, "http://127.0.0.1", 0)?,
        callers,
        duration: Duration::ZERO,
        ramp,
        barge_in: BargeIn::Often,
        tickets: Tickets::None,
        clips: clips.iter().map(|clip| clip.at_rate(protocol.rate_hz())).collect(),
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

/// A greeting, a question and an answer, whichever way: the worker keeps the greeting's sound.
pub(crate) async fn short_call(road: &Road, worker: &Worker, clip: &Clip) -> Result<Report, BenchError> {
    let rooms = match road {
        Road::Socket(protocol) => return polite_call(*protocol, worker, clip).await,
        Road::Room(rooms) => rooms,
    };
    let summons = Summons::Worker(worker.address.clone());
    let in_room = Box::pin(rooms.call(&summons, Hearing::default())).await.map_err(BenchError::NoCall)?;
    let mut talker = Talker::new(&in_room.call);
    for step in Scenario::new().await_reply(POLITE).say(clip.clone()).await_reply(POLITE) {
        talker.act(step).await;
    }
    Ok(in_room.finish().await.0)
}

/// Bring the bot into a room of the caller's own and talk with it there.
pub(crate) async fn call_in_room(
    rooms: &Rooms,
    summons: &Summons,
    plan: &Plan,
    number: u32,
    until: Instant,
) -> Outcome {
    let in_room = Box::pin(rooms.call(summons, Hearing::default())).await?;
    converse(&in_room.call, plan, number, until).await;
    let (report, stay, entry) = in_room.finish().await;
    rooms.keep(entry, &report, &stay);
    Ok(report)
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
