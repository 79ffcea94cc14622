//! The dialler's one loop: what is known goes in as events, and tasks of their own ask and dial. It owns all that it decides by; whatever it
//! loses with the process the bridge has.

mod campaign;
mod claims;
mod end;
mod lines;
mod said;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use vox_shared::ids::{AttemptId, CampaignId};
use vox_shared::wire::dialler::CampaignsNow;
use vox_shared::wire::dialler::tick::{CampaignTick, Tick, Ticked};

use crate::breaker::Trunks;
use crate::desk::Desk;
use crate::leases::{Key, Leases, RENEW_EVERY};
use crate::line::News;
use crate::pacing::share::Share;
use crate::pulse::Pulse;
use crate::rooms::Strays;
use campaign::Campaign;
use lines::Running;
use said::{Asked, Said};

/// Lines are counted, and rung, so often.
const TICK: Duration = Duration::from_millis(500);
/// The bridge is asked for the campaigns, and told what limits them, so often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Permits of running calls are renewed so often; they last 45 s.
const PERMITS_EVERY: Duration = Duration::from_secs(15);
/// Rooms are compared with attempts so often.
const ROOMS_EVERY: Duration = Duration::from_secs(60);
/// What lies in partitions that were taken is asked for again, after a failure.
const RECOVER_AGAIN: Duration = Duration::from_secs(2);
/// Answers and news that wait.
const QUEUE: usize = 1024;
/// A bridge that was not heard for so long is away: what it told is not acted on.
const HEARD_WITHIN: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug)]
pub struct Engine {
    desk: Arc<Desk>,
    pulse: Arc<Pulse>,
    /// Lines at once, of all campaigns.
    max_lines: u32,
    leases: Leases,
    /// Partitions that were taken, and whose calls of owners before are still to be asked for: since when again.
    behind: BTreeMap<Key, Instant>,
    campaigns: BTreeMap<CampaignId, Campaign>,
    lines: BTreeMap<AttemptId, Running>,
    trunks: Trunks,
    strays: Strays,
    share: Share<CampaignId>,
    told: Option<(CampaignsNow, Instant)>,
    /// No claim of any campaign before then: no slots, no permits.
    shut_until: Option<Instant>,
    claiming: u32,
    asked: Asked,
    tasks: JoinSet<()>,
    tells: mpsc::Sender<Said>,
    hears: mpsc::Receiver<Said>,
    news: mpsc::Sender<News>,
    hears_news: mpsc::Receiver<News>,
    /// Rooms have to be made before they are joined.
    fuse: watch::Receiver<bool>,
    began: Instant,
    ending: bool,
}

impl Engine {
    pub fn new(desk: Arc<Desk>, pulse: Arc<Pulse>, fuse: watch::Receiver<bool>, max_lines: u32) -> Self {
        let (tells, hears) = mpsc::channel(QUEUE);
        let (news, hears_news) = mpsc::channel(QUEUE);
        Self {
            leases: Leases::new(desk.name.clone()),
            desk,
            pulse,
            max_lines,
            behind: BTreeMap::new(),
            campaigns: BTreeMap::new(),
            lines: BTreeMap::new(),
            trunks: Trunks::default(),
            strays: Strays::default(),
            share: Share::default(),
            told: None,
            shut_until: None,
            claiming: 0,
            asked: Asked::default(),
            tasks: JoinSet::new(),
            tells,
            hears,
            news,
            hears_news,
            fuse,
            began: Instant::now(),
            ending: false,
        }
    }

    /// Run until told to stop, then give up what is held: calls that talk go on without us, and whoever takes the partitions adopts them.
    pub async fn run(mut self, stop: CancellationToken, drain: Duration) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(news) = self.hears_news.recv() => self.news(news),
                Some(said) = self.hears.recv() => self.hear(said),
                _at = ticks.tick() => self.tick(),
                Some(ended) = self.tasks.join_next() => {
                    if let Err(error) = ended {
                        // What it was about, the next process finds at the bridge.
                        tracing::error!(%error, "a task broke off: the dialler ends, to begin anew");
                        break;
                    }
                }
            }
        }
        self.end(drain).await;
    }

    /// What the time brings.
    fn tick(&mut self) {
        let now = Instant::now();
        self.pulse.beats(self.lines.len(), self.leases.held().len());
        self.ask_what_is_due(now);
        if !self.ending {
            self.pace(now);
            self.pump(now);
        }
        self.count();
    }

    fn ask_what_is_due(&mut self, now: Instant) {
        if self.asked.campaigns.is_due(now, LOOK_EVERY) {
            self.ask(|desk| async move { Said::Campaigns(desk.bridge.campaigns().await) });
        }
        // Whoever beats is counted, and others leave it its part of the partitions: without the fuse nobody would dial them.
        if (*self.fuse.borrow() || !self.leases.held().is_empty()) && self.asked.beat.is_due(now, RENEW_EVERY)
        {
            self.beat();
        }
        if self.asked.permits.is_due(now, PERMITS_EVERY) {
            self.renew_permits();
        }
        if self.asked.tick.is_due(now, LOOK_EVERY) {
            self.tell_tick(now);
        }
        if self.asked.rooms.is_due(now, ROOMS_EVERY) {
            self.look_at_rooms();
        }
        let due: Vec<_> =
            self.behind.iter().filter(|(_, at)| **at <= now).map(|(key, _)| key.clone()).collect();
        for key in due {
            self.behind.insert(key.clone(), now + RECOVER_AGAIN);
            self.ask_for_what_lies_in(key);
        }
    }

    /// What somebody answered.
    fn hear(&mut self, said: Said) {
        let now = Instant::now();
        match said {
            Said::Campaigns(answer) => {
                self.asked.campaigns.answered();
                match answer {
                    Ok(told) => self.look(told, now),
                    Err(error) => tracing::debug!(%error, "the campaigns are not told"),
                }
            }
            Said::Beat { sent, answer } => {
                self.asked.beat.answered();
                match answer {
                    Ok(renewed) => {
                        self.desk.beat.taken(sent);
                        for held in &renewed.lost {
                            tracing::info!(campaign.id = %held.campaign, held.partition, "another dialler has this partition now");
                            self.leases.lost(held);
                            self.behind.remove(&(held.campaign.clone(), held.partition));
                        }
                    }
                    Err(error) => tracing::warn!(%error, "a beat was not taken"),
                }
            }
            Said::Taken { key, answer } => match answer {
                Ok(taken) => {
                    self.behind.insert(key.clone(), now + RECOVER_AGAIN);
                    self.leases.taken(key.clone(), taken.epoch);
                    if let Some(campaign) = self.campaigns.get_mut(&key.0) {
                        campaign.has_partition();
                    }
                    self.ask_for_what_lies_in(key);
                }
                Err(_) => self.leases.refused(key, now),
            },
            Said::Released { key, answer } => {
                // What is not released is another's when our beats end.
                if answer.is_ok() {
                    self.leases.released(&key, now);
                }
            }
            Said::Behind { key, epoch, answer } => self.left_behind(&key, epoch, answer),
            Said::Candidates { campaign, answer } => {
                if let Some(campaign) = self.campaigns.get_mut(&campaign) {
                    campaign.candidates(answer, &self.lines, now);
                }
                self.pump(now);
            }
            Said::Claim { ask, answer } => {
                self.claimed(ask, answer, now);
                self.pump(now);
            }
            Said::Permits(answer) => {
                self.asked.permits.answered();
                match answer {
                    Ok(renewed) => self.halt(&renewed.gone),
                    Err(error) => tracing::warn!(%error, "the permits of running calls are not renewed"),
                }
            }
            Said::Rooms(seen) => {
                self.asked.rooms.answered();
                self.rooms(seen);
            }
            Said::Deleted(room, answer) => match answer {
                Err(error) if !error.is_not_found() => {
                    tracing::warn!(attempt.id = %room, %error, "the room cannot be deleted yet");
                }
                _ => {
                    self.desk.metrics.deleted_rooms.inc();
                }
            },
            Said::Tick(answer) => {
                self.asked.tick.answered();
                if let Ok(Ticked { stop, paused }) = answer {
                    self.halt(&stop);
                    for campaign in &paused {
                        if let Some(campaign) = self.campaigns.get_mut(campaign) {
                            campaign.runs = false;
                        }
                    }
                }
            }
        }
    }

    /// The campaigns as they are now.
    fn look(&mut self, told: CampaignsNow, now: Instant) {
        self.campaigns.retain(|id, _| told.campaigns.iter().any(|campaign| campaign.id == *id));
        let campaigns = &self.campaigns;
        self.share.keep(|id| campaigns.contains_key(id));
        self.trunks.keep(|tenant| told.campaigns.iter().any(|campaign| campaign.tenant_id == *tenant));
        for campaign in &told.campaigns {
            let since = self.since(now);
            match self.campaigns.get_mut(&campaign.id) {
                Some(known) => known.told(campaign, since),
                None => {
                    self.campaigns.insert(campaign.id.clone(), Campaign::new(campaign, since));
                }
            }
        }
        if !self.ending {
            let lines = &self.lines;
            let in_flight = |key: &Key| lines.values().filter(|line| line.key == *key).count();
            // Without the fuse nothing is dialled, so nothing is held either.
            let moves = match *self.fuse.borrow() {
                true => self.leases.look(&told, in_flight, now),
                false => self.leases.leave(&told, in_flight, now),
            };
            moves.into_iter().for_each(|step| self.asks(step));
        }
        self.told = Some((told, now));
    }

    /// Since the process began.
    fn since(&self, now: Instant) -> Duration {
        now.duration_since(self.began)
    }

    /// The bridge answers, rooms have to be made, and others have not taken us for dead.
    fn is_able(&self, now: Instant) -> bool {
        let heard = self.told.as_ref().is_some_and(|(_, at)| now.duration_since(*at) < HEARD_WITHIN);
        heard && *self.fuse.borrow() && self.desk.beat.may_dial()
    }

    fn tell_tick(&mut self, now: Instant) {
        let able = self.is_able(now);
        let ticks = self.campaigns.iter_mut().map(|(id, campaign)| {
            let of = self.lines.values().filter(|line| line.key.0 == *id);
            let (lines, ringing) =
                of.fold((0, 0), |(lines, ringing), line| (lines + 1, ringing + u32::from(line.rings())));
            CampaignTick {
                id: id.clone(),
                lines,
                ringing,
                limiting: campaign.limiting(able, now),
                dials_per_minute: campaign.dials_per_minute(now),
                expected: campaign.expected.mean,
                variance: campaign.expected.variance,
            }
        });
        let campaigns = ticks.collect();
        let worker = self.desk.name.clone();
        let tick = Tick { version: vox_shared::wire::WIRE_VERSION, worker, campaigns };
        self.ask(|desk| async move { Said::Tick(desk.bridge.tick(&tick).await) });
    }

    fn count(&self) {
        let metrics = &self.desk.metrics;
        metrics.leases.set(i64::try_from(self.leases.held().len()).unwrap_or(i64::MAX));
        metrics.open_trunks.set(i64::try_from(self.trunks.shut()).unwrap_or(i64::MAX));
        lines::count(&self.lines, metrics);
    }
}
