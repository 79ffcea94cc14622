//! How sums are shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::analytics::answer::{Answer, GroupBy};
use crate::analytics::sums::{Money, Sums};

/// Sums over calls.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnalyticsView {
    /// RFC 3339, UTC: when the first hour begins.
    pub from: String,
    /// When the last one ends.
    pub to: String,
    /// IANA name of the zone whose days these are.
    pub time_zone: String,
    pub group_by: Option<GroupBy>,
    pub total: Sums,
    /// In the order of their keys; empty without `group_by`.
    pub groups: Vec<AnalyticsGroup>,
}

/// A group with what is the same in all of its calls.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnalyticsGroup {
    /// The begin of the hour (RFC 3339, UTC), the day, the bot's id, the vendor, the campaign, `disconnected_by` or the disposition; empty for calls
    /// without one, `other` for all that are not told apart any more.
    pub key: String,
    /// `stt`, `llm` or `tts`, of a vendor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<&'static str>,
    #[serde(flatten)]
    pub sums: Sums,
}

/// What an answer is shown with.
pub struct Frame {
    pub from: String,
    pub to: String,
    pub time_zone: String,
    pub group_by: Option<GroupBy>,
    pub shows_money: Money,
}

impl Frame {
    pub fn show(self, answer: &Answer) -> AnalyticsView {
        let groups = answer.groups.iter().map(|((service, key), group)| AnalyticsGroup {
            key: key.clone(),
            service: (!service.is_empty()).then_some(*service),
            sums: Sums::of(group, service, self.shows_money),
        });
        let groups = if self.group_by.is_some() { groups.collect() } else { Vec::new() };
        AnalyticsView {
            total: Sums::of(&answer.total, "", self.shows_money),
            groups,
            from: self.from,
            to: self.to,
            time_zone: self.time_zone,
            group_by: self.group_by,
        }
    }
}
