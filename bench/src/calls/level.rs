//! So many calls at once: what they cost, and what they were like.

use std::{collections::HashMap, path::Path, time::Duration};

use serde::Serialize;
use tokio::time::{Instant, sleep, sleep_until};
use vox_caller::Spread;
use vox_shared::ids::WorkerId;

use super::{
    BenchError, Ground,
    callers::{self, Road},
    figures::{Conversation, Talk, sum_up},
    workers::Worker,
};
use crate::process::{MachineTime, Memory, cpu_time, machine_time, memory};

/// After the last worker registered, until it counts as idle.
const SETTLE: Duration = Duration::from_secs(2);
/// Over which the calls of a level begin: about one turn, so that turns are spread evenly.
const RAMP: Duration = Duration::from_secs(6);
/// From the last call's begin until processor time is counted: the greeting is cached and vendors are connected then.
const WARM_UP: Duration = Duration::from_secs(1);
/// Between two looks at the workers' memory.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// After the hang-up, for the records and recordings to arrive.
const DELIVERY_DEADLINE: Duration = Duration::from_secs(20);
pub(crate) const MIB: f64 = 1024.0 * 1024.0;

/// One level of load.
#[derive(Clone, Debug, Serialize)]
pub struct Level {
    pub calls: u32,
    /// How long processor time was counted, all calls talking.
    pub window_seconds: f64,
    /// Percent of one core, per worker.
    pub cpu_percent: Spread,
    /// MiB, per worker.
    pub idle_private_mib: Spread,
    /// The most that was private during the call, less what was when idle.
    pub added_private_mib: Spread,
    /// Pages shared with others, during the call.
    pub shared_mib: Spread,
    /// Results and recordings that came.
    pub results: u64,
    pub recordings: u64,
    pub machine: MachineLoad,
    #[serde(flatten)]
    pub talk: Talk,
}

/// Who used the machine meanwhile; percent of one core, together.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct MachineLoad {
    pub cores: u32,
    pub workers: f64,
    /// The callers, and the control plane beside them.
    pub callers: f64,
    pub vendors: f64,
    /// The server that carries the calls, where there is one.
    pub server: f64,
    /// Everything else on this machine.
    pub others: f64,
    /// What the host of a virtual machine gave to others.
    pub stolen: f64,
}

/// Processor time until some moment.
struct Books {
    at: Instant,
    workers: Vec<Duration>,
    callers: Duration,
    vendors: Duration,
    server: Duration,
    machine: MachineTime,
}

/// Run one level.
pub(crate) async fn run(ground: &Ground, road: &Road, calls: u32) -> Result<Level, BenchError> {
    ground.plane.forget();
    let data = ground.data_dir(&format!("{}-{calls}", road.word()))?;
    let workers = ground.nursery.start(calls, &data, &ground.plane).await?;
    sleep(SETTLE).await;
    let idle = memories(&workers);
    let ramp = RAMP * (calls - 1) / calls;
    let plan = callers::plan(road, calls, ramp, &ground.clips)?;
    let counted_from = Instant::now() + ramp + WARM_UP;
    let until = counted_from + ground.talk;
    let talking = callers::call_all(road, &plan, &workers, until)?;

    sleep_until(counted_from).await;
    let before = Books::open(ground, road, &workers);
    let busy = most_memory(&workers, until).await;
    let after = Books::open(ground, road, &workers);

    let outcomes = callers::all_done(talking).await;
    wait_for_records(ground, &workers, &data).await;
    let conversations = conversations(ground, &workers, outcomes);
    let results = conversations.iter().filter(|conversation| conversation.result.is_some()).count() as u64;
    let added = idle.iter().zip(&busy).map(|(idle, busy)| mib(busy.private.saturating_sub(idle.private)));
    Ok(Level {
        calls,
        window_seconds: (after.at - before.at).as_secs_f64(),
        cpu_percent: Spread::of(after.worker_shares(&before)),
        idle_private_mib: Spread::of(idle.iter().map(|memory| mib(memory.private)).collect()),
        added_private_mib: Spread::of(added.collect()),
        shared_mib: Spread::of(busy.iter().map(|memory| mib(memory.shared)).collect()),
        results,
        recordings: ground.plane.recordings(),
        machine: after.load_since(&before),
        talk: sum_up(conversations, &ground.delays),
    })
}

fn memories(workers: &[Worker]) -> Vec<Memory> {
    workers.iter().map(|worker| memory(worker.pid).unwrap_or_default()).collect()
}

/// The most each worker held at one of the looks until `until`.
async fn most_memory(workers: &[Worker], until: Instant) -> Vec<Memory> {
    let mut most = memories(workers);
    while Instant::now() < until {
        sleep_until(until.min(Instant::now() + LOOK_EVERY)).await;
        for (most, now) in most.iter_mut().zip(memories(workers)) {
            if now.private > most.private {
                *most = now;
            }
        }
    }
    most
}

/// The workers are stopped afterwards: what they had not delivered by then is missing, and is told as such.
async fn wait_for_records(ground: &Ground, workers: &[Worker], data: &Path) {
    let wanted = workers.len();
    let all = ground
        .plane
        .wait_for(DELIVERY_DEADLINE, |told| {
            told.results.len() >= wanted && told.recordings as usize >= wanted
        })
        .await;
    if !all {
        tracing::warn!(data = %data.display(), "not every record and recording was delivered in time");
    }
}

fn conversations(
    ground: &Ground,
    workers: &[Worker],
    mut outcomes: HashMap<WorkerId, callers::Outcome>,
) -> Vec<Conversation> {
    let conversation = |worker: &Worker| Conversation {
        heard: outcomes.remove(&worker.id).unwrap_or_else(|| Err("caller_panicked".to_owned())),
        result: ground.plane.result_of(&worker.id),
    };
    workers.iter().map(conversation).collect()
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / MIB
}

impl Books {
    fn open(ground: &Ground, road: &Road, workers: &[Worker]) -> Self {
        let of = |pid| cpu_time(pid).unwrap_or_default();
        Self {
            at: Instant::now(),
            workers: workers.iter().map(|worker| of(worker.pid)).collect(),
            callers: of(std::process::id()),
            vendors: ground.vendors.pids().into_iter().map(of).sum(),
            server: road.server_pid().map(of).unwrap_or_default(),
            machine: machine_time().unwrap_or_default(),
        }
    }

    fn share(&self, earlier: &Self, used: Duration, before: Duration) -> f64 {
        let wall = (self.at - earlier.at).as_secs_f64().max(0.001);
        100.0 * used.saturating_sub(before).as_secs_f64() / wall
    }

    /// Percent of a core that each worker used; a worker that died has none.
    fn worker_shares(&self, earlier: &Self) -> Vec<f64> {
        let each = self.workers.iter().zip(&earlier.workers);
        each.map(|(&used, &before)| self.share(earlier, used, before)).collect()
    }

    fn load_since(&self, earlier: &Self) -> MachineLoad {
        let workers = self.worker_shares(earlier).iter().sum::<f64>();
        let callers = self.share(earlier, self.callers, earlier.callers);
        let vendors = self.share(earlier, self.vendors, earlier.vendors);
        let server = self.share(earlier, self.server, earlier.server);
        let all = self.share(earlier, self.machine.busy, earlier.machine.busy);
        MachineLoad {
            cores: std::thread::available_parallelism().map_or(0, |cores| cores.get() as u32),
            workers,
            callers,
            vendors,
            server,
            others: (all - workers - callers - vendors - server).max(0.0),
            stolen: self.share(earlier, self.machine.stolen, earlier.machine.stolen),
        }
    }
}
