//! A contact: where it stands, what comes first, and what may become of it. What is stored of it is changed as one document.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use vox_shared::ids::{AttemptId, CampaignId, ContactId, ImportId, TenantId};
use vox_shared::phone::Number;

use crate::campaign::outcome::AttemptResult;
use crate::campaign::phone::Kind;
use crate::store::Stamp;
use crate::store::documents::OfTenant;
use crate::store::engine::{Text, holds};

/// Most numbers of one contact.
pub const MAX_NUMBERS: usize = 5;
/// Reasons of blocked contacts that neither a new run nor a new list takes away.
const UNWILLING: [&str; 2] = ["opt_out", "do_not_call"];
/// The most urgent priority.
pub const MAX_PRIO: u32 = 999;

/// Where a contact stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContactStatus {
    /// It is rung when its time comes.
    Ready,
    /// A dialler prepares a call.
    Claimed,
    /// It rings, or talks.
    Dialing,
    /// Its dialler is gone; whether its telephone rang is being found out.
    Recovering,
    Done,
    /// It is not rung, for `reason`.
    Blocked,
    /// A person has to look at it.
    Review,
}

impl ContactStatus {
    pub const ALL: [Self; 7] = [
        Self::Ready,
        Self::Claimed,
        Self::Dialing,
        Self::Recovering,
        Self::Done,
        Self::Blocked,
        Self::Review,
    ];
    /// Those that a new run changes.
    pub(super) const REOPENED: [Self; 4] = [Self::Done, Self::Review, Self::Blocked, Self::Ready];
    /// Those after which something is still to come.
    pub const OPEN: [Self; 4] = [Self::Ready, Self::Claimed, Self::Dialing, Self::Recovering];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Claimed => "claimed",
            Self::Dialing => "dialing",
            Self::Recovering => "recovering",
            Self::Done => "done",
            Self::Blocked => "blocked",
            Self::Review => "review",
        }
    }

    /// Nothing comes after it by itself.
    pub fn is_terminal(self) -> bool {
        !Self::OPEN.contains(&self)
    }
}

/// What comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A call that was promised for this time.
    Callback,
    /// Tried before.
    Retry,
    Fresh,
}

impl Class {
    /// The number on the wire; 1 is for windows that close soon, which is no property of the contact.
    pub fn number(self) -> u32 {
        match self {
            Self::Callback => 0,
            Self::Retry => 2,
            Self::Fresh => 3,
        }
    }
}

holds! { Text:
    ContactStatus => |status| status.as_str().into();
    ContactId => |id| id.as_str().into();
    AttemptId => |id| id.as_str().into();
}

/// A number of a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactNumber {
    /// E.164.
    pub number: Number,
    /// The country, two letters.
    pub region: String,
    pub kind: Kind,
    /// Why it is not rung any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

/// A contact in the hands of a person who lets its call through, or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The user.
    pub by: String,
    /// Until then it is nobody else's. Of one that was let through: it is dialled until then, or goes back.
    pub until: Stamp,
    #[serde(default)]
    pub let_through: bool,
}

/// That somebody agreed to be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRecord {
    /// Where it comes from.
    pub source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_at: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Stamp>,
}

/// The import that wrote a contact last, and whether it added it: when its last chunk is stored again, because whoever stored it died
/// before it was told, the rows are counted as they were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    pub import: ImportId,
    pub added: bool,
}

/// Somebody whom a campaign rings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    pub tenant_id: TenantId,
    pub campaign_id: CampaignId,
    /// Of the campaign; never changed.
    pub partition: u32,
    pub status: ContactStatus,
    /// [`lane`]; present while it is ready, and only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<u32>,
    pub class: Class,
    /// 0 to [`MAX_PRIO`], the greater the sooner.
    pub prio: u32,
    /// It is not rung before.
    pub next_at: Stamp,
    /// Nor after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Stamp>,
    /// Attempts begun so far: the number of the last one.
    #[serde(default)]
    pub att: u32,
    /// Of them in this run of the campaign, those that count.
    #[serde(default)]
    pub counted: u32,
    /// The run of the campaign that `counted` and `results` belong to.
    #[serde(default)]
    pub run: u32,
    /// The attempt under way; present with `held_epoch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptId>,
    /// The epoch of whoever makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_epoch: Option<u32>,
    /// A claim that is not committed until then is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_ends_at: Option<Stamp>,
    /// The first is rung first; [`MAX_NUMBERS`] at most.
    pub numbers: Vec<ContactNumber>,
    /// Which of them is rung next.
    #[serde(default)]
    pub number_at: usize,
    /// Zones that the contact's own columns name, IANA.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
    /// What the bot is told.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub variables: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentRecord>,
    /// Of a campaign in which a person lets each call through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// How often it was skipped in this run.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skips: u32,
    /// Why it is blocked, or was put off last. One that is blocked for what the list or the campaign lacks (`no_consent`, `zone_unknown`,
    /// `country_unknown`, `never_open`) is looked at again when the list says something else, and in a new run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Results in this run, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<AttemptResult>,
    /// When it was rung, the newest last; 20 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rung_at: Vec<Stamp>,
    /// The number that it was shown last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_number: Option<String>,
    /// Of one that a request wrote last it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
    pub created_at: Stamp,
    pub updated_at: Stamp,
}

impl OfTenant for Contact {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The class of those that a person let through, and whose window closes soon for diallers: no contact is of it by itself.
const LET_THROUGH: u32 = 1;

/// Their lanes.
pub(super) fn let_through_lanes() -> Range<u32> {
    LET_THROUGH * (MAX_PRIO + 1)..(LET_THROUGH + 1) * (MAX_PRIO + 1)
}

/// The place of a contact among those that are ready: the smaller the sooner.
pub fn lane(class: Class, prio: u32) -> u32 {
    class.number() * (MAX_PRIO + 1) + (MAX_PRIO - prio.min(MAX_PRIO))
}

impl Contact {
    /// One that nobody has rung yet, ready from now on.
    pub fn new(
        (tenant_id, campaign_id, partition): (TenantId, CampaignId, u32),
        numbers: Vec<ContactNumber>,
        now: Stamp,
    ) -> Self {
        Self {
            tenant_id,
            campaign_id,
            partition,
            status: ContactStatus::Ready,
            lane: Some(lane(Class::Fresh, 0)),
            class: Class::Fresh,
            prio: 0,
            next_at: now,
            expires_at: None,
            att: 0,
            counted: 0,
            run: 0,
            attempt: None,
            held_epoch: None,
            claim_ends_at: None,
            numbers,
            number_at: 0,
            zones: Vec::new(),
            variables: Map::new(),
            language: None,
            prompt: None,
            consent: None,
            card: None,
            skips: 0,
            reason: None,
            results: Vec::new(),
            rung_at: Vec::new(),
            from_number: None,
            written: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Have it rung from then on, as what it is.
    pub fn ready(&mut self, class: Class, next_at: Stamp) {
        self.status = ContactStatus::Ready;
        self.class = class;
        self.lane = Some(lane(class, self.prio));
        self.next_at = next_at;
        self.let_go();
    }

    /// Nothing more comes of it by itself.
    pub fn end(&mut self, status: ContactStatus, reason: Option<String>) {
        self.status = status;
        self.lane = None;
        self.reason = reason;
        self.let_go();
    }

    /// Have somebody look at it: until then it is nobody else's.
    pub fn show(&mut self, by: &str, until: Stamp) {
        self.lane = Some(lane(self.class, self.prio));
        self.next_at = until;
        self.card = Some(Card { by: by.to_owned(), until, let_through: false });
    }

    /// Somebody lets its call through: it is due now, and dialled until then.
    pub fn let_through(&mut self, by: &str, (now, until): (Stamp, Stamp)) {
        self.lane = Some(let_through_lanes().start + (MAX_PRIO - self.prio.min(MAX_PRIO)));
        self.next_at = now;
        self.card = Some(Card { by: by.to_owned(), until, let_through: true });
    }

    /// Whether somebody let its call through a short time ago.
    pub fn is_let_through(&self, now: Stamp) -> bool {
        self.card.as_ref().is_some_and(|card| card.let_through && now < card.until)
    }

    /// Whether nothing happened to it that a new run forgets.
    pub(super) fn is_untried(&self) -> bool {
        self.skips == 0 && self.counted == 0 && self.results.is_empty() && self.number_at == 0
    }

    /// What happened before does not count any more.
    pub(super) fn begin_run(&mut self, run: u32, now: Stamp) {
        (self.run, self.counted, self.number_at, self.updated_at) = (run, 0, 0, now);
        self.results.clear();
        self.reason = None;
        self.skips = 0;
    }

    /// Whether it is blocked because somebody wishes not to be called: nothing but a person changes that.
    pub fn is_unwilling(&self) -> bool {
        let reason = self.reason.as_deref();
        self.status == ContactStatus::Blocked && reason.is_none_or(|why| UNWILLING.contains(&why))
    }

    fn let_go(&mut self) {
        (self.attempt, self.held_epoch, self.claim_ends_at, self.card) = (None, None, None, None);
    }

    /// It is this attempt's.
    pub fn hold(&mut self, status: ContactStatus, attempt: AttemptId, epoch: u32) {
        self.status = status;
        self.lane = None;
        self.card = None;
        (self.attempt, self.held_epoch) = (Some(attempt), Some(epoch));
    }

    /// Whether this attempt is the one under way.
    pub fn is_of(&self, attempt: &AttemptId) -> bool {
        self.attempt.as_ref() == Some(attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promised_calls_come_before_urgent_ones_and_those_before_the_rest() {
        assert!(lane(Class::Callback, 0) < lane(Class::Retry, MAX_PRIO));
        assert!(lane(Class::Retry, 0) < lane(Class::Fresh, MAX_PRIO));
        assert!(lane(Class::Fresh, 6) < lane(Class::Fresh, 5));
        assert_eq!(lane(Class::Fresh, MAX_PRIO + 1), lane(Class::Fresh, MAX_PRIO));
    }
}
