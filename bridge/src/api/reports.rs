//! Reports of days.

pub mod list;
pub mod read;

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::analytics::sums::Sums;
use crate::error::ApiError;
use crate::store::reports::Report;
use crate::store::{Reach, Stored};

/// The sums of a day as they were when it was over.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportView {
    /// `2026-11-20`.
    pub day: String,
    /// IANA name of the zone whose day it is.
    pub time_zone: String,
    /// RFC 3339, UTC.
    pub made_at: String,
    pub total: Sums,
    /// By the bot's id.
    pub bots: BTreeMap<String, Sums>,
    /// By service and vendor, `stt/deepgram`.
    pub vendors: BTreeMap<String, Sums>,
}

impl From<Stored<Report>> for ReportView {
    fn from(stored: Stored<Report>) -> Self {
        let Report { day, time_zone, made_at, total, bots, vendors, .. } = stored.value;
        Self { day, time_zone, made_at: made_at.to_string(), total, bots, vendors }
    }
}

/// What is the whole tenant's is not for a key that is limited to bots.
pub fn whole(reach: &Reach) -> Result<(), ApiError> {
    if reach.bots().is_none() { Ok(()) } else { Err(ApiError::not_found("object")) }
}
