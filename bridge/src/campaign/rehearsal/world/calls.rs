//! A call, from the claim to what follows it, and what becomes of those whose dialler dies.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use vox_dialler::breaker::Offer;
use vox_dialler::pacing::laws::By;
use vox_shared::ids::AttemptId;
use vox_shared::phone::Number;
use vox_shared::wire::dialler::attempt::Ending;
use vox_shared::wire::dialler::claim::{Reason, Refused, Scope};
use vox_shared::wire::result::Callback;

use super::super::super::calendar::Rules;
use super::super::super::calls::Line;
use super::super::super::calls::rules::{
    CLAIM_FOR, LINE_FOR, Whose, ask_of_a_call, ask_of_a_turn, choose, refusal, rooms, shown,
};
use super::super::super::clearance::{
    Cleared, Kept, Known, NO_NUMBER, keep_back, kept_by_itself, next_of_use, weigh,
};
use super::super::super::number;
use super::super::super::outcome::{AttemptResult, Word};
use super::super::super::retry::{Happened, follow};
use super::super::stage::{Answer, Dial, Outage, Told};
use super::act::Place;
use super::{Event, World, after, span};
use crate::coordination::permits::Permitted;
use crate::store::Stamp;
use crate::store::contacts::{Contact, ContactStatus};
use crate::store::numbers::{CalledNumber, Ring};

/// Room and worker of a call are there so long after its claim, seconds.
const PREPARES: f64 = 1.5;
/// A carrier that is away refuses so soon, seconds.
const REFUSES: f64 = 0.5;
/// A turn that comes later is asked for a moment after it.
const MOMENT: SignedDuration = SignedDuration::from_millis(1);
/// From the death of a dialler until another one has its partitions and rings somebody.
const TAKEN_OVER: SignedDuration = SignedDuration::from_secs(20);
/// Every copy of a request to dial is waited out.
const WAITED_OUT: SignedDuration = SignedDuration::from_secs(150);
/// Nobody renews the permits of these calls: they are kept for longer than any of them is.
const PERMITTED: Duration = Duration::from_secs(3 * 3_600);
/// When a contact is the next again whose numbers to be shown are full.
const BEHIND: SignedDuration = SignedDuration::from_secs(60);
/// Where every claim of a campaign is refused the next one comes after twice the time: from one of these until the other for numbers that
/// are full, up to the third for lines that are. The dialler asks each second, and is told the same.
const FULL_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(60);
const LONGEST_WAIT_FOR_LINES: SignedDuration = SignedDuration::from_secs(8);
const NO_WAIT_SAID: Duration = Duration::from_millis(500);
/// Without any number to call from.
const NO_LINE_WAIT_MS: u64 = 60_000;
const BREAKER_WAIT_MS: u64 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Preparing,
    Ringing,
    Talking,
    /// Its dialler is gone.
    Behind,
}

/// See the module.
pub(super) struct Call<'a> {
    person: usize,
    campaign: usize,
    attempt: AttemptId,
    number: Number,
    line: &'a Line,
    phase: Phase,
    claimed_at: Timestamp,
    dialled_at: Option<Timestamp>,
    answer: Option<Answer>,
    closes_at: Stamp,
    takes_message: bool,
    /// Its trunk failed before the dial.
    fails: CancellationToken,
}

impl<'a> World<'a> {
    /// Claim the next of a campaign, if they may be rung now.
    pub(super) fn claim(&mut self, campaign: usize) {
        let Some(place) = self.acts[campaign].first_due() else { return };
        let (person, rules) = (place.2, self.rules(campaign));
        match self.clear(person, rules) {
            Ok(cleared) => self.claim_cleared(campaign, place, cleared),
            Err(kept) => {
                keep_back(&mut self.people[person].contact, rules, kept);
                self.goes_on(person);
            }
        }
    }

    fn clear(&mut self, person: usize, rules: Rules<'_>) -> Result<Cleared, Kept> {
        let (now, contact) = (Stamp(self.now), &mut self.people[person].contact);
        if let Some(kept) = kept_by_itself(rules.settings, contact, now) {
            return Err(kept);
        }
        loop {
            let Some(number) = next_of_use(contact) else { return Err(NO_NUMBER) };
            let is_listed = self.listed.contains(&number.number.comparable());
            let known = Known { is_listed, before: self.known.get(number.number.as_str()) };
            if let Some(weighed) = weigh(rules, contact, number, known, now) {
                return weighed;
            }
        }
    }

    fn claim_cleared(&mut self, campaign: usize, place: Place, cleared: Cleared) {
        let (stage, clock) = (self.stage, self.instant());
        let contact = &self.people[place.2].contact;
        let Ok(attempt) = format!("dry.{}.{}", place.2, contact.att + 1).parse::<AttemptId>() else { return };
        let offer = self.trunks.offer(&stage.tenant, &self.acts[campaign].trunks, clock);
        let line = match self.take_a_line((campaign, &attempt), (place.2, &cleared), &offer) {
            Ok(line) => line,
            Err(refused) => {
                self.trunks.untried(&offer.tries, clock);
                return self.refused(campaign, place, &refused);
            }
        };
        let fails = self.trunks.lets((&stage.tenant, &line.trunk), &offer.tries, clock);
        self.trunks.untried(offer.tries.iter().filter(|tried| **tried != line.trunk), clock);
        let call = Call {
            person: place.2,
            campaign,
            attempt,
            number: cleared.number.number,
            line,
            phase: Phase::Preparing,
            claimed_at: self.now,
            dialled_at: None,
            answer: None,
            closes_at: cleared.closes_at,
            takes_message: cleared.takes_message,
            fails: fails.unwrap_or_else(cancelled),
        };
        self.begin(call);
    }

    /// The number to call from, with permits for a call over its trunk.
    fn take_a_line(
        &mut self,
        (campaign, attempt): (usize, &AttemptId),
        (person, cleared): (usize, &Cleared),
        offer: &Offer,
    ) -> Result<&'a Line, Refused> {
        let (stage, now, act) = (self.stage, Stamp(self.now), &self.acts[campaign]);
        let numbers = &act.played.settings.numbers;
        let whom = (&self.people[person].contact, &cleared.number.number);
        let whose = Whose { tenant: &stage.tenant, campaign: &act.played.id, attempt };
        let mut last = None;
        for line in choose(&stage.lines, numbers, whom, (now, &offer.avoid)) {
            let most = [line.lines, stage.tenant_lines, act.most_lines(), stage.slots];
            let mut ask = ask_of_a_call(whose, None, (line, line.per_second), (numbers, now), most);
            ask.rooms.iter_mut().filter(|room| room.ttl == LINE_FOR).for_each(|room| room.ttl = PERMITTED);
            let refused = match self.permits.permit(&ask, self.now) {
                Ok(Permitted::Granted) => return Ok(line),
                Ok(refused) => refusal(refused),
                Err(_) => refusal(Permitted::Closed),
            };
            let is_of_the_line = refused.scope == Scope::Trunk || refused.reason == Reason::NoCallerNumber;
            if !is_of_the_line {
                return Err(refused);
            }
            last = Some(refused);
        }
        Err(last.unwrap_or_else(|| match offer.avoid.is_empty() {
            true => without(Reason::NoCallerNumber, NO_LINE_WAIT_MS),
            false => without(Reason::BreakerOpen, BREAKER_WAIT_MS),
        }))
    }

    fn refused(&mut self, campaign: usize, place: Place, refused: &Refused) {
        let (now, act) = (self.now, &mut self.acts[campaign]);
        let is_full = refused.reason == Reason::NoCallerNumber;
        let wait = refused.wait_ms.map_or(NO_WAIT_SAID, Duration::from_millis);
        let (wait, longest) =
            if is_full { (wait.max(FULL_WAIT), LONGEST_WAIT) } else { (wait, LONGEST_WAIT_FOR_LINES) };
        act.hold(now, wait, longest);
        if is_full {
            let later = after(now, BEHIND);
            self.waiting.push(std::cmp::Reverse((later, place.2)));
        } else {
            act.put_back(place);
        }
    }

    /// The contact and the number are the call's.
    fn begin(&mut self, call: Call<'a>) {
        let (id, now, since, stage) = (self.begun, Stamp(self.now), self.since_start(), self.stage);
        self.begun += 1;
        let act = &mut self.acts[call.campaign];
        act.begun((id, self.now), since);
        if !act.trunks.contains(&call.line.trunk) {
            act.trunks.insert(call.line.trunk.clone());
        }
        self.share.dialled(&call.campaign, act.pacer.laws.cost(), since);
        let contact = &mut self.people[call.person].contact;
        contact.att += 1;
        contact.hold(ContactStatus::Claimed, call.attempt.clone(), 1);
        let ring =
            Ring { attempt: call.attempt.clone(), campaign: act.played.id.clone(), at: now, result: None };
        let known = self.known.entry(call.number.to_string());
        let known = known.or_insert_with(|| CalledNumber::new(stage.tenant.clone(), now));
        number::lock(known, ring, now);
        self.calls.insert(id, call);
        self.later(PREPARES, Event::Ready(id));
    }

    /// The last look, and the dial.
    pub(super) fn commit(&mut self, id: u64) {
        let Some(call) = self.calls.get(&id).filter(|call| call.phase == Phase::Preparing) else { return };
        let is_late = Stamp(call.claimed_at) + CLAIM_FOR <= Stamp(self.now);
        if is_late || call.fails.is_cancelled() || self.listed.contains(&call.number.comparable()) {
            return self.end(id, AttemptResult::Aborted);
        }
        let ask = ask_of_a_turn(&call.attempt, None, (call.line, call.line.per_second));
        match self.permits.permit(&ask, self.now) {
            Ok(Permitted::Granted) => self.dial_now(id),
            Ok(Permitted::TooSoon(_, wait)) => {
                let wait = SignedDuration::try_from(wait).unwrap_or(CLAIM_FOR) + MOMENT;
                self.events.push(std::cmp::Reverse((after(self.now, wait), Event::Ready(id))));
            }
            _ => self.end(id, AttemptResult::Aborted),
        }
    }

    fn dial_now(&mut self, id: u64) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let (now, line, person) = (self.now, call.line, call.person);
        let contact = &mut self.people[person].contact;
        contact.status = ContactStatus::Dialing;
        (call.phase, call.dialled_at) = (Phase::Ringing, Some(now));
        let told = (line.number.as_str(), call.number.as_str());
        (self.tell)(Told::Dialled {
            call: id,
            person,
            att: contact.att,
            number: told.1,
            caller: told.0,
            at: now,
        });
        let is_away = |one: &&Outage| one.trunk == line.trunk && one.from <= now && now < one.until;
        let answer = match self.stage.troubles.outages.iter().find(is_away) {
            Some(_) => Answer::nobody(REFUSES, AttemptResult::Congestion),
            None => {
                let (campaign, number) = (call.campaign, call.number.as_str());
                self.telephones.ring(Dial { person, campaign, number, at: now })
            }
        };
        let (campaign, takes_message, is_outside) =
            (call.campaign, call.takes_message, call.closes_at.0 <= now);
        let answer = self.within_limits(campaign, (answer, takes_message));
        if let Some(call) = self.calls.get_mut(&id) {
            call.answer = Some(answer);
        }
        self.outcome.attempts += 1;
        *self.hours.entry((line.number.as_str(), now.as_second().div_euclid(3_600))).or_default() += 1;
        self.outcome.outside += u64::from(is_outside);
        self.later(answer.rings, Event::Rang(id));
    }

    /// It rings no longer, and is no longer, than the campaign lets it; and no message is left where one was.
    fn within_limits(&self, campaign: usize, (mut answer, takes_message): (Answer, bool)) -> Answer {
        let settings = &self.stage.campaigns[campaign].settings;
        let rings = f64::from(settings.ring_secs);
        if answer.rings > rings {
            return Answer::nobody(rings, AttemptResult::NoAnswer);
        }
        answer.talks = answer.talks.min(f64::from(settings.max_secs));
        if answer.result == AttemptResult::VoicemailLeft && !takes_message {
            answer.result = AttemptResult::Voicemail;
        }
        answer
    }

    /// It is answered, or rings no more.
    pub(super) fn rang(&mut self, id: u64) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.phase == Phase::Ringing) else { return };
        let (Some(dialled_at), Some(answer)) = (call.dialled_at, call.answer) else { return };
        let act = &mut self.acts[call.campaign];
        act.is_stirred = true;
        act.ringing.remove(&id);
        let Some(by) = answer.by else { return self.end(id, answer.result) };
        act.pacer.laws.answered(by, span(dialled_at, self.now));
        if by == By::Human {
            self.outcome.answers += 1;
            if !act.answered() {
                self.outcome.abandoned += 1;
                return self.end(id, AttemptResult::Abandoned);
            }
            act.pacer.laws.talked(Duration::from_secs_f64(answer.talks.max(0.0)));
            self.outcome.talk_secs += answer.talks;
        }
        act.talking += 1;
        call.phase = Phase::Talking;
        self.later(answer.talks, Event::Over(id));
    }

    pub(super) fn over(&mut self, id: u64) {
        let Some(call) = self.calls.get(&id).filter(|call| call.phase == Phase::Talking) else { return };
        let result = call.answer.map_or(AttemptResult::Answered, |answer| answer.result);
        let act = &mut self.acts[call.campaign];
        act.talking = act.talking.saturating_sub(1);
        self.end(id, result);
    }

    /// The dialler is gone. What talks is adopted by the next one; of what rings nobody knows, and what was not dialled is taken back.
    pub(super) fn crash(&mut self) {
        (self.tell)(Told::Crashed { at: self.now });
        (self.trunks, self.share) = Default::default();
        self.able_from = after(self.now, TAKEN_OVER);
        let since = self.since_start();
        self.acts.iter_mut().for_each(|act| act.begin_anew(self.able_from, since));
        for (id, call) in &mut self.calls {
            let known_after = match call.phase {
                Phase::Preparing => TAKEN_OVER,
                Phase::Ringing => TAKEN_OVER.saturating_add(WAITED_OUT),
                Phase::Talking | Phase::Behind => continue,
            };
            call.phase = Phase::Behind;
            self.events.push(std::cmp::Reverse((after(self.now, known_after), Event::Recovered(*id))));
        }
    }

    pub(super) fn recovered(&mut self, id: u64) {
        let Some(call) = self.calls.get(&id).filter(|call| call.phase == Phase::Behind) else { return };
        let result = if call.dialled_at.is_some() { AttemptResult::Lost } else { AttemptResult::Aborted };
        self.end(id, result);
    }

    /// It is over: what follows is what would follow.
    fn end(&mut self, id: u64, result: AttemptResult) {
        let Some(call) = self.calls.remove(&id) else { return };
        let (now, stage, clock, since) = (Stamp(self.now), self.stage, self.instant(), self.since_start());
        let act = &mut self.acts[call.campaign];
        act.ringing.remove(&id);
        act.is_stirred = true;
        if let Some(known) = self.known.get_mut(call.number.as_str()) {
            number::settle(known, (&call.attempt, result), now);
        }
        let mut left = rooms(&stage.tenant, &act.played.id, &call.line.trunk);
        if !result.rang() {
            left.extend(shown(call.line.number.as_str()));
        }
        self.permits.give_up(call.attempt.as_str(), &left);
        if call.dialled_at.is_some() {
            (self.tell)(Told::Ended { call: id, at: self.now, result });
            act.outcome(result, since);
            // Of one that was lost another dialler knows nothing.
            if result != AttemptResult::Lost {
                self.trunks.ended(&call.line.trunk, Some(ending(result)), clock);
            }
            self.outcome.ended_at = self.outcome.ended_at.max(self.now);
        } else {
            act.pacer.not_begun();
            let cost = act.pacer.laws.cost();
            self.share.refund(&call.campaign, cost);
        }
        if result == AttemptResult::OptOut {
            self.list(&call.number);
        }
        self.follow(&call, result);
    }

    fn follow(&mut self, call: &Call<'_>, result: AttemptResult) {
        let callback = call.answer.and_then(|answer| answer.callback).map(|at| Callback {
            at: at.to_string(),
            number: call.number.to_string(),
            note: String::new(),
        });
        let word = (result == AttemptResult::Callback).then(|| Word { callback, ..Word::default() });
        let what = Happened {
            result,
            number: call.number.as_str(),
            rung_at: call.dialled_at.map(Stamp),
            word: word.as_ref(),
            retry_after: None,
            refuses_many: false,
            now: Stamp(self.now),
            draw: self.dice.share(),
        };
        let rules = self.rules(call.campaign);
        let contact: &mut Contact = &mut self.people[call.person].contact;
        if call.dialled_at.is_some() {
            contact.from_number = Some(call.line.number.to_string());
        }
        follow(contact, rules, what);
        self.goes_on(call.person);
    }
}

fn without(reason: Reason, wait_ms: u64) -> Refused {
    Refused { reason, scope: Scope::Campaign, retry_at: None, wait_ms: Some(wait_ms), detail: String::new() }
}

/// Of a call whose trunk fails already.
fn cancelled() -> CancellationToken {
    let token = CancellationToken::new();
    token.cancel();
    token
}

/// What the dialler sees of a result.
fn ending(result: AttemptResult) -> Ending {
    let same = |ending: &Ending| ending.as_str() == result.as_str();
    Ending::ALL.into_iter().find(same).unwrap_or(Ending::Answered)
}
