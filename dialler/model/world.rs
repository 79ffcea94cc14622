//! What the protocol runs in: two workers that die and are robbed of their leases at any moment, a bridge that compares and sets, a media
//! server, and a network that delays, loses and doubles.

use std::fmt;

use vox_dialler::attempt::{Event, Step};

/// Attempts that a world has room for.
const MOST: usize = 4;

/// How large the world is, and which parts of the protocol it has.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub attempts: u8,
    pub epochs: u8,
    /// Requests to dial that find no room die.
    pub fuse: bool,
    /// The commit between room and dial looks at the owner.
    pub compare_and_set: bool,
    /// Recovery waits until all requests are void.
    pub waits: bool,
    /// One before the wait, or one after it too.
    pub deletes: u8,
    /// A request to dial is good for some seconds from before the commit on, whenever it is sent: after the wait none is good any more.
    pub anchored: bool,
    /// A request to make a room may be delivered twice, the second time late.
    pub late_copies: bool,
    /// The server's look at the room and its making of a session are one step.
    pub atomic_join: bool,
}

/// What happened, for whoever reads a trace: which worker or attempt, and what.
#[derive(Clone, Copy)]
pub enum Action {
    Worker(usize, &'static str),
    Went(usize, Step, Event),
    Server(usize, &'static str),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(who, what) => write!(f, "worker {who} {what}"),
            Self::Went(who, step, event) => write!(f, "worker {who}: {step:?} went {event:?}"),
            Self::Server(attempt, what) => write!(f, "attempt {attempt}: the server {what}"),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Status {
    #[default]
    Ready,
    Claimed,
    Dialing,
    Live,
    Recovering,
}

/// The bridge's record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Contact {
    status: Status,
    attempt: u8,
    epoch: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Job {
    attempt: u8,
    step: Step,
    /// The step's request is under way.
    sent: bool,
    /// It was committed so long ago that a request to dial would be too old.
    stale: bool,
}

/// `epoch` 0: it has no lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Worker {
    epoch: u8,
    job: Option<Job>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Request {
    #[default]
    None,
    UnderWay,
    /// It has found its room, and is not in it yet.
    Looked,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phone {
    #[default]
    Silent,
    Ringing,
    Live,
    Over,
}

/// The server's side of an attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Room {
    exists: bool,
    /// Requests to make it that are under way.
    creates: u8,
    dial: Request,
    phone: Phone,
    invites: u8,
}

impl Room {
    fn rings(self) -> bool {
        matches!(self.phone, Phone::Ringing | Phone::Live)
    }

    fn deleted(self) -> Self {
        let phone = if self.rings() { Phone::Over } else { self.phone };
        Self { exists: false, phone, ..self }
    }

    fn invited(self) -> Self {
        // Joining makes the room where there is none any more.
        Self { exists: true, dial: Request::None, phone: Phone::Ringing, invites: self.invites + 1, ..self }
    }
}

/// A state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct World {
    contact: Contact,
    lease: u8,
    workers: [Worker; 2],
    rooms: [Room; MOST],
}

type Successors = Vec<(Action, World)>;

impl Contact {
    fn bits(self) -> u128 {
        self.status as u128 | u128::from(self.attempt) << 3 | u128::from(self.epoch) << 6
    }
}

impl Worker {
    fn bits(self) -> u128 {
        let job = self.job.map_or(0, |job| {
            let flags = 1 | u128::from(job.sent) << 1 | u128::from(job.stale) << 2;
            flags | u128::from(job.attempt) << 3 | (job.step as u128) << 6
        });
        u128::from(self.epoch) | job << 3
    }
}

impl Room {
    fn bits(self) -> u128 {
        let requests = u128::from(self.creates) << 1 | (self.dial as u128) << 3;
        u128::from(self.exists) | requests | (self.phone as u128) << 5 | u128::from(self.invites) << 7
    }
}

impl World {
    /// All of it in 77 bits.
    pub fn bits(&self) -> u128 {
        let rest = self.contact.bits() | u128::from(self.lease) << 9;
        let workers = self.workers.iter().fold(rest, |bits, worker| bits << 14 | worker.bits());
        self.rooms.iter().fold(workers, |bits, room| bits << 9 | room.bits())
    }

    /// Two phones ring, one attempt rang twice, or a number is free for the next attempt while it rings.
    pub fn violates(&self) -> bool {
        let ringing = self.rooms.iter().filter(|room| room.rings()).count();
        let twice = self.rooms.iter().any(|room| room.invites > 1);
        ringing > 1 || twice || (ringing > 0 && self.contact.status == Status::Ready)
    }

    pub fn successors(&self, rules: Rules, into: &mut Successors) {
        for who in 0..2 {
            self.lives_and_dies(who, rules, into);
            self.works(who, rules, into);
        }
        for attempt in 0..usize::from(rules.attempts) {
            self.delivers(attempt, rules, into);
        }
    }

    fn lives_and_dies(&self, who: usize, rules: Rules, into: &mut Successors) {
        let worker = self.workers[who];
        if worker.epoch > 0 {
            into.push((Action::Worker(who, "dies"), self.with_worker(who, Worker::default())));
        }
        if worker.job.is_some() {
            return;
        }
        if self.lease < rules.epochs {
            let mut after = self.with_worker(who, Worker { epoch: self.lease + 1, job: None });
            after.lease += 1;
            into.push((Action::Worker(who, "takes the lease"), after));
        }
        let contact = self.contact;
        if worker.epoch == 0 || worker.epoch < contact.epoch {
            return;
        }
        if contact.status == Status::Ready {
            if contact.attempt < rules.attempts {
                let attempt = contact.attempt + 1;
                let mut after = self.with_job(who, attempt, Step::claimed());
                after.contact = Contact { status: Status::Claimed, attempt, epoch: worker.epoch };
                into.push((Action::Worker(who, "claims"), after));
            }
        } else if contact.epoch < worker.epoch {
            let after = self.with_job(who, contact.attempt, Step::left_behind());
            into.push((Action::Worker(who, "finds it left behind"), after));
        }
    }

    /// The step of a worker's job.
    fn works(&self, who: usize, rules: Rules, into: &mut Successors) {
        let Some(job) = self.workers[who].job else { return };
        let at = usize::from(job.attempt) - 1;
        let room = self.rooms[at];
        let mut went = |after: &Self, event| {
            into.push((Action::Went(who, job.step, event), after.went(who, event)));
        };
        match job.step {
            Step::MakeRoom | Step::Dial if !job.sent => {
                let mut after = *self;
                after.workers[who].job = Some(Job { sent: true, ..job });
                if job.step == Step::Dial {
                    after.rooms[at].dial = if job.stale { Request::None } else { Request::UnderWay };
                } else {
                    after.rooms[at].creates += 1 + u8::from(rules.late_copies);
                }
                into.push((Action::Worker(who, "sends"), after));
            }
            Step::MakeRoom => {
                went(self, Event::Unclear);
                if room.exists {
                    went(self, Event::Done);
                }
            }
            Step::Dial => {
                went(self, Event::Unclear);
                match room.phone {
                    Phone::Live => went(self, Event::Done),
                    Phone::Over => went(self, Event::NotDone),
                    Phone::Silent | Phone::Ringing => {}
                }
            }
            Step::Attach | Step::AwaitReady => {
                went(self, Event::Done);
                went(self, Event::NotDone);
            }
            Step::Talk => {
                if room.phone == Phone::Over {
                    went(self, Event::Done);
                }
                if self.contact.epoch > self.workers[who].epoch {
                    went(self, Event::Fenced);
                }
            }
            Step::DropRoom | Step::ClearRoom | Step::LeaveRoom => {
                went(&self.with_room(at, room.deleted()), Event::Done);
                went(self, Event::Unclear);
            }
            Step::Delete => went(&self.with_room(at, room.deleted()), Event::Done),
            Step::DeleteAgain if rules.deletes > 1 => went(&self.with_room(at, room.deleted()), Event::Done),
            Step::DeleteAgain => went(self, Event::Done),
            Step::Wait => {
                if !rules.waits || (room.creates == 0 && room.dial == Request::None) {
                    went(&self.after_a_wait(job.attempt, rules), Event::Done);
                }
            }
            Step::Check if rules.deletes > 1 && room.exists => went(self, Event::Lying),
            Step::Check => went(self, Event::Done),
            Step::Look => {
                if room.phone == Phone::Live {
                    went(self, Event::Running);
                }
                // A worker that is gone makes it none.
                went(self, Event::Lying);
            }
            Step::Commit
            | Step::TellLive
            | Step::TellResult
            | Step::Abort
            | Step::Adopt
            | Step::Recover
            | Step::TellLost => {
                let (after, event) = self.asked(who, job, rules);
                went(&after, event);
                if event == Event::Done {
                    // It was done, and the answer is lost.
                    went(&after, Event::Unclear);
                }
            }
            Step::Over => unreachable!("a job that is over is none"),
        }
    }

    /// The bridge compares and sets.
    fn asked(&self, who: usize, job: Job, rules: Rules) -> (Self, Event) {
        use Status::{Claimed, Dialing, Live, Ready, Recovering};
        let (contact, epoch) = (self.contact, self.workers[who].epoch);
        let mine = contact.epoch == epoch && contact.attempt == job.attempt;
        let mine_or_older = contact.epoch <= epoch && contact.attempt == job.attempt;
        let (allowed, status) = match job.step {
            Step::Commit => (mine && contact.status == Claimed, Dialing),
            Step::TellLive => (mine && matches!(contact.status, Dialing | Live), Live),
            Step::TellResult => (mine && matches!(contact.status, Dialing | Live), Ready),
            Step::Abort => (mine && contact.status == Claimed, Ready),
            Step::Adopt => (mine_or_older && matches!(contact.status, Dialing | Live), Live),
            Step::Recover => (mine_or_older && contact.status != Ready, Recovering),
            Step::TellLost => (mine && contact.status == Recovering, Ready),
            other => unreachable!("{other:?} asks nothing of the bridge"),
        };
        if !allowed {
            let blind = job.step == Step::Commit && !rules.compare_and_set;
            return (*self, if blind { Event::Done } else { Event::Fenced });
        }
        let mut after = *self;
        after.contact.status = status;
        if matches!(job.step, Step::Adopt | Step::Recover) {
            after.contact.epoch = epoch;
        }
        (after, Event::Done)
    }

    /// Network, media server and phone of an attempt.
    fn delivers(&self, at: usize, rules: Rules, into: &mut Successors) {
        let room = self.rooms[at];
        let mut becomes =
            |what, after: Room| into.push((Action::Server(at + 1, what), self.with_room(at, after)));
        if room.creates > 0 {
            let creates = room.creates - 1;
            becomes("makes the room", Room { exists: true, creates, ..room });
            becomes("loses a request to make the room", Room { creates, ..room });
        }
        if room.dial != Request::None {
            becomes("loses the request to dial", Room { dial: Request::None, ..room });
        }
        match room.dial {
            Request::UnderWay if (room.exists || !rules.fuse) && rules.atomic_join => {
                becomes("invites", room.invited());
            }
            Request::UnderWay if room.exists || !rules.fuse => {
                becomes("finds the room", Room { dial: Request::Looked, ..room });
            }
            Request::Looked => becomes("invites", room.invited()),
            Request::UnderWay | Request::None => {}
        }
        match room.phone {
            Phone::Ringing => {
                becomes("is answered", Room { phone: Phone::Live, ..room });
                becomes("is not answered", Room { phone: Phone::Over, ..room });
            }
            Phone::Live => becomes("is hung up", Room { phone: Phone::Over, ..room }),
            Phone::Silent | Phone::Over => {}
        }
    }

    /// Whoever stood between the commit and the dial has slept for too long.
    fn after_a_wait(&self, attempt: u8, rules: Rules) -> Self {
        let mut after = *self;
        if rules.waits && rules.anchored {
            let jobs = after.workers.iter_mut().filter_map(|worker| worker.job.as_mut());
            let between = jobs.filter(|job| job.attempt == attempt && job.step == Step::Dial && !job.sent);
            between.for_each(|job| job.stale = true);
        }
        after
    }

    fn went(&self, who: usize, event: Event) -> Self {
        let mut worker = self.workers[who];
        worker.job = worker.job.and_then(|job| {
            let step = job.step.after(event);
            (step != Step::Over).then_some(Job { step, sent: false, stale: false, ..job })
        });
        self.with_worker(who, worker)
    }

    fn with_job(&self, who: usize, attempt: u8, step: Step) -> Self {
        let job = Some(Job { attempt, step, sent: false, stale: false });
        self.with_worker(who, Worker { job, ..self.workers[who] })
    }

    fn with_worker(&self, who: usize, worker: Worker) -> Self {
        let mut after = *self;
        after.workers[who] = worker;
        after
    }

    fn with_room(&self, at: usize, room: Room) -> Self {
        let mut after = *self;
        after.rooms[at] = room;
        after
    }
}
