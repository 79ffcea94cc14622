//! Sums over all those calls.

use jiff::SignedDuration;
use vox_shared::clock::Clock;

use crate::bridge::Bridge;
use crate::lists::{Question, timed};
use crate::report::Row;
use crate::seed::DAYS;

pub async fn asked(bridge: &Bridge) -> anyhow::Result<Vec<Row>> {
    let since = |days: i64| -> anyhow::Result<String> {
        Ok(format!("{:.0}", Clock::system().now().saturating_sub(SignedDuration::from_hours(24 * days))?))
    };
    let (all, month) = (since(DAYS)?, since(31)?);
    let of_all = move |rest: &'static str| -> Question {
        let all = all.clone();
        Box::new(move |_| format!("from={all}&{rest}"))
    };
    let kinds: Vec<(&str, Question)> = vec![
        ("sums: half a year by days", of_all("group_by=day")),
        ("sums: half a year by bots", of_all("group_by=bot")),
        ("sums: half a year by vendors", of_all("group_by=vendor")),
        ("sums: half a year by outcomes, of a bot", of_all("group_by=outcome&bot_id=bot-7")),
        ("sums: half a year by days, of a bot and a status", of_all("group_by=day&bot_id=bot-7&status=busy")),
        ("sums: a month by hours", Box::new(move |_| format!("from={month}&group_by=hour"))),
    ];
    timed(bridge, "/api/v1/analytics/calls", kinds).await
}
