//! When a contact is rung again, and whether. Pure: what happened goes in, the contact as it stands then comes out.

use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::calendar::Rules;
use super::outcome::{AttemptResult, FORBIDDEN_AGAIN, Next, Word};
use super::phone;
use super::settings::{LostPolicy, RetryOn};
use super::windows::{Callee, first_open};
use super::zones;
use crate::store::Stamp;
use crate::store::contacts::{Class, Contact, ContactNumber, ContactStatus, MAX_NUMBERS};

/// Parts of a day, local: from one of these hours to the next.
const PARTS: [i8; 5] = [9, 12, 14, 17, 20];
/// Days in which another part is looked for.
const AHEAD_DAYS: i32 = 14;
/// Nobody is rung at about the same time of day again, hours.
const SAME_TIME: i64 = 2;
/// Rings that a contact remembers.
const MAX_RUNG: usize = 20;
/// Results that a contact remembers.
const MAX_RESULTS: usize = 60;
/// The first ring of the next number comes so soon.
const NEXT_NUMBER: SignedDuration = SignedDuration::from_secs(60);
/// No promise reaches farther.
const FARTHEST: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Of a repeated fault of ours: so many times is the wait doubled at most.
const MAX_DOUBLINGS: u32 = 5;
const LOST_LEAST: SignedDuration = SignedDuration::from_mins(30);

/// What happened to a contact.
#[derive(Clone, Copy, Debug)]
pub struct Happened<'a> {
    pub result: AttemptResult,
    /// The number that was rung, E.164: a list that was sent again meanwhile may have given the contact others.
    pub number: &'a str,
    /// When it rang; none when nothing was dialled.
    pub rung_at: Option<Stamp>,
    pub word: Option<&'a Word>,
    /// The carrier wants so long a pause.
    pub retry_after: Option<Duration>,
    /// The carrier refuses many callees: it is no matter of this number.
    pub refuses_many: bool,
    pub now: Stamp,
    /// From 0 to below 1, at random.
    pub draw: f64,
}

/// Note what happened and say what follows.
pub fn follow(contact: &mut Contact, rules: Rules<'_>, what: Happened<'_>) {
    let next = match what.result.next(&contact.results) {
        Next::StopNumber if what.result == AttemptResult::Forbidden && what.refuses_many => {
            Next::Again(FORBIDDEN_AGAIN)
        }
        next => next,
    };
    contact.results.push(what.result);
    keep_last(&mut contact.results, MAX_RESULTS);
    contact.counted += u32::from(what.result.counts());
    if let (true, Some(at)) = (what.result.rang(), what.rung_at) {
        contact.rung_at.push(at);
        keep_last(&mut contact.rung_at, MAX_RUNG);
    }
    contact.updated_at = what.now;
    contact.reason = None;
    let rung = rung(contact, what);
    contact.number_at = rung.unwrap_or(contact.number_at);
    let done = |contact: &mut Contact, why: &str| contact.end(ContactStatus::Done, Some(why.to_owned()));
    match next {
        Next::End => done(contact, what.result.as_str()),
        Next::OptOut => contact.end(ContactStatus::Blocked, Some("opt_out".into())),
        Next::StopNumber => {
            let why = what.result.as_str().to_owned();
            if let Some(at) = rung {
                contact.numbers[at].stopped = Some(why);
            }
            next_number(contact, rules, what);
        }
        Next::Again(base) => {
            let same = contact.results.iter().rev().take_while(|result| !result.counts()).count();
            let doublings = u32::try_from(same.saturating_sub(1)).unwrap_or(u32::MAX).min(MAX_DOUBLINGS);
            let wait = stretched(base * 2_u32.pow(doublings), 0.5 + what.draw);
            let (class, at) = (contact.class, what.now + wait.max(carriers_pause(what)));
            at_first_open(contact, rules, (class, at));
        }
        Next::Callback => call_back(contact, rules, what),
        Next::Lost if rules.settings.lost_policy == LostPolicy::ReportOnly => {
            contact.end(ContactStatus::Review, Some("lost".into()));
        }
        Next::Lost => by_rule(contact, rules, (RetryOn::Lost, what)),
        Next::Rule(on) => by_rule(contact, rules, (on, what)),
    }
}

/// The operator's rule for a result: its next wait, or the next number, or the end.
fn by_rule(contact: &mut Contact, rules: Rules<'_>, (on, what): (RetryOn, Happened<'_>)) {
    let rule = rules.settings.retry(on);
    let is_same = |result: &&AttemptResult| result.next(&[]) == what.result.next(&[]);
    let times = contact.results.iter().filter(is_same).count();
    if contact.counted >= rules.settings.caps.contact_attempts {
        return contact.end(ContactStatus::Done, Some("cap".into()));
    }
    let Some(minutes) = times.checked_sub(1).and_then(|before| rule.delays_min.get(before)) else {
        return next_number(contact, rules, what);
    };
    let wait = stretched(Duration::from_secs(60 * u64::from(*minutes)), 0.85 + 0.3 * what.draw);
    let wait = wait.max(carriers_pause(what));
    let wait = if on == RetryOn::Lost { wait.max(LOST_LEAST) } else { wait };
    let mut at = what.now + wait;
    if rule.other_day_part {
        at = in_another_part(contact, rules, (at, what.draw)).unwrap_or(at);
    }
    at_first_open(contact, rules, (Class::Retry, at));
}

/// The place of the number that was rung; none when the list has it no more.
fn rung(contact: &Contact, what: Happened<'_>) -> Option<usize> {
    contact.numbers.iter().position(|known| known.number.as_str() == what.number)
}

/// The contact's next number that is of use, or the end.
fn next_number(contact: &mut Contact, rules: Rules<'_>, what: Happened<'_>) {
    let from = rung(contact, what).map_or(contact.number_at, |at| at + 1);
    let found = contact.numbers.iter().enumerate().skip(from).find(|(_, n)| n.stopped.is_none());
    match found {
        _ if contact.counted >= rules.settings.caps.contact_attempts => {
            contact.end(ContactStatus::Done, Some("cap".into()));
        }
        Some((at, _)) => {
            contact.number_at = at;
            at_first_open(contact, rules, (Class::Retry, what.now + NEXT_NUMBER));
        }
        None => contact.end(ContactStatus::Done, Some(what.result.as_str().to_owned())),
    }
}

/// At the time that was wished, on the number that was wished.
fn call_back(contact: &mut Contact, rules: Rules<'_>, what: Happened<'_>) {
    let wish = what.word.and_then(|word| word.callback.as_ref());
    let Some(at) = wish.and_then(|wish| wish.at.parse::<Timestamp>().ok()) else {
        return contact.end(ContactStatus::Review, Some("callback".into()));
    };
    if Stamp(at) > what.now + FARTHEST {
        return contact.end(ContactStatus::Review, Some("callback".into()));
    }
    if let Some(wish) = wish {
        choose_number(contact, rules, &wish.number);
    }
    at_first_open(contact, rules, (Class::Callback, Stamp(at).max(what.now + NEXT_NUMBER)));
}

/// The number that somebody wishes to be called back on, if it can be rung; else the one that was rung.
fn choose_number(contact: &mut Contact, rules: Rules<'_>, wished: &str) {
    let Ok(read) = phone::read(wished, rules.settings.region.as_deref()) else { return };
    if let Some(at) = contact.numbers.iter().position(|known| known.number == read.number) {
        contact.number_at = at;
    } else if contact.numbers.len() < MAX_NUMBERS {
        contact.number_at = contact.numbers.len();
        let region = read.region.to_owned();
        contact.numbers.push(ContactNumber { number: read.number, region, kind: read.kind, stopped: None });
    }
}

/// Have it rung from the first time on that the clock of its place allows, unless it expires before.
pub fn at_first_open(contact: &mut Contact, rules: Rules<'_>, (class, at): (Class, Stamp)) {
    let open = callee(contact).and_then(|callee| first_open(rules.times(), callee, at.0));
    // What is not known here is found out, and told, by the claim.
    let at = open.map_or(at, Stamp);
    match contact.expires_at {
        Some(expires) if expires <= at => contact.end(ContactStatus::Done, Some("expired".into())),
        _ => contact.ready(class, at),
    }
}

/// Whom the number that is rung next belongs to, for the clock's rules.
pub fn callee(contact: &Contact) -> Option<Callee<'_>> {
    let number = contact.numbers.get(contact.number_at)?;
    Some(Callee { number: &number.number, region: &number.region, zones: &contact.zones })
}

/// At another time of the day than before: the time itself when it is one, else the first part of a day that was not tried.
fn in_another_part(contact: &Contact, rules: Rules<'_>, (at, draw): (Stamp, f64)) -> Option<Stamp> {
    let callee = callee(contact)?;
    let zone = zones::all(callee.number, callee.zones).ok()?.into_iter().next()?;
    let local = |at: Stamp| zone.to_datetime(at.0);
    let part = |at: Stamp| part_of(local(at).time());
    let tried: Vec<Option<usize>> = contact.rung_at.iter().map(|at| part(*at)).collect();
    let minute = |at: Stamp| i64::from(local(at).hour()) * 60 + i64::from(local(at).minute());
    let is_near = |one: Stamp, other: Stamp| {
        let apart = (minute(one) - minute(other)).abs();
        apart.min(24 * 60 - apart) < SAME_TIME * 60
    };
    let open = |at: Timestamp| first_open(rules.times(), callee, at).map(Stamp);
    let first = open(at.0)?;
    if !tried.contains(&part(first)) && !contact.rung_at.iter().any(|before| is_near(*before, first)) {
        return Some(first);
    }
    let today = local(first).date();
    for ahead in 0..AHEAD_DAYS {
        let Ok(day) = today.checked_add(ahead.days()) else { break };
        for (number, hours) in PARTS.windows(2).enumerate() {
            if tried.contains(&Some(number)) {
                continue;
            }
            let Some(found) = somewhere_in(&zone, day.to_datetime(Time::midnight()), (hours, draw)) else {
                continue;
            };
            if found < first.0 {
                continue;
            }
            if let Some(found) = open(found).filter(|found| part(*found) == Some(number)) {
                return Some(found);
            }
        }
    }
    Some(first)
}

/// Somewhere in the first three quarters of a part of a day.
fn somewhere_in(
    zone: &TimeZone,
    midnight: jiff::civil::DateTime,
    (hours, draw): (&[i8], f64),
) -> Option<Timestamp> {
    let [from, until] = hours else { return None };
    let minutes = f64::from(until - from) * 60.0 * 0.75 * draw;
    let wall = midnight.checked_add((i64::from(*from) * 60 + minutes as i64).minutes()).ok()?;
    zone.to_timestamp(wall).ok()
}

/// Which part of the day a time is in; none before the first and after the last.
fn part_of(time: Time) -> Option<usize> {
    PARTS.windows(2).position(|hours| (hours[0]..hours[1]).contains(&time.hour()))
}

fn carriers_pause(what: Happened<'_>) -> SignedDuration {
    what.retry_after.and_then(|pause| SignedDuration::try_from(pause).ok()).unwrap_or_default()
}

fn stretched(time: Duration, by: f64) -> SignedDuration {
    SignedDuration::try_from(time.mul_f64(by.max(0.0))).unwrap_or(SignedDuration::MAX)
}

fn keep_last<T>(list: &mut Vec<T>, most: usize) {
    let over = list.len().saturating_sub(most);
    list.drain(..over);
}

#[cfg(test)]
mod tests;
