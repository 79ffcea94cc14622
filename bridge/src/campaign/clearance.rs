//! Whether a contact may be rung now, and what becomes of one that may not: expiry, caps, consent, do-not-call, clock, and what happened to
//! the number before. Pure: a claim looks up what is known of the number (`calls/scrub.rs`), a rehearsal knows it.

use jiff::SignedDuration;
use serde_json::{Value, json};
use vox_shared::wire::dialler::claim::Reason;

use super::calendar::Rules;
use super::number::{self, Barred, Limits};
use super::retry::{at_first_open, callee};
use super::settings::Settings;
use super::windows::{Callee, Opening, look};
use super::{places, zones};
use crate::store::Stamp;
use crate::store::contacts::{Class, Contact, ContactNumber, ContactStatus};
use crate::store::numbers::CalledNumber;

/// When a contact is looked at again of whose number nothing else is known.
const LATER: SignedDuration = SignedDuration::from_mins(15);

/// A number that may be rung.
#[derive(Clone, Debug)]
pub struct Cleared {
    pub number: ContactNumber,
    /// It may not be rung from then on.
    pub closes_at: Stamp,
    pub limits: Limits,
    /// A message may be left on its voicemail.
    pub takes_message: bool,
    /// By which rules.
    pub proof: Value,
}

/// What keeps it from being rung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    Until(Stamp, Reason),
    /// For good; as what it ends, and why.
    Ended(ContactStatus, &'static str, Reason),
}

/// What is known of a number beside its contact.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// It is on the tenant's do-not-call list.
    pub is_listed: bool,
    /// What happened to it before, without a lock that nobody holds any more.
    pub before: Option<&'a CalledNumber>,
}

/// What is left of a contact of which no number is of use.
pub const NO_NUMBER: Kept = Kept::Ended(ContactStatus::Done, "no_number", Reason::Blocked);

/// What keeps a contact from being rung whatever its number is.
pub fn kept_by_itself(settings: &Settings, contact: &Contact, now: Stamp) -> Option<Kept> {
    let ended = |status, why, reason| Some(Kept::Ended(status, why, reason));
    if contact.expires_at.is_some_and(|at| at <= now) {
        return ended(ContactStatus::Done, "expired", Reason::Expired);
    }
    if contact.counted >= settings.caps.contact_attempts {
        return ended(ContactStatus::Done, "cap", Reason::Cap);
    }
    let consent = contact.consent.as_ref();
    let consents = consent.is_some_and(|consent| consent.expires_at.is_none_or(|at| at > now));
    if settings.requires_consent() && !consents {
        return ended(ContactStatus::Blocked, "no_consent", Reason::NoConsent);
    }
    None
}

/// The number that is to be rung, and those of no use before it passed over.
pub fn next_of_use(contact: &mut Contact) -> Option<ContactNumber> {
    let found = contact.numbers.iter().enumerate().skip(contact.number_at).find(|(_, n)| n.stopped.is_none());
    let (at, number) = found.map(|(at, number)| (at, number.clone()))?;
    contact.number_at = at;
    Some(number)
}

/// Whether that number may be rung. `None`: it is of no use, which the contact remembers, and the next one is to be looked at.
pub fn weigh(
    rules: Rules<'_>,
    contact: &mut Contact,
    number: ContactNumber,
    known: Known<'_>,
    now: Stamp,
) -> Option<Result<Cleared, Kept>> {
    if known.is_listed {
        return Some(Err(Kept::Ended(ContactStatus::Blocked, "do_not_call", Reason::DoNotCall)));
    }
    let lawful = match by_the_clock(rules, contact, now) {
        Ok(lawful) => lawful,
        Err(kept) => return Some(Err(kept)),
    };
    let mut limits = Limits::of(&rules.settings.caps, lawful.number_day);
    if contact.class == Class::Callback {
        // They asked to be called then.
        limits.gap = SignedDuration::ZERO;
    }
    match known.before.map_or(Ok(()), |before| number::look(before, limits, now)) {
        Ok(()) => {}
        Err(Barred::Stopped(why)) => {
            contact.numbers[contact.number_at].stopped = Some(why);
            return None;
        }
        Err(barred) => return Some(Err(kept_by(&barred, now))),
    }
    let consent = contact.consent.as_ref();
    let proof = json!({
        "rules": lawful.rules, "local": lawful.local, "closes_at": lawful.closes_at,
        "consent": consent.map(|consent| &consent.source),
        "consent_given_at": consent.and_then(|consent| consent.given_at),
        "consent_until": consent.and_then(|consent| consent.expires_at),
        "let_through_by": contact.card.as_ref().map(|card| &card.by),
        "number_day": limits.per_day, "looked_at": now,
    });
    let takes_message = known.before.is_none_or(|before| number::takes_message(before, limits, now));
    Some(Ok(Cleared { number, closes_at: lawful.closes_at, limits, takes_message, proof }))
}

/// Put a contact off, or end it; answers why it is not rung.
pub fn keep_back(contact: &mut Contact, rules: Rules<'_>, kept: Kept) -> Reason {
    match kept {
        Kept::Until(at, reason) => {
            let class = contact.class;
            at_first_open(contact, rules, (class, at));
            contact.reason.get_or_insert_with(|| reason.as_str().to_owned());
            reason
        }
        Kept::Ended(status, why, reason) => {
            contact.end(status, Some(why.to_owned()));
            reason
        }
    }
}

/// What a number that may not be rung means for its contact.
pub fn kept_by(barred: &Barred, now: Stamp) -> Kept {
    let reason = match barred {
        Barred::Held(_) => Reason::NumberBusy,
        Barred::Cap { .. } => Reason::Cap,
        Barred::Declined { .. } => Reason::Declined,
        Barred::Stopped(_) => Reason::Blocked,
    };
    Kept::Until(barred.until(now).unwrap_or(now + LATER), reason)
}

/// What the clocks and laws of a place allowed.
struct Lawful {
    rules: Vec<String>,
    local: Vec<String>,
    closes_at: Stamp,
    number_day: Option<u32>,
}

fn by_the_clock(rules: Rules<'_>, contact: &Contact, now: Stamp) -> Result<Lawful, Kept> {
    let blocked = |why, reason| Err(Kept::Ended(ContactStatus::Blocked, why, reason));
    let Some(callee) = callee(contact) else { return Err(NO_NUMBER) };
    let closes_at = match look(rules.times(), callee, now.0) {
        Opening::Open { until } => Stamp(until),
        Opening::Closed { next, .. } => return Err(Kept::Until(Stamp(next), Reason::OutsideWindow)),
        Opening::Never => return blocked("never_open", Reason::OutsideWindow),
        Opening::ZoneUnknown => return blocked("zone_unknown", Reason::ZoneUnknown),
        Opening::NeedsApproval => return blocked("country_unknown", Reason::OutsideWindow),
    };
    let Callee { number, region, zones } = callee;
    let Ok(zones) = zones::all(number, zones) else { return blocked("zone_unknown", Reason::ZoneUnknown) };
    let mut lawful = Lawful { rules: Vec::new(), local: Vec::new(), closes_at, number_day: None };
    for zone in zones {
        let local = zone.to_datetime(now.0);
        let place = places::of(number, region, local.date());
        let rule = format!("{} {}", place.id, place.version);
        if !lawful.rules.contains(&rule) {
            lawful.rules.push(rule);
        }
        lawful.local.push(format!("{local} {}", zone.iana_name().unwrap_or_default()));
        lawful.number_day = [lawful.number_day, place.number_day].into_iter().flatten().min();
    }
    Ok(lawful)
}
