use vox_shared::wire::dialler::lease::Partition;

use super::*;

/// The bridge's leases, and diallers that do what they say.
struct World {
    now: Instant,
    leases: Vec<Partition>,
    diallers: BTreeMap<String, Instant>,
}

fn told(leases: &[Partition], diallers: Vec<String>) -> CampaignsNow {
    let text = include_str!("../../../shared/src/wire/dialler_campaigns_v1.golden.json");
    let mut now: CampaignsNow = serde_json::from_str(text).unwrap();
    now.campaigns[0].leases = leases.to_vec();
    now.diallers = diallers;
    now
}

fn id() -> CampaignId {
    told(&[], Vec::new()).campaigns.remove(0).id
}

impl World {
    fn new(partitions: u32) -> Self {
        let free = |partition| Partition { partition, owner: None, epoch: 0, beat: 0 };
        Self { now: Instant::now(), leases: (0..partitions).map(free).collect(), diallers: BTreeMap::new() }
    }

    /// A second of a dialler's life.
    fn lives(&mut self, dialler: &mut Leases, calls: usize) {
        for held in dialler.held() {
            let lease = &mut self.leases[held.partition as usize];
            if lease.owner.as_deref() == Some(&dialler.name) && lease.epoch == held.epoch {
                lease.beat += 1;
            } else {
                dialler.lost(&held);
            }
        }
        self.diallers.insert(dialler.name.clone(), self.now);
        let there = self.diallers.iter().filter(|(_, at)| self.now.duration_since(**at) < STILL);
        let told = told(&self.leases, there.map(|(name, _)| name.clone()).collect());
        for step in dialler.look(&told, |_| calls, self.now) {
            match step {
                Move::Take { key, seen } => {
                    let lease = &mut self.leases[key.1 as usize];
                    let as_seen = match seen {
                        None => lease.owner.is_none(),
                        Some(seen) => (lease.epoch, lease.beat) == (seen.epoch, seen.beat),
                    };
                    if as_seen {
                        lease.owner = Some(dialler.name.clone());
                        lease.epoch += 1;
                        lease.beat = 0;
                        dialler.taken(key, lease.epoch);
                    } else {
                        dialler.refused(key, self.now);
                    }
                }
                Move::Release { key, epoch } => {
                    let lease = &mut self.leases[key.1 as usize];
                    assert_eq!(lease.epoch, epoch);
                    lease.owner = None;
                    dialler.released(&key, self.now);
                }
            }
        }
    }

    fn passes(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }
}

fn one() -> Leases {
    Leases::new("one".into())
}

fn two() -> Leases {
    Leases::new("two".into())
}

#[test]
fn a_dialler_alone_takes_all_at_once() {
    let (mut world, mut one) = (World::new(16), one());
    world.lives(&mut one, 0);
    assert_eq!(one.partitions(&id()).len(), 16);
    assert_eq!(one.may_claim(&(id(), 3)), Some(1));
}

#[test]
fn a_second_one_gets_its_half_and_no_more() {
    let (mut world, mut one, mut two) = (World::new(16), one(), two());
    world.lives(&mut one, 0);
    for _ in 0..300 {
        world.passes(1);
        world.lives(&mut one, 0);
        world.lives(&mut two, 0);
    }
    assert_eq!((one.held().len(), two.held().len()), (8, 8));
}

#[test]
fn the_partitions_of_a_dead_one_are_taken_after_fifteen_seconds_and_not_before() {
    let (mut world, mut one, mut two) = (World::new(4), one(), two());
    world.lives(&mut one, 0);
    world.lives(&mut two, 0);
    for second in 1..=16 {
        world.passes(1);
        world.lives(&mut two, 0);
        assert_eq!(two.held().is_empty(), second < 15, "after {second} s");
    }
    assert_eq!(two.held().len(), 4);
    // The dead one was only asleep.
    world.lives(&mut one, 0);
    assert!(one.held().is_empty());
}

#[test]
fn a_partition_is_given_up_when_its_calls_are_over_or_after_a_minute() {
    let (mut world, mut one) = (World::new(2), one());
    world.lives(&mut one, 1);
    // The campaign has ended, with a call on.
    let nothing = CampaignsNow { campaigns: Vec::new(), ..told(&[], Vec::new()) };
    assert!(one.look(&nothing, |_| 1, world.now).is_empty());
    assert!(one.partitions(&id()).is_empty() && one.is_held(&(id(), 0)));
    assert_eq!(one.look(&nothing, |key| usize::from(key.1 == 0), world.now).len(), 1, "one is over");
    world.passes(60);
    assert_eq!(one.look(&nothing, |_| 1, world.now).len(), 2);
}

#[test]
fn a_dialler_that_cannot_dial_gives_up_all_and_takes_nothing() {
    let (mut world, mut one) = (World::new(4), one());
    world.lives(&mut one, 0);
    let now = told(&world.leases, Vec::new());
    let moves = one.leave(&now, |key| usize::from(key.1 == 2), world.now);
    assert!(one.partitions(&id()).is_empty(), "no new call");
    let released = |moves: Vec<Move>| -> Vec<u32> {
        let partition = |step: Move| match step {
            Move::Release { key, .. } => key.1,
            Move::Take { .. } => panic!("{step:?}"),
        };
        moves.into_iter().map(partition).collect()
    };
    assert_eq!(released(moves), [0, 1, 3], "one has a call");
    for partition in [0, 1, 3] {
        world.leases[partition].owner = None;
        one.released(&(id(), partition as u32), world.now);
    }
    world.passes(60);
    let now = told(&world.leases, Vec::new());
    assert_eq!(released(one.leave(&now, |_| 1, world.now)), [2], "its call was waited for");
    one.released(&(id(), 2), world.now);
    world.leases[2].owner = None;
    world.passes(60);
    assert!(one.leave(&told(&world.leases, Vec::new()), |_| 0, world.now).is_empty());
    world.lives(&mut one, 0);
    assert_eq!(one.partitions(&id()).len(), 4, "it can dial again");
}

#[test]
fn what_somebody_else_has_taken_is_lost_and_what_was_taken_anew_is_not() {
    let mut one = one();
    one.taken((id(), 0), 5);
    one.lost(&Held { campaign: id(), partition: 0, epoch: 4 });
    assert!(one.is_held(&(id(), 0)));
    one.lost(&Held { campaign: id(), partition: 0, epoch: 5 });
    assert!(!one.is_held(&(id(), 0)));
}
