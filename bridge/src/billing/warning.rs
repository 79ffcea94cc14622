//! Tells a tenant that a limit of its plan is nearly or wholly used.

use serde_json::json;
use vox_shared::ids::TenantId;

use super::limits::{Limits, Resource};
use super::period::Period;
use crate::store::events::Event;
use crate::store::quotas::Quota;
use crate::store::{Stamp, StoreError, Stores};

/// The name of the event.
const WARNING: &str = "quota.warning";
/// Hundredths of a limit at which it is told.
const LEVELS: [i64; 2] = [80, 100];

/// Tell each level of each limit once in a period. Another limit is told anew. What was told stands in the quota, because events go
/// after a month; until that is noted the events' fixed ids keep them from being told twice.
pub async fn warn(
    stores: &Stores,
    (tenant, period): (&TenantId, Period),
    quota: &Quota,
    limits: &Limits,
    now: Stamp,
) -> Result<(), StoreError> {
    let (used, mut told, mut events) = (quota.used(), quota.told.clone(), Vec::new());
    for resource in Resource::ALL {
        let Some(limit) = limits.of(resource).filter(|limit| *limit > 0) else { continue };
        for level in LEVELS {
            let is_reached = i128::from(used.of(resource)) * 100 >= i128::from(limit) * i128::from(level);
            if !is_reached || told.has(resource, level, limit) {
                continue;
            }
            let data = json!({
                "tenant_id": tenant, "resource": resource, "level": level, "used": used.of(resource),
                "limit": limit, "period": period.to_string(), "resets_at": period.ends().to_string(),
            });
            let what = format!("{tenant}:{WARNING}.{period}.{}.{level}.{limit}", resource.as_str());
            events.push((Event::id_of(&what).to_string(), Event::of_tenant(tenant, WARNING, data, now)));
            told.add(resource, level, limit);
        }
    }
    if events.is_empty() {
        return Ok(());
    }
    stores.all_events().insert_events(events).await?;
    stores.quotas(tenant).note_told(period, &told).await
}
