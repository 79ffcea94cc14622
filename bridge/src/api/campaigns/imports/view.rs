//! How imports are shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::contacts::view::ContactNumberView;
use crate::campaign::import::mapping::Mapping;
use crate::campaign::import::row::Counts;
use crate::campaign::import::text::Encoding;
use crate::campaign::intake::{Looked, LookedRow};
use crate::fields::FieldError;
use crate::store::campaign_imports::{Import, ImportState};
use crate::store::{Listed, Stored};

/// A file of contacts on its way into a campaign.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportView {
    pub id: String,
    pub name: String,
    pub state: ImportState,
    /// Why it failed; the rows until then are in.
    pub error: Option<String>,
    /// Of the rows that were read so far. They add up: `rows` is the sum of all others.
    pub counts: Counts,
    pub size_bytes: u64,
    /// Lower-case hex.
    pub sha256: String,
    pub encoding: Encoding,
    pub separator: String,
    pub header: Vec<String>,
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub mapping: Mapping,
    pub created_by: String,
    /// RFC 3339, UTC.
    pub created_at: String,
    pub updated_at: String,
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportPage {
    pub items: Vec<ImportView>,
    pub next_cursor: Option<String>,
}

/// What a file is, and what would become of its first rows.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportPreview {
    pub encoding: Encoding,
    pub separator: String,
    pub header: Vec<String>,
    /// The same for files with the same headers.
    pub fingerprint: String,
    /// Roles by headers: `phone`, `region`, `time_zone`, `language`, `prompt`, `expires_at`, `priority`, `key`, `consent_source`,
    /// `consent_at`, `consent_until`, `variable:NAME` or `ignore`.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub mapping: Mapping,
    /// The mapping is that of an earlier file with the same header.
    pub remembered: bool,
    /// What is wrong with header or mapping: with it the file is not taken.
    pub faults: Vec<FieldError>,
    /// The first 20.
    pub rows: Vec<PreviewRow>,
}

/// A row, and what would become of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewRow {
    pub line: u64,
    pub cells: Vec<String>,
    /// Its numbers, where it would be taken.
    pub numbers: Option<Vec<ContactNumberView>>,
    /// Why it would not.
    pub error: Option<PreviewFault>,
}

/// What is wrong with a row.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewFault {
    pub code: &'static str,
    pub detail: String,
    pub field: &'static str,
}

impl From<Stored<Import>> for ImportView {
    fn from(stored: Stored<Import>) -> Self {
        let import = stored.value;
        Self {
            id: stored.id,
            name: import.name,
            state: import.state,
            error: import.error,
            counts: import.counts,
            size_bytes: import.size_bytes,
            sha256: import.sha256,
            encoding: import.encoding,
            separator: shown(import.separator),
            header: import.header,
            mapping: import.mapping,
            created_by: import.created_by,
            created_at: import.created_at.to_string(),
            updated_at: import.updated_at.to_string(),
        }
    }
}

impl From<Listed<Import>> for ImportPage {
    fn from(listed: Listed<Import>) -> Self {
        let items = listed.items.into_iter().map(Into::into).collect();
        Self { items, next_cursor: listed.next_cursor }
    }
}

impl From<Looked> for ImportPreview {
    fn from(looked: Looked) -> Self {
        Self {
            encoding: looked.encoding,
            separator: shown(looked.separator),
            header: looked.header,
            fingerprint: looked.fingerprint,
            mapping: looked.mapping,
            remembered: looked.is_remembered,
            faults: looked.faults,
            rows: looked.rows.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<LookedRow> for PreviewRow {
    fn from(LookedRow { line, cells, made }: LookedRow) -> Self {
        match made {
            Ok((_, contact)) => {
                let number = |number: crate::store::contacts::ContactNumber| ContactNumberView {
                    number: number.number.to_string(),
                    region: number.region,
                    kind: number.kind,
                    stopped: number.stopped,
                };
                let numbers = contact.numbers.into_iter().map(number).collect();
                Self { line, cells, numbers: Some(numbers), error: None }
            }
            Err(fault) => {
                let error = PreviewFault { code: fault.code, detail: fault.detail, field: fault.field };
                Self { line, cells, numbers: None, error: Some(error) }
            }
        }
    }
}

fn shown(separator: char) -> String {
    if separator == '\t' { "tab".to_owned() } else { separator.to_string() }
}
