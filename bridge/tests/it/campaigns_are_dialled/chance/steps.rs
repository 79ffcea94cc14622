//! The steps of an attempt, each as the dialler does it, and how it goes.

use vox_bridge::store::StoreError;
use vox_bridge::store::calls::Call;
use vox_dialler::attempt::{ALL_VOID, Event, READY_WITHIN, Step, TOKEN_LIFE};
use vox_shared::ids::AttemptId;
use vox_shared::wire::dialler::attempt::{Ending, Joined, Live, ResultRequest};

use super::carrier::Phone;
use super::line::Line;
use super::network::{Ask, DEADLINE};
use super::{Next, SECOND, Weakness, World};
use crate::campaigns_are_dialled::floor::talked;

/// A dialler none of whose beats was taken for so long dials nobody.
const BEATLESS: u64 = 10 * SECOND;
const DIAL_DEADLINE: u64 = 85 * SECOND;

impl World {
    /// A line does its step.
    pub(super) async fn steps(&mut self, id: u64, turn: u64) {
        let Some(line) = self.lines.get(&id).filter(|line| line.turn == turn).cloned() else { return };
        if !self.is_awake(line.dialler, || Next::Step(id, turn)) {
            return;
        }
        match line.step {
            Step::MakeRoom => self.makes_room(id, &line),
            Step::Attach | Step::AwaitReady => self.bot_comes(id, &line),
            Step::Commit => Box::pin(self.commits(id, line)).await,
            Step::Dial => self.dials(id, &line),
            Step::Talk => match self.carrier.room(&line.attempt).phone {
                Phone::Live | Phone::Ringing => self.later(2 * SECOND, Next::Step(id, turn)),
                Phone::Silent | Phone::Over => {
                    self.later(500, Next::Went(id, turn, Event::Done, Some(Ending::Answered)));
                }
            },
            Step::DropRoom | Step::LeaveRoom | Step::ClearRoom | Step::Delete | Step::DeleteAgain => {
                self.deletes(id, &line);
            }
            Step::Look => self.looks(id, &line),
            Step::Wait => {
                let wait = if self.weak == Weakness::NoWait { 0 } else { ALL_VOID.as_millis() };
                self.later(u64::try_from(wait).unwrap(), Next::Went(id, turn, Event::Done, None));
            }
            Step::Check => {
                let exists = self.carrier.room(&line.attempt).exists;
                self.later(20, Next::Went(id, turn, if exists { Event::Lying } else { Event::Done }, None));
            }
            step => Box::pin(self.tells(id, line, step)).await,
        }
    }

    async fn tells(&mut self, id: u64, line: Line, step: Step) {
        let now = self.floor.bridge.now();
        let ask = match step {
            Step::TellLive => {
                Ask::Live(Live { epoch: line.epoch, answered_at: line.answered_at.unwrap_or(now) })
            }
            Step::Abort => Ask::Abort,
            Step::TellResult => Ask::Result(ResultRequest {
                epoch: line.epoch,
                ending: line.ending.unwrap_or(Ending::Infra),
                carrier: Default::default(),
                ring_ms: 5_000,
                answered_at: line.answered_at,
                ended_at: now,
            }),
            Step::Adopt => Ask::Adopt,
            Step::Recover => Ask::Recover,
            Step::TellLost => Ask::Lost(line.joined),
            step => unreachable!("{step:?} asks nothing of the bridge"),
        };
        let (event, after, _) = self.tell(&line, ask).await;
        if let (Step::Adopt, Event::Done, Some(line)) = (step, event, self.lines.get_mut(&id)) {
            line.answered_at.get_or_insert(now);
        }
        self.later(after, Next::Went(id, line.turn, event, None));
    }

    async fn commits(&mut self, id: u64, line: Line) {
        let began = *self.lines.get_mut(&id).unwrap().committing.get_or_insert(self.now);
        if self.now - self.diallers[line.dialler].beat > BEATLESS || self.now - began > 20 * SECOND {
            return self.later(1, Next::Went(id, line.turn, Event::NotDone, None));
        }
        self.lines.get_mut(&id).unwrap().good_until =
            self.now + u64::try_from(TOKEN_LIFE.as_millis()).unwrap();
        let (event, after, wait) = self.tell(&line, Ask::Commit).await;
        if let Some(wait) = wait {
            return self.later(after + wait, Next::Step(id, line.turn));
        }
        if event == Event::Unclear {
            self.lines.get_mut(&id).unwrap().joined = Joined::No;
        }
        self.later(after, Next::Went(id, line.turn, event, None));
    }

    fn makes_room(&mut self, id: u64, line: &Line) {
        let good_until = self.now + u64::try_from(TOKEN_LIFE.as_millis()).unwrap();
        let made = |attempt: &AttemptId| Next::MakesRoom(attempt.clone(), good_until);
        let (way, is_lost) = (self.way(), self.mishap(3));
        if !is_lost {
            self.later(way, made(&line.attempt));
            if self.mishap(5) {
                let late = self.between(10, 64 * SECOND);
                self.later(late, made(&line.attempt));
            }
        }
        let is_heard = !is_lost && way < DEADLINE && !self.mishap(3);
        let (after, event) = if is_heard { (way + 5, Event::Done) } else { (DEADLINE, Event::NotDone) };
        self.later(after, Next::Went(id, line.turn, event, None));
    }

    fn bot_comes(&mut self, id: u64, line: &Line) {
        if line.step == Step::Attach && !self.mishap(4) {
            self.carrier.rooms.entry(line.attempt.clone()).or_default().bot = true;
        }
        let room = self.carrier.room(&line.attempt);
        let is_there = room.exists && room.bot && !self.mishap(3);
        let late = u64::try_from(READY_WITHIN.as_millis()).unwrap();
        let (after, event) = if is_there { (200, Event::Done) } else { (late, Event::NotDone) };
        self.later(after, Next::Went(id, line.turn, event, None));
    }

    fn dials(&mut self, id: u64, line: &Line) {
        if self.now >= line.good_until {
            return self.later(0, Next::Went(id, line.turn, Event::NotDone, Some(Ending::Infra)));
        }
        let (way, of) = (self.way(), (id, line.turn));
        if !self.mishap(4) {
            let (attempt, number, good_until) = (line.attempt.clone(), line.number.clone(), line.good_until);
            self.later(way, Next::Dials { line: of, attempt, number, good_until });
        }
        // Its connection may break at once, or nobody answers it for long.
        let patience = if self.mishap(4) { self.between(10, 8 * SECOND) } else { DIAL_DEADLINE };
        self.later(patience, Next::Went(id, line.turn, Event::Unclear, None));
    }

    /// The server answers a request to dial, if it is heard.
    pub(super) fn answers(&mut self, (line, turn): (u64, u64), event: Event, ending: Ending) {
        if !self.mishap(4) {
            let way = self.way();
            self.later(way, Next::Went(line, turn, event, Some(ending)));
        }
    }

    pub(super) async fn has_rung(&mut self, line: (u64, u64), attempt: &AttemptId) {
        if self.carrier.room(attempt).phone != Phone::Ringing {
            return;
        }
        self.holds_number(attempt).await;
        match self.dice.below(10) {
            0..6 => {
                self.carrier.rooms.get_mut(attempt).unwrap().phone = Phone::Live;
                self.answers(line, Event::Done, Ending::Answered);
                let talk = self.between(5 * SECOND, 60 * SECOND);
                self.later(talk, Next::Talks(attempt.clone()));
            }
            others => {
                self.carrier.hangs_up(attempt, self.now);
                let ending = if others < 8 { Ending::Busy } else { Ending::NoAnswer };
                self.answers(line, Event::NotDone, ending);
            }
        }
    }

    fn deletes(&mut self, id: u64, line: &Line) {
        let (is_done, is_heard) = (!self.mishap(8), !self.mishap(5));
        if is_done && self.carrier.deletes(&line.attempt, self.now) {
            self.talked(&line.attempt);
        }
        let event = if is_done && is_heard { Event::Done } else { Event::Unclear };
        self.later(30, Next::Went(id, line.turn, event, None));
    }

    fn looks(&mut self, id: u64, line: &Line) {
        let room = self.carrier.room(&line.attempt);
        let event = match room.phone {
            _ if self.mishap(8) => Event::Unclear,
            Phone::Live if room.bot => Event::Running,
            _ => Event::Lying,
        };
        if event != Event::Unclear && matches!(room.phone, Phone::Live | Phone::Ringing) {
            self.lines.get_mut(&id).unwrap().joined = Joined::Yes;
        }
        self.later(20, Next::Went(id, line.turn, event, None));
    }

    /// A call is over: its worker tells, unless it is killed.
    pub(super) fn talked(&mut self, attempt: &AttemptId) {
        if self.mishap(5) {
            return;
        }
        let after =
            if self.mishap(15) { self.between(SECOND, 100 * SECOND) } else { self.between(10, 3 * SECOND) };
        self.later(after, Next::Word(attempt.clone()));
    }

    pub(super) async fn delivers(&mut self, attempt: AttemptId) {
        let (tenant, bot) = (self.floor.bridge.tenant(), self.floor.bot.clone());
        let (id, now) = (attempt.clone(), self.floor.now());
        let done = self.at_bridge(async move |desk| {
            let Some(known) = desk.stores.all_attempts().find_attempt(&id).await? else { return Ok(()) };
            let begun = Call::begun((&tenant, &bot), now);
            let call = Call { attempt_word: Some(Box::new(talked())), ..begun };
            match desk.stores.calls(&tenant).insert_call(&known.value.session_id, call).await {
                Ok(_) | Err(StoreError::Duplicate) => desk.heard(&id, &talked()).await,
                Err(error) => Err(error.into()),
            }
        });
        if !matches!(done.await, Some(Ok(()))) {
            self.later(3 * SECOND, Next::Word(attempt));
        }
    }

    /// A step went so.
    pub(super) fn went(&mut self, id: u64, turn: u64, event: Event, ending: Option<Ending>) {
        let Some(line) = self.lines.get(&id).filter(|line| line.turn == turn) else { return };
        let who = line.dialler;
        if !self.is_awake(who, || Next::Went(id, turn, event, ending)) {
            return;
        }
        let now = self.floor.bridge.now();
        let line = self.lines.get_mut(&id).unwrap();
        if line.step == Step::Dial && event == Event::Done {
            (line.answered_at, line.joined) = (Some(now), Joined::Yes);
        } else if ending.is_some() {
            line.ending = ending;
        }
        let next = line.step.after(event);
        if next == Step::Over {
            self.lines.remove(&id);
            return;
        }
        let is_again = next == line.step || (line.step, event) == (Step::Check, Event::Lying);
        let pause = line.goes_on(next, is_again);
        let turn = line.turn;
        self.later(pause, Next::Step(id, turn));
    }
}
