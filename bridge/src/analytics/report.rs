//! The report of a day, made when the day is over by the clocks of the tenant's time zone and its calls are counted
//! (`jobs/timetable.rs`).

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};
use vox_shared::ids::TenantId;

use super::answer::{Answer, GroupBy, Narrowing, answer};
use super::span::Time;
use super::sums::{Money, Sums};
use crate::jobs::runner::Failure;
use crate::jobs::upkeep::Upkeep;
use crate::store::events::Event;
use crate::store::jobs::Job;
use crate::store::reports::Report;
use crate::store::rollups::Grain;
use crate::store::{Reach, Stamp, StoreError, Stored};

/// The kind of job.
pub const KIND: &str = "daily_report";
/// The name of the event.
const READY: &str = "report.ready";

/// Make the report that a job asks for, unless it is there, and tell it.
pub async fn carry_out(with: Upkeep, job: Stored<Job>) -> Result<(), Failure> {
    let day = job.value.arguments.get("day").and_then(Value::as_str).and_then(|day| day.parse::<Date>().ok());
    let day = day.ok_or_else(|| Failure::ForGood("the job names no day".into()))?;
    let (tenant, now) = (job.value.tenant_id, Stamp(with.clock.now()));
    if !with.has_tenant(&tenant).await? {
        return Ok(());
    }
    let zone = with.stores.settings().time_zone(&tenant).await?;
    let begin = |day: Date| day.to_zoned_datetime(zone.clone()).map(|at| at.timestamp());
    let bounds = begin(day).and_then(|from| Ok((from, begin(day.tomorrow()?)?)));
    let (from, to): (Timestamp, Timestamp) =
        bounds.map_err(|error| Failure::ForGood(format!("the day is none: {error}")))?;
    let time = Time::around(from, to, zone.clone());
    let sums = async |by| {
        let all = Narrowing::default();
        answer(&with.stores, &Reach::whole(tenant.clone()), (&time, Grain::Day), (by, &all)).await
    };
    let (by_bot, by_vendor) = (sums(GroupBy::Bot).await?, sums(GroupBy::Vendor).await?);
    let report = Report {
        tenant_id: tenant.clone(),
        day: day.to_string(),
        time_zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        made_at: now,
        total: Sums::of(&by_bot.total, "", Money::Shown),
        bots: groups(&by_bot),
        vendors: groups(&by_vendor),
    };
    with.stores.reports(&tenant).keep(&report).await?;
    Ok(tell(&with, &tenant, &report, now).await?)
}

fn groups(of: &Answer) -> std::collections::BTreeMap<String, Sums> {
    let named = |service: &str, key: &str| match service {
        "" => key.to_owned(),
        service => format!("{service}/{key}"),
    };
    let shown = of
        .groups
        .iter()
        .map(|((service, key), group)| (named(service, key), Sums::of(group, service, Money::Shown)));
    shown.collect()
}

/// The event has a fixed id: a repeat tells nothing.
async fn tell(with: &Upkeep, tenant: &TenantId, report: &Report, now: Stamp) -> Result<(), StoreError> {
    let data = json!({
        "tenant_id": tenant, "day": report.day, "time_zone": report.time_zone, "calls": report.total.calls,
    });
    let event = Event::of_tenant(tenant, READY, data, now);
    let id = Event::id_of(&format!("{tenant}:{READY}.{}", report.day));
    with.stores.all_events().insert_events(vec![(id.to_string(), event)]).await
}
