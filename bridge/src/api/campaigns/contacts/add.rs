//! `POST /api/v1/campaigns/{campaign_id}/contacts`

use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::CampaignId;

use super::super::view::whole_tenant;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCampaigns;
use crate::campaign::import::csv::{self, Row};
use crate::campaign::import::mapping::{Mapping, header_faults};
use crate::campaign::import::row::{Counts, Draft, RowFault, draft};
use crate::campaign::intake::{Intake, MAX_ASKED, Refused};
use crate::campaign::phone;
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::fields::{FieldError, typed};

/// Contacts to be called: `rows` or `text`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContacts {
    /// 1 to 1,000.
    #[serde(default)]
    pub rows: Vec<Draft>,
    /// What was copied from a table: a number in each line, or columns with a header, as in a file. At most 1,000 lines.
    #[serde(default)]
    pub text: Option<String>,
    /// What the columns of `text` are, by header; guessed by default.
    #[serde(default)]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub mapping: Option<Mapping>,
}

/// What became of them. Each is in, or refused; to send the same again changes nothing.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddedContacts {
    pub counts: Counts,
    pub errors: Vec<RefusedContact>,
}

/// A row that was refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedContact {
    /// Its place, from 0; of `text` without the header.
    pub row: usize,
    /// A word, see `docs/campaigns.md`.
    pub code: &'static str,
    /// What to do.
    pub detail: String,
    pub field: &'static str,
}

impl From<Refused> for RefusedContact {
    fn from(Refused { row, fault }: Refused) -> Self {
        Self { row, code: fault.code, detail: fault.detail, field: fault.field }
    }
}

/// Add contacts to a campaign that has not ended. Known ones get what is said anew.
#[instrument(name = "campaigns.contacts.add", skip_all, fields(campaign.id = %id.0))]
pub async fn add(
    who: Allowed<EditCampaigns>,
    trail: Trail,
    id: InPath<CampaignId>,
    intake: Data<Intake>,
    body: Checked<Value>,
) -> ApiResult<Json<AddedContacts>> {
    trail.concerns(id.0.as_str());
    let campaign = intake.stores.campaigns(whole_tenant(&who)?).get_campaign(&id.0).await?;
    let asked: NewContacts = typed(body.0).map_err(|fault| ApiError::invalid(vec![fault]))?;
    let region = campaign.value.settings.region.as_deref();
    let drafts = match asked.text {
        Some(_) if !asked.rows.is_empty() => {
            let fault = FieldError::new("text", "send `rows` or `text`, not both");
            return Err(ApiError::invalid(vec![fault]));
        }
        Some(text) => pasted(&text, asked.mapping, region).map_err(ApiError::invalid)?,
        None => asked.rows.into_iter().map(Ok).collect(),
    };
    if !(1..=MAX_ASKED).contains(&drafts.len()) {
        let path = "rows";
        return Err(ApiError::invalid(vec![FieldError::new(path, format!("1 to {MAX_ASKED}"))]));
    }
    let (counts, refused) = Box::pin(intake.take(&campaign, drafts)).await?;
    Ok(Json(AddedContacts { counts, errors: refused.into_iter().map(Into::into).collect() }))
}

/// Rows of what was copied from a table.
fn pasted(
    text: &str,
    mapping: Option<Mapping>,
    region: Option<&str>,
) -> Result<Vec<Result<Draft, RowFault>>, Vec<FieldError>> {
    let mut rows = csv::rows(text, csv::separator(text));
    // Lines of numbers alone have no header.
    let has_number = |row: &Row| row.cells.iter().any(|cell| phone::read(cell, region).is_ok());
    let header: Vec<String> = match rows.first() {
        Some(first) if mapping.is_some() || !has_number(first) => rows.remove(0).cells,
        Some(_) => vec!["phone".into()],
        None => Vec::new(),
    };
    let header: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    let cells: Vec<Vec<String>> = rows.iter().map(|row| row.cells.clone()).collect();
    let mapping = mapping.unwrap_or_else(|| Mapping::guess(&header, &cells, region));
    let mut faults = header_faults(&header);
    if faults.is_empty() {
        faults = mapping.faults(&header, region);
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let roles = mapping.columns(&header);
    Ok(rows.iter().map(|row| draft(&roles, row)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_alone_need_no_header() {
        let phones = |text: &str| -> Vec<String> {
            let drafts = pasted(text, None, Some("IN")).unwrap();
            drafts.into_iter().flat_map(|draft| draft.unwrap().phones).collect()
        };
        assert_eq!(phones("9876543210\n9812345678\n"), ["9876543210", "9812345678"]);
        assert_eq!(phones("name\tmobile\nAsha\t9876543210"), ["9876543210"]);
        assert!(pasted("name\nAsha", None, Some("IN")).is_err());
    }
}
