//! The kinds of jobs, a line for each.

use std::sync::Arc;

use futures_util::FutureExt;
use jiff::SignedDuration;

use super::runner::{Failure, Kind};
use super::upkeep::Upkeep;
use crate::analysis::{Analyst, begin, job};
use crate::analytics::report;
use crate::billing::statement;
use crate::campaign::intake::{self, Intake};
use crate::crm::{Crm, push};
use crate::custody::retention;
use crate::delivery::endpoints::Webhooks;
use crate::delivery::replay;
use crate::sound::clear;
use crate::sound::desk::{CLEAR, SoundDesk};
use crate::store::Stored;
use crate::store::jobs::Job;
use crate::voice::desk::{self, VoiceDesk};
use crate::voice::jobs;

/// A job of the calendar that failed is shown for so long.
const FAILED_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The words of them all; those of jobs that are listed, and what is told of `kind` in the API.
pub const WORDS: [&str; 10] = [
    replay::KIND,
    push::KIND,
    begin::KIND,
    report::KIND,
    statement::KIND,
    retention::KIND,
    desk::MAKE,
    desk::REMOVE,
    intake::KIND,
    CLEAR,
];

/// Every kind that this build does: one for each of [`WORDS`].
pub fn kinds(
    webhooks: &Webhooks,
    crm: &Crm,
    (analyst, upkeep, intake): (&Analyst, &Upkeep, &Intake),
    (voices, sounds): (&VoiceDesk, &SoundDesk),
) -> [Kind; WORDS.len()] {
    [
        kind(replay::KIND, 10, webhooks.clone(), replay::carry_out),
        kind(push::KIND, push::MAX_TRIES, crm.clone(), push::carry_out),
        kind(begin::KIND, job::MAX_TRIES, analyst.clone(), job::carry_out),
        by_calendar(kind(report::KIND, 10, upkeep.clone(), report::carry_out)),
        by_calendar(kind(statement::KIND, 10, upkeep.clone(), statement::carry_out)),
        by_calendar(kind(retention::KIND, 10, upkeep.clone(), retention::carry_out)),
        kind(desk::MAKE, jobs::MAKE_TRIES, voices.clone(), jobs::make),
        kind(desk::REMOVE, jobs::REMOVE_TRIES, voices.clone(), jobs::remove),
        kind(intake::KIND, intake::MAX_TRIES + intake::MAX_TRIES_TO_END, intake.clone(), intake::carry_out),
        kind(CLEAR, clear::MAX_TRIES, sounds.clone(), clear::carry_out),
    ]
}

/// A word, how often it is tried, what it is done with, and what does it.
fn kind<P, F, D>(word: &'static str, max_tries: i64, with: P, done_by: D) -> Kind
where
    P: Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), Failure>> + Send + 'static,
    D: Fn(P, Stored<Job>) -> F + Send + Sync + 'static,
{
    Kind {
        word,
        max_tries,
        handler: Arc::new(move |job| done_by(with.clone(), job).boxed()),
        failed_kept: None,
    }
}

/// One that comes anew each day or month: where something stays broken, so many failed ones would be there after some years.
fn by_calendar(kind: Kind) -> Kind {
    Kind { failed_kept: Some(FAILED_KEPT), ..kind }
}
