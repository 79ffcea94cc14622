//! `PUT /api/v1/settings/holidays`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::clock::Clock;

use super::view::DocumentView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageSettings;
use crate::campaign::calendar::{Holiday, MAX_HOLIDAYS, read_list};
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::settings::{Owner, Settings};
use crate::store::{Stamp, Stores};

/// Most faults that are told at once.
const MAX_TOLD: usize = 100;

/// All holidays of a tenant: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHolidays {
    /// 2,000 at most; empty: none.
    #[serde(default)]
    items: Option<Vec<Holiday>>,
    /// A list with a line for each: a date, and behind it in any order countries, time zones and a name, with commas, semicolons or tabs
    /// between them.
    #[serde(default)]
    #[schema(example = "12-25;DE;Christmas Day\n2026-04-06;DE;FR;Easter Monday")]
    text: Option<String>,
}

/// Set the holidays, in the place of all that were set before; from the next claim on, for campaigns that run too.
#[instrument(name = "settings.holidays", skip_all)]
pub async fn holidays(
    who: Allowed<ManageSettings>,
    stores: Data<Stores>,
    clock: Data<Clock>,
    body: Checked<NewHolidays>,
) -> ApiResult<Json<DocumentView>> {
    let items = read(body.0).map_err(ApiError::invalid)?;
    let owner = Owner::Tenant(who.tenant().clone());
    let change = |settings: &mut Settings| settings.holidays.clone_from(&items);
    let changed = stores.settings().change(&owner, Stamp(clock.now()), change).await?;
    Ok(Json((&changed).into()))
}

/// The days, or what is wrong with them.
fn read(sent: NewHolidays) -> Result<Vec<Holiday>, Vec<FieldError>> {
    let (items, path) = match (sent.items, sent.text) {
        (Some(items), None) => {
            let faults = items.iter().enumerate().flat_map(|(at, item)| item.faults(&format!("items.{at}")));
            let faults: Vec<FieldError> = faults.take(MAX_TOLD).collect();
            if !faults.is_empty() {
                return Err(faults);
            }
            (items, "items")
        }
        (None, Some(text)) => match read_list(&text) {
            Ok(items) => (items, "text"),
            Err(lines) => {
                let fault = |line: crate::campaign::calendar::LineFault| {
                    FieldError::new("text", format!("line {}: {}", line.line, line.told))
                };
                return Err(lines.into_iter().map(fault).collect());
            }
        },
        _ => return Err(vec![FieldError::new("items", "give `items` or `text`, one of the two")]),
    };
    if items.len() > MAX_HOLIDAYS {
        return Err(vec![FieldError::new(path, format!("at most {MAX_HOLIDAYS}"))]);
    }
    Ok(items)
}
