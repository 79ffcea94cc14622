//! What campaigns of one tenant leave behind, and what was agreed before they began. It is all that [`super::judge`] knows, and none of it is
//! the platform's own: whoever runs campaigns, with whatever software, can write it down.

use jiff::Timestamp;
use jiff::civil::Weekday;

/// See the module. People, campaigns, callers and trunks are places in their lists.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    pub terms: Terms,
    pub dials: Vec<Dial>,
    pub dues: Vec<Due>,
    pub closed: Vec<Closed>,
    /// Numbers that are not called any more, E.164, and since when.
    pub listed: Vec<(String, Timestamp)>,
}

/// One INVITE.
#[derive(Clone, Debug, PartialEq)]
pub struct Dial {
    pub person: usize,
    /// Which attempt of the person's it is; each has another number, and later ones greater ones.
    pub att: u32,
    /// E.164.
    pub number: String,
    pub caller: usize,
    pub at: Timestamp,
    /// When nothing of it rang any more, and what it came to: a word of `docs/campaigns.md`.
    pub ended: Option<(Timestamp, String)>,
}

/// From `from` on somebody was to be called, which was known at `known_at`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Due {
    pub person: usize,
    pub from: Timestamp,
    pub known_at: Timestamp,
}

/// Nothing more came of somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    pub person: usize,
    pub at: Timestamp,
    pub status: String,
    pub reason: String,
}

/// What was agreed.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    pub campaigns: Vec<Campaign>,
    pub people: Vec<Person>,
    pub callers: Vec<Caller>,
    pub trunks: Vec<Trunk>,
    /// Calls of the tenant at once.
    pub tenant_lines: usize,
    pub holidays: Vec<Holiday>,
    pub quiet: Vec<Window>,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// What a campaign's operator set.
#[derive(Clone, Debug)]
pub struct Campaign {
    pub name: String,
    pub open: Vec<Window>,
    /// Local days on which it calls nobody.
    pub closed: Vec<(i16, i8, i8)>,
    pub max_lines: usize,
    /// The callers that it may show.
    pub pool: Vec<usize>,
    /// Calls of one caller in an hour and in a day.
    pub per_hour: usize,
    pub per_day: usize,
    /// Rings of one number in 24 hours, and minutes between two of them.
    pub number_day: usize,
    pub number_gap_min: i64,
    /// Attempts of one person that count.
    pub attempts: usize,
    pub needs_consent: bool,
    /// Of a hundred answered calls so many may be abandoned; 0: none.
    pub abandon_percent: f64,
}

/// From one minute of some days until another, local. Of quiet hours the end may be on the next day.
#[derive(Clone, Debug)]
pub struct Window {
    pub days: Vec<Weekday>,
    pub start: u32,
    pub end: u32,
}

/// Somebody on a list.
#[derive(Clone, Debug)]
pub struct Person {
    pub campaign: usize,
    /// E.164.
    pub numbers: Vec<String>,
    /// Zones that the list says, IANA.
    pub zones: Vec<String>,
    pub expires_at: Option<Timestamp>,
    pub consent: Option<Consent>,
}

/// They agreed to be called, until then.
#[derive(Clone, Copy, Debug)]
pub struct Consent {
    pub until: Option<Timestamp>,
}

/// A number to call from.
#[derive(Clone, Debug)]
pub struct Caller {
    /// E.164.
    pub number: String,
    pub trunk: usize,
    /// Since when it is the tenant's: in its first five days it is shown a fifth as often, two fifths, …
    pub since: Timestamp,
}

/// A way to the telephones.
#[derive(Clone, Debug)]
pub struct Trunk {
    pub lines: usize,
    pub per_second: usize,
    /// When it carried no call.
    pub outages: Vec<(Timestamp, Timestamp)>,
}

/// A day on which nobody of some countries, or of some zones, is called; without either nobody at all.
#[derive(Clone, Debug)]
pub struct Holiday {
    pub day: (i16, i8, i8),
    pub regions: Vec<String>,
    /// IANA.
    pub zones: Vec<String>,
}
