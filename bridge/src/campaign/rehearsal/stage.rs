//! What is played: campaigns of one tenant with their lists, the numbers that they call from, the carrier and the people behind it, and
//! what goes wrong on the way.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use vox_dialler::pacing::dice::Dice;
use vox_dialler::pacing::laws::By;
use vox_shared::ids::{CampaignId, TenantId};
use vox_shared::phone::Number;

use super::super::calendar::Calendar;
use super::super::calls::Line;
use super::super::figures::Expectation;
use super::super::outcome::AttemptResult;
use super::super::settings::{OnVoicemail, Settings};
use crate::store::contacts::{Contact, ContactStatus};
use crate::store::numbers::CalledNumber;

/// Calls that fail at once: so many of a hundred, after so many seconds.
const FAILED: f64 = 0.10;
const FAILS_AFTER: f64 = 2.0;
/// When people and machines answer, seconds: medians and widths of log-normal laws, as the dialler begins with.
const HUMAN: (f64, f64) = (9.0, 0.55);
const MACHINE: (f64, f64) = (21.0, 0.18);
/// How long a machine is listened to, and how long with a message, seconds.
const LISTENS: f64 = 10.0;
const LEAVES: f64 = 35.0;

/// A campaign that runs from the first instant on.
#[derive(Clone, Debug)]
pub struct Played {
    pub id: CampaignId,
    pub settings: Settings,
    pub expectation: Expectation,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Stage {
    pub tenant: TenantId,
    pub calendar: Calendar,
    pub campaigns: Vec<Played>,
    /// Numbers to call from.
    pub lines: Vec<Line>,
    /// Calls at once: of the tenant, and of all workers.
    pub tenant_lines: u32,
    pub slots: u32,
    pub from: Timestamp,
    /// What is not over then is broken off.
    pub until: Timestamp,
    pub troubles: Troubles,
}

/// What goes wrong, or comes in between.
#[derive(Clone, Debug, Default)]
pub struct Troubles {
    /// Carriers that answer every call with a failure.
    pub outages: Vec<Outage>,
    /// When the dialler dies. What it had in flight is left to recovery.
    pub crashes: Vec<Timestamp>,
    /// Numbers that somebody puts on the do-not-call list.
    pub listings: Vec<(Timestamp, Number)>,
}

/// A trunk that carries no new call from one instant until another.
#[derive(Clone, Debug)]
pub struct Outage {
    pub trunk: String,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// Somebody on a list.
#[derive(Clone, Debug)]
pub struct Person {
    /// Of the stage's campaigns.
    pub campaign: usize,
    pub contact: Contact,
}

/// Who is called, and what is known of their numbers when it begins.
#[derive(Clone, Debug, Default)]
pub struct Cast {
    pub people: Vec<Person>,
    /// By E.164.
    pub called: HashMap<String, CalledNumber>,
    /// The do-not-call list, comparable.
    pub listed: HashSet<Number>,
}

/// A call that is dialled now.
#[derive(Clone, Copy, Debug)]
pub struct Dial<'a> {
    /// Of the cast's people.
    pub person: usize,
    pub campaign: usize,
    /// E.164.
    pub number: &'a str,
    pub at: Timestamp,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// It is answered, or ends, after so many seconds.
    pub rings: f64,
    /// Who answers; `None`: it ends as `result` then.
    pub by: Option<By>,
    /// How long the call is after the answer, seconds.
    pub talks: f64,
    /// What an answered call comes to, if there is a free slot.
    pub result: AttemptResult,
    /// Of [`AttemptResult::Callback`]: when they wish to be called.
    pub callback: Option<Timestamp>,
}

impl Answer {
    /// Nobody answers.
    pub fn nobody(rings: f64, result: AttemptResult) -> Self {
        Self { rings, by: None, talks: 0.0, result, callback: None }
    }

    pub fn by(who: By, (rings, talks): (f64, f64), result: AttemptResult) -> Self {
        Self { rings, by: Some(who), talks, result, callback: None }
    }
}

/// The carrier, and the people and machines behind it.
pub trait Telephones {
    fn ring(&mut self, dial: Dial<'_>) -> Answer;
}

/// What happens, for whoever keeps a journal. People are places in the cast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Told<'a> {
    /// It is known now that somebody is to be called from then on.
    Due { person: usize, from: Timestamp, at: Timestamp },
    /// The INVITE of a call.
    Dialled { call: u64, person: usize, att: u32, number: &'a str, caller: &'a str, at: Timestamp },
    /// It is over, and nothing of it rings.
    Ended { call: u64, at: Timestamp, result: AttemptResult },
    /// Nothing more comes of somebody.
    Closed { person: usize, at: Timestamp, status: ContactStatus, reason: &'a str },
    /// A number is on the do-not-call list from now on.
    Listed { number: &'a str, at: Timestamp },
    /// The dialler dies.
    Crashed { at: Timestamp },
}

/// The usual telephones: so many people and machines as a campaign expects, ten in a hundred that fail at once, and the rest rings out.
pub(super) struct Usual<'a> {
    stage: &'a Stage,
    dice: Dice,
}

impl<'a> Usual<'a> {
    pub fn new(stage: &'a Stage, seed: u64) -> Self {
        Self { stage, dice: Dice::new(!seed) }
    }
}

impl Telephones for Usual<'_> {
    fn ring(&mut self, dial: Dial<'_>) -> Answer {
        let played = &self.stage.campaigns[dial.campaign];
        let (of, settings) = (played.expectation, &played.settings);
        let thrown = self.dice.share();
        if thrown < of.human {
            let rings = self.dice.log_normal(HUMAN.0, HUMAN.1);
            let talks = self.dice.exponential(of.talk_secs);
            Answer::by(By::Human, (rings, talks), AttemptResult::Done)
        } else if thrown < of.human + of.machine {
            let rings = self.dice.log_normal(MACHINE.0, MACHINE.1);
            let (talks, result) = match settings.machines.on_voicemail {
                OnVoicemail::LeaveMessage => (LEAVES, AttemptResult::VoicemailLeft),
                OnVoicemail::HangUp => (LISTENS, AttemptResult::Voicemail),
            };
            Answer::by(By::Machine, (rings, talks), result)
        } else if thrown < of.human + of.machine + FAILED {
            Answer::nobody(FAILS_AFTER, AttemptResult::Busy)
        } else {
            Answer::nobody(f64::from(settings.ring_secs), AttemptResult::NoAnswer)
        }
    }
}
