//! Why somebody is not called now, and when next. Pure: the same answer for one contact that is asked about and for all of a list before it
//! begins.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::calendar::Rules;
use super::number::{self, Barred, Limits};
use super::places;
use super::windows::{Callee, Opening, Shut, first_open, look};
use crate::store::Stamp;
use crate::store::contacts::{Contact, ContactNumber, ContactStatus};
use crate::store::numbers::CalledNumber;

/// Where a contact stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Standing {
    /// A word, see `docs/campaigns.md`.
    pub reason: &'static str,
    /// The same for people.
    pub detail: String,
    /// When it may be called next; null where it is not known, or never.
    #[schema(value_type = Option<String>)]
    pub next_at: Option<Timestamp>,
}

impl Standing {
    fn new(reason: &'static str, detail: impl Into<String>, next_at: Option<Timestamp>) -> Self {
        Self { reason, detail: detail.into(), next_at }
    }

    /// Whether a call would be begun if there was a line for it.
    pub fn is_due(&self) -> bool {
        self.reason == DUE
    }

    /// Whether it is only a matter of time.
    pub fn comes_later(&self) -> bool {
        !self.is_due() && self.next_at.is_some()
    }
}

/// A call may begin now.
pub const DUE: &str = "due";

/// What is known beside the contact.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub rules: Rules<'a>,
    pub now: Timestamp,
    /// The number that is rung next is on the do-not-call list.
    pub is_barred: bool,
    /// What happened to that number before.
    pub number: Option<&'a CalledNumber>,
}

/// The number that is rung next, if any is left.
pub fn next_number(contact: &Contact) -> Option<&ContactNumber> {
    contact.numbers.get(next_place(contact)?)
}

/// Its place among the contact's numbers.
pub fn next_place(contact: &Contact) -> Option<usize> {
    (contact.number_at..contact.numbers.len()).find(|place| contact.numbers[*place].stopped.is_none())
}

/// It is not the time to call there.
fn shut(why: Shut, next_at: Option<Timestamp>) -> Standing {
    let detail = match why {
        Shut::Hours => "it is not the hour to call there",
        Shut::QuietHours => "it is in the tenant's quiet hours there",
        Shut::Holiday => "nobody is called there on this day: a holiday, or a closed day of the campaign",
    };
    Standing::new(why.as_str(), detail, next_at)
}

/// Where a contact stands in a campaign that runs.
pub fn standing(contact: &Contact, facts: Facts<'_>) -> Standing {
    let told = |known: &Option<String>, or: &str| known.clone().unwrap_or_else(|| or.to_owned());
    match contact.status {
        ContactStatus::Claimed | ContactStatus::Dialing => {
            return Standing::new("being_called", "a call is under way", None);
        }
        ContactStatus::Recovering => {
            return Standing::new(
                "recovering",
                "its dialler is gone; whether the telephone rang is being found out",
                None,
            );
        }
        ContactStatus::Done => return Standing::new("done", told(&contact.reason, "reached"), None),
        ContactStatus::Blocked => {
            return Standing::new("blocked", told(&contact.reason, "it may not be called"), None);
        }
        ContactStatus::Review => {
            return Standing::new("review", told(&contact.reason, "a person has to look at it"), None);
        }
        ContactStatus::Ready => {}
    }
    let Some(next) = next_number(contact) else {
        return Standing::new("no_number", "none of its numbers is of use", None);
    };
    let callee = Callee { number: &next.number, region: &next.region, zones: &contact.zones };
    let (settings, times) = (facts.rules.settings, facts.rules.times());
    let from = |at: Timestamp| first_open(times, callee, at.max(facts.now));
    let expires = contact.expires_at.map(|at| at.0);
    let within = |at: Option<Timestamp>| at.filter(|at| expires.is_none_or(|expires| *at < expires));
    if expires.is_some_and(|at| at <= facts.now) {
        return Standing::new("expired", "it was not to be called after its `expires_at`", None);
    }
    if facts.is_barred {
        return Standing::new("do_not_call", "the number is on the tenant's do-not-call list", None);
    }
    if settings.requires_consent() {
        match &contact.consent {
            None => {
                return Standing::new(
                    "no_consent",
                    "the campaign needs a consent, and the list has none",
                    None,
                );
            }
            Some(consent) if consent.expires_at.is_some_and(|at| at.0 <= facts.now) => {
                return Standing::new("no_consent", "its consent is over", None);
            }
            Some(_) => {}
        }
    }
    if contact.counted >= settings.caps.contact_attempts {
        return Standing::new("cap", "it had all of its attempts", None);
    }
    let opening = look(times, callee, facts.now);
    match opening {
        Opening::ZoneUnknown => {
            let detail = "its time zone is not known: give the list a column with it";
            return Standing::new("zone_unknown", detail, None);
        }
        Opening::NeedsApproval => {
            let detail = "the rules of its country are not known: have them looked at, and set `hours.unknown_countries`";
            return Standing::new("country_unknown", detail, None);
        }
        Opening::Never => {
            return Standing::new(
                "never_open",
                "its place and the hours of the campaign and the tenant have no time in common in two weeks",
                None,
            );
        }
        Opening::Open { .. } | Opening::Closed { .. } => {}
    }
    if let Some(card) = contact.card.as_ref().filter(|card| card.until.0 > facts.now) {
        let detail = if card.let_through { "somebody let its call through" } else { "somebody looks at it" };
        return Standing::new("card", detail, within(from(card.until.0)));
    }
    if contact.next_at.0 > facts.now {
        if let Opening::Closed { why, .. } = opening
            && contact
                .reason
                .as_deref()
                .is_some_and(|told| Shut::ALL.iter().any(|shut| shut.as_str() == told))
        {
            // It was put off for the clock, and for nothing else.
            return shut(why, within(from(contact.next_at.0)));
        }
        let why = match contact.results.last() {
            Some(result) => format!("the last attempt was {}", result.as_str()),
            None => told(&contact.reason, "its time has not come"),
        };
        return Standing::new("waits", why, within(from(contact.next_at.0)));
    }
    if let Opening::Closed { next, why } = opening {
        return shut(why, within(Some(next)));
    }
    let today = jiff::tz::TimeZone::UTC.to_datetime(facts.now).date();
    let place = places::of(&next.number, &next.region, today);
    let limits = Limits::of(&settings.caps, place.number_day);
    let barred = facts.number.and_then(|number| number::look(number, limits, Stamp(facts.now)).err());
    match barred {
        None if settings.previews() => {
            Standing::new(DUE, "it is called when somebody lets it through", Some(facts.now))
        }
        None => Standing::new(DUE, "it is called when a line is free", Some(facts.now)),
        Some(barred) => {
            let until = barred.until(Stamp(facts.now)).and_then(|until| from(until.0));
            let (reason, detail) = match barred {
                Barred::Held(_) => ("number_busy", "another attempt has the number"),
                Barred::Cap { .. } => ("cap", "the number was rung as often as it may be"),
                Barred::Declined { .. } => {
                    ("declined", "whoever has the number declined a call of the tenant's")
                }
                Barred::Stopped(_) => ("number_stopped", "the number proved to be of no use"),
            };
            Standing::new(reason, detail, within(until))
        }
    }
}
