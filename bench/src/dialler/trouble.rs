//! What is done to diallers, bridge and its servers while a campaign runs: kills, pauses of processes, restarts, and pauses of the
//! campaign.

use std::collections::BTreeMap;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use tokio::time::{Instant, sleep};
use vox_shared::clock::Clock;
use vox_testkit::vendor::Dice;

use super::DiallerError;
use super::stage::Stage;

/// Nobody is dialled from so long after a pause was answered.
const GRACE: Duration = Duration::from_secs(1);
/// A campaign stays paused so long, and a process dead.
const PAUSED: Duration = Duration::from_secs(3);
const DEAD_MS: u64 = 1_500;

/// Which troubles there are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Troubles {
    /// `kill -9` of a dialler.
    pub kill: bool,
    /// SIGSTOP of a dialler, and SIGCONT after 5 to 40 s: its leases are gone when it wakes up.
    pub freeze: bool,
    /// `kill -9` of the bridge, with all that it has.
    pub bridge: bool,
    /// The carrier forgets its rooms.
    pub carrier: bool,
    /// The campaign is paused and resumed.
    pub pause: bool,
    /// Somebody of the campaign comes onto the do-not-call list.
    pub opt_out: bool,
    /// `kill -9` of MongoDB, and of Redis, which comes back empty: nobody may be dialled meanwhile. Nothing where the bridge has neither.
    pub servers: bool,
}

/// What was done.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Done {
    pub kills: u32,
    pub freezes: u32,
    pub bridge_kills: u32,
    pub carrier_restarts: u32,
    pub pauses: u32,
    pub opt_outs: u32,
    pub mongodb_kills: u32,
    pub redis_kills: u32,
    /// Spans without INVITEs, microseconds since 1970.
    #[serde(skip)]
    pub shut: Vec<(i64, i64)>,
    /// Numbers that may not be rung, and from when on.
    #[serde(skip)]
    pub barred: BTreeMap<String, i64>,
}

#[derive(Clone, Copy)]
enum Kind {
    Kill,
    Freeze,
    Bridge,
    Carrier,
    Pause,
    OptOut,
    MongoDb,
    Redis,
}

impl Troubles {
    /// Whether any of them keeps a request from its end.
    pub(super) fn cut_off(self) -> bool {
        self.kill || self.freeze || self.bridge || self.carrier || self.servers
    }

    fn kinds(self) -> Vec<Kind> {
        let all = [
            (self.kill, Kind::Kill),
            (self.freeze, Kind::Freeze),
            (self.bridge, Kind::Bridge),
            (self.carrier, Kind::Carrier),
            (self.pause, Kind::Pause),
            (self.opt_out, Kind::OptOut),
            (self.servers, Kind::MongoDb),
            (self.servers, Kind::Redis),
        ];
        all.into_iter().filter(|(is_on, _)| *is_on).map(|(_, kind)| kind).collect()
    }
}

/// Who makes trouble.
pub(super) struct Maker {
    pub(super) troubles: Troubles,
    pub(super) dice: Dice,
    pub(super) done: Done,
    /// Frozen diallers, and when they wake up.
    frozen: Vec<(usize, Instant)>,
    next: Instant,
    /// Whom the campaign calls.
    people: Vec<String>,
}

impl Maker {
    pub(super) fn new(troubles: Troubles, seed: u64, people: Vec<String>) -> Self {
        let (dice, next) = (Dice::new(seed ^ 0x7472_6f75), Instant::now() + GRACE);
        Self { troubles, dice, done: Done::default(), frozen: Vec::new(), next, people }
    }

    /// Whatever is due now. Called again and again while the campaign runs.
    pub(super) async fn look(&mut self, stage: &mut Stage, campaign: &str) -> Result<(), DiallerError> {
        self.wake(stage, Instant::now());
        let kinds = self.troubles.kinds();
        if kinds.is_empty() || Instant::now() < self.next {
            return Ok(());
        }
        // The reference's 2 to 8 s.
        self.next = Instant::now() + Duration::from_millis(2_000 + self.dice.up_to(6_000));
        let at = usize::try_from(self.dice.up_to(kinds.len() as u64 - 1)).unwrap_or_default();
        match kinds[at] {
            Kind::Kill => self.kill(stage).await,
            Kind::Freeze => {
                self.freeze(stage);
                Ok(())
            }
            Kind::Bridge => {
                self.done.bridge_kills += 1;
                let dead = Duration::from_millis(self.dice.up_to(DEAD_MS));
                let http = stage.http.clone();
                Ok(stage.bridge.revive(&http, dead).await?)
            }
            Kind::Carrier => {
                self.done.carrier_restarts += 1;
                stage.exchange.restart(Duration::from_millis(self.dice.up_to(DEAD_MS))).await;
                Ok(())
            }
            Kind::Pause => self.pause(stage, campaign).await,
            Kind::OptOut => self.opt_out(stage).await,
            Kind::MongoDb | Kind::Redis => self.server(stage, kinds[at]).await,
        }
    }

    /// No trouble any more: whoever was frozen goes on.
    pub(super) fn end(&mut self, stage: &Stage) {
        for (dialler, _) in self.frozen.drain(..) {
            stage.diallers[dialler].signal(Signal::CONT);
        }
    }

    fn wake(&mut self, stage: &Stage, now: Instant) {
        self.frozen.retain(|(dialler, until)| {
            let sleeps = *until > now;
            if !sleeps {
                stage.diallers[*dialler].signal(Signal::CONT);
            }
            sleeps
        });
    }

    /// One that is not frozen.
    fn victim(&mut self, stage: &Stage) -> Option<usize> {
        let awake: Vec<usize> =
            (0..stage.diallers.len()).filter(|n| self.frozen.iter().all(|(frozen, _)| frozen != n)).collect();
        let at = usize::try_from(self.dice.up_to((awake.len() as u64).checked_sub(1)?)).ok()?;
        awake.get(at).copied()
    }

    async fn kill(&mut self, stage: &mut Stage) -> Result<(), DiallerError> {
        let Some(victim) = self.victim(stage) else { return Ok(()) };
        self.done.kills += 1;
        let dead = Duration::from_millis(self.dice.up_to(DEAD_MS));
        let http = stage.http.clone();
        Ok(stage.diallers[victim].revive(&http, dead).await?)
    }

    fn freeze(&mut self, stage: &Stage) {
        let Some(victim) = self.victim(stage) else { return };
        self.done.freezes += 1;
        stage.diallers[victim].signal(Signal::STOP);
        let until = Instant::now() + Duration::from_millis(5_000 + self.dice.up_to(35_000));
        self.frozen.push((victim, until));
    }

    async fn server(&mut self, stage: &mut Stage, kind: Kind) -> Result<(), DiallerError> {
        let Some(servers) = &mut stage.servers else { return Ok(()) };
        let (server, kills) = match kind {
            Kind::Redis => (&mut servers.redis, &mut self.done.redis_kills),
            _ => (&mut servers.mongodb, &mut self.done.mongodb_kills),
        };
        *kills += 1;
        let dead = GRACE + Duration::from_millis(self.dice.up_to(DEAD_MS));
        let killed = now_us();
        server.revive(dead).await?;
        // It may answer a little before its script says so.
        self.done
            .shut
            .push((killed + grace_us(), killed + i64::try_from(dead.as_micros()).unwrap_or(i64::MAX)));
        Ok(stage.bridge.answers(&stage.http).await?)
    }

    async fn opt_out(&mut self, stage: &Stage) -> Result<(), DiallerError> {
        let at =
            usize::try_from(self.dice.up_to(self.people.len().saturating_sub(1) as u64)).unwrap_or_default();
        let Some(number) = self.people.get(at).cloned() else { return Ok(()) };
        // A bridge that is dead just now has not taken it.
        if stage.api.post("/api/v1/dnc", &json!({"number": number})).await.is_ok() {
            self.done.opt_outs += 1;
            self.done.barred.entry(number).or_insert(now_us() + grace_us());
        }
        Ok(())
    }

    async fn pause(&mut self, stage: &Stage, campaign: &str) -> Result<(), DiallerError> {
        // It may have come to its end meanwhile, or the bridge may be away: then it is not paused.
        if stage.api.tell(campaign, "pause").await.is_err() {
            return Ok(());
        }
        let from = now_us() + grace_us();
        sleep(PAUSED).await;
        self.done.shut.push((from, now_us()));
        self.done.pauses += 1;
        stage.api.tell(campaign, "resume").await
    }
}

fn now_us() -> i64 {
    Clock::system().now().as_microsecond()
}

fn grace_us() -> i64 {
    i64::try_from(GRACE.as_micros()).unwrap_or(i64::MAX)
}
