//! Diallers: leases, what was left behind, and whom they call; and how they die or stand still.

use std::collections::{BTreeMap, BTreeSet};

use vox_shared::ids::{CampaignId, ContactId};
use vox_shared::wire::dialler::CandidatesRequest;
use vox_shared::wire::dialler::attempt::{RecoveriesRequest, Recovery};
use vox_shared::wire::dialler::claim::{Claim, ClaimRequest};
use vox_shared::wire::dialler::lease::{Held, RenewRequest, Seen, TakeRequest};

use super::line::Line;
use super::{CAMPAIGNS, DIALLERS, Next, SECOND, World};

/// Lines of a dialler at once.
const LINES: usize = 4;
const TICK: u64 = 3 * SECOND;
/// A lease whose beat stands still for so long is taken.
const STILL: u64 = 15 * SECOND;

/// See the module.
pub struct Dialler {
    pub name: String,
    pub alive: bool,
    /// It stands still until then.
    pub until: u64,
    pub epochs: BTreeMap<CampaignId, u32>,
    /// Leases of others, and since when they look like this.
    pub seen: BTreeMap<CampaignId, (Seen, u64)>,
    /// Partitions whose calls of owners before are to be asked for.
    pub behind: BTreeSet<CampaignId>,
    pub beat: u64,
}

impl World {
    pub(super) fn dialler(&mut self) -> Dialler {
        self.born += 1;
        Dialler {
            name: format!("dialler-{}", self.born),
            alive: true,
            until: 0,
            epochs: BTreeMap::new(),
            seen: BTreeMap::new(),
            behind: BTreeSet::new(),
            beat: self.now,
        }
    }

    /// Whether a dialler is awake; what it would do waits until it is.
    pub(super) fn is_awake(&mut self, who: usize, next: impl FnOnce() -> Next) -> bool {
        let until = self.diallers[who].until;
        if until > self.now {
            self.later(until - self.now, next());
        }
        until <= self.now
    }

    pub(super) fn trouble(&mut self) {
        if !self.has_trouble() {
            return;
        }
        let who = self.dice.index(DIALLERS);
        if self.chance(50) {
            self.done.kills += 1;
            self.diallers[who].alive = false;
            self.lines.retain(|_, line| line.dialler != who);
        } else if self.diallers[who].until <= self.now {
            self.done.stops += 1;
            self.diallers[who].until = self.now + self.between(5 * SECOND, 120 * SECOND);
        }
        let next = self.between(5 * SECOND, 40 * SECOND);
        self.later(next, Next::Trouble);
    }

    /// A dialler's own round: leases, what was left behind, and new calls.
    pub(super) async fn ticks(&mut self, who: usize) {
        if !self.diallers[who].alive {
            let after = self.between(SECOND, 20 * SECOND);
            self.diallers[who] = self.dialler();
            return self.later(after, Next::Tick(who));
        }
        if !self.is_awake(who, || Next::Tick(who)) {
            return;
        }
        self.renews(who).await;
        for campaign in self.campaigns.clone() {
            if !self.diallers[who].epochs.contains_key(&campaign) {
                Box::pin(self.may_take(who, &campaign)).await;
            }
        }
        for campaign in self.diallers[who].behind.clone() {
            Box::pin(self.finds_left_behind(who, campaign)).await;
        }
        let busy = self.lines.values().filter(|line| line.dialler == who).count();
        for _ in busy..LINES {
            if !Box::pin(self.claims(who)).await {
                break;
            }
        }
        self.later(TICK, Next::Tick(who));
    }

    async fn renews(&mut self, who: usize) {
        let dialler = &self.diallers[who];
        let held = |(campaign, epoch): (&CampaignId, &u32)| Held {
            campaign: campaign.clone(),
            partition: 0,
            epoch: *epoch,
        };
        let renew =
            RenewRequest { worker: dialler.name.clone(), held: dialler.epochs.iter().map(held).collect() };
        let (answer, _) = self.ask(async move |desk| desk.renew(&renew).await).await;
        if let Some(Ok(renewed)) = answer {
            let dialler = &mut self.diallers[who];
            dialler.beat = self.now;
            for lost in renewed.lost {
                dialler.epochs.remove(&lost.campaign);
                dialler.behind.remove(&lost.campaign);
            }
        }
    }

    async fn may_take(&mut self, who: usize, campaign: &CampaignId) {
        let (answer, _) = self.ask(async |desk| desk.campaigns_now().await).await;
        let Some(Ok(now)) = answer else { return };
        let Some(known) = now.campaigns.iter().find(|known| known.id == *campaign) else { return };
        let lease = &known.leases[0];
        let looks = Seen { epoch: lease.epoch, beat: lease.beat };
        let at = self.now;
        let dialler = &mut self.diallers[who];
        let since = dialler.seen.entry(campaign.clone()).or_insert((looks, at));
        if since.0 != looks {
            *since = (looks, at);
        }
        let is_free = lease.owner.is_none();
        if !is_free && at - since.1 < STILL {
            return;
        }
        let take = TakeRequest {
            worker: dialler.name.clone(),
            campaign: campaign.clone(),
            partition: 0,
            seen: (!is_free).then_some(looks),
        };
        let (taken, _) = self.ask(async move |desk| desk.take(&take).await).await;
        if let Some(Ok(epoch)) = taken {
            self.diallers[who].epochs.insert(campaign.clone(), epoch);
            self.diallers[who].behind.insert(campaign.clone());
        }
    }

    async fn finds_left_behind(&mut self, who: usize, campaign: CampaignId) {
        let Some(epoch) = self.diallers[who].epochs.get(&campaign).copied() else { return };
        let worker = self.diallers[who].name.clone();
        let ask = RecoveriesRequest { worker, campaign: campaign.clone(), partition: 0, epoch };
        let (answer, _) = self.ask(async move |desk| desk.recoveries(&ask).await).await;
        if let Some(Ok(found)) = answer {
            self.diallers[who].behind.remove(&campaign);
            for left in found.attempts {
                self.begins_left(who, epoch, &left);
            }
        }
    }

    fn begins_left(&mut self, who: usize, epoch: u32, left: &Recovery) {
        let is_same =
            |line: &Line| line.dialler == who && line.attempt == left.attempt && line.epoch == epoch;
        if !self.lines.values().any(is_same) {
            self.begins(Line::left_behind(who, epoch, left));
        }
    }

    fn begins(&mut self, line: Line) {
        self.order += 1;
        let id = self.order;
        self.later(1, Next::Step(id, line.turn));
        self.lines.insert(id, line);
    }

    /// Answers whether somebody was found.
    async fn claims(&mut self, who: usize) -> bool {
        let at = self.dice.index(CAMPAIGNS);
        let campaign = self.campaigns[at].clone();
        let Some(epoch) = self.diallers[who].epochs.get(&campaign).copied() else { return false };
        let wanted = CandidatesRequest { campaign: campaign.clone(), partitions: vec![0], limit: 8 };
        let (answer, _) = self.ask(async move |desk| desk.candidates(&wanted).await).await;
        let Some(Ok(found)) = answer else { return false };
        if found.contacts.is_empty() {
            return false;
        }
        let contact: ContactId = found.contacts[self.dice.index(found.contacts.len())].id.clone();
        let worker = self.diallers[who].name.clone();
        let claim = ClaimRequest { worker, campaign, partition: 0, epoch, contact, avoid: Vec::new() };
        let (answer, _) = self.ask(async move |desk| desk.claim(&claim).await).await;
        if let Some(Ok(Claim::Claimed(claimed))) = answer {
            self.begins(Line::claimed(who, epoch, &claimed));
        }
        true
    }
}
