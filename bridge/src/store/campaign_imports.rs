//! Files of contacts on their way into campaigns, and what became of their rows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{CampaignId, ImportId, TenantId};

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Index, Integer, MAX_PAGE, Order, Text, holds};
use super::stamp::Stamp;
use crate::campaign::import::mapping::Mapping;
use crate::campaign::import::row::Counts;
use crate::campaign::import::text::Encoding;
use crate::field;

const OF_CAMPAIGN: &str = "of_campaign";
const BY_FINGERPRINT: &str = "by_fingerprint";
const OF_IMPORT: &str = "of_import";

const CAMPAIGN_ID: Field<Text> = field!(Import => campaign_id: Text);
const CREATED_AT: Field<Text> = field!(Import => created_at: Text);
const FINGERPRINT: Field<Text> = field!(Import => fingerprint: Text);
const IMPORT_ID: Field<Text> = field!(RefusedRows => import_id: Text);
const FIRST_LINE: Field<Integer> = field!(RefusedRows => first_line: Integer);

holds! { Text: ImportId => |id| id.as_str().into(); }

pub static CAMPAIGN_IMPORTS: Collection = Collection {
    name: "campaign_imports",
    indexes: &[
        Index::ordered(OF_CAMPAIGN, &[TENANT.place(), CAMPAIGN_ID.place(), CREATED_AT.place()]),
        Index::ordered(BY_FINGERPRINT, &[TENANT.place(), FINGERPRINT.place(), CREATED_AT.place()]),
    ],
    fields: &[],
    steps: &[],
};

pub static REFUSED_ROWS: Collection = Collection {
    name: "campaign_refused_rows",
    indexes: &[Index::ordered(OF_IMPORT, &[TENANT.place(), IMPORT_ID.place(), FIRST_LINE.place()])],
    fields: &[],
    steps: &[],
};

/// Where an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// Its rows are being read, or will be.
    Reading,
    Done,
    /// `error` says why; the rows until then are in.
    Failed,
}

/// An import as it is stored. The file is an object until all of it was read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Import {
    pub tenant_id: TenantId,
    pub campaign_id: CampaignId,
    pub created_at: Stamp,
    pub updated_at: Stamp,
    pub created_by: String,
    /// The file's, as it was told.
    pub name: String,
    pub size_bytes: u64,
    /// Lower-case hex.
    pub sha256: String,
    pub encoding: Encoding,
    pub separator: char,
    pub header: Vec<String>,
    pub fingerprint: String,
    pub mapping: Mapping,
    pub state: ImportState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Of the rows that are in: whoever reads on after a death begins behind them.
    pub counts: Counts,
}

/// Some rows that were refused, of one chunk. The id is the import's with the chunk's first line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RefusedRows {
    pub tenant_id: TenantId,
    pub import_id: ImportId,
    pub first_line: i64,
    pub rows: Vec<RefusedRow>,
}

/// A row that was refused, as it stood there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RefusedRow {
    pub line: u64,
    pub code: String,
    pub detail: String,
    /// The header of the column that is wrong; empty for the row as a whole.
    #[serde(rename = "field")]
    pub column: String,
    pub cells: Vec<String>,
}

impl OfTenant for Import {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

impl OfTenant for RefusedRows {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The imports of one tenant.
pub struct Imports {
    imports: Scoped<Import>,
    refused: Scoped<RefusedRows>,
}

impl Imports {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self {
            imports: Scoped::new(Documents::new(engine.clone(), &CAMPAIGN_IMPORTS), tenant.clone()),
            refused: Scoped::new(Documents::new(engine, &REFUSED_ROWS), tenant),
        }
    }

    pub async fn find_import(&self, id: &ImportId) -> Result<Option<Stored<Import>>, StoreError> {
        self.imports.find(id.as_str()).await
    }

    /// One of a campaign's; of another campaign it does not exist.
    pub async fn get_import(
        &self,
        campaign: &CampaignId,
        id: &ImportId,
    ) -> Result<Stored<Import>, StoreError> {
        let found = self.imports.get(id.as_str()).await?;
        if found.value.campaign_id == *campaign { Ok(found) } else { Err(StoreError::NotFound) }
    }

    /// Of a campaign, newest first.
    pub async fn list_imports(
        &self,
        campaign: &CampaignId,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Import>, StoreError> {
        let query = self.imports.query(OF_CAMPAIGN).equals(CAMPAIGN_ID, campaign).order(Order::Descending);
        self.imports.list(query.limit(limit).after(after)).await
    }

    /// Whether rows of a file are still on their way into a campaign.
    pub async fn is_reading(&self, campaign: &CampaignId) -> Result<bool, StoreError> {
        let mut after = None;
        loop {
            let page = self.list_imports(campaign, MAX_PAGE, after).await?;
            if page.items.iter().any(|import| import.value.state == ImportState::Reading) {
                return Ok(true);
            }
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                return Ok(false);
            }
        }
    }

    /// What the last file with this header was said to be.
    pub async fn find_mapping(&self, fingerprint: &str) -> Result<Option<Mapping>, StoreError> {
        let query = self.imports.query(BY_FINGERPRINT).equals(FINGERPRINT, fingerprint);
        Ok(self.imports.first(query.order(Order::Descending)).await?.map(|import| import.value.mapping))
    }

    pub async fn insert_import(&self, id: &ImportId, import: &Import) -> Result<(), StoreError> {
        self.imports.insert(id.as_str(), import).await
    }

    pub async fn replace_import(&self, import: Stored<Import>) -> Result<Stored<Import>, StoreError> {
        self.imports.replace(import).await
    }

    /// Keep the rows of a chunk that were refused, instead of those that were kept when it was read before.
    pub async fn keep_refused(
        &self,
        (id, first_line): (&ImportId, u64),
        rows: Vec<RefusedRow>,
    ) -> Result<(), StoreError> {
        let key = format!("{id}:{first_line}");
        if rows.is_empty() {
            return self.refused.forget(&key).await;
        }
        let first_line = i64::try_from(first_line).unwrap_or(i64::MAX);
        let refused =
            RefusedRows { tenant_id: self.refused.tenant.clone(), import_id: id.clone(), first_line, rows };
        match self.refused.insert(&key, &refused).await {
            Err(StoreError::Duplicate) => {
                let known = self.refused.get(&key).await?;
                self.refused.replace(Stored { value: refused, ..known }).await.map(drop)
            }
            done => done,
        }
    }

    /// Rows of an import that were refused, in their order.
    pub async fn list_refused(
        &self,
        id: &ImportId,
        after: Option<Cursor>,
    ) -> Result<Listed<RefusedRows>, StoreError> {
        let query = self.refused.query(OF_IMPORT).equals(IMPORT_ID, id);
        // A page has up to 500 rows of some kB in each of its documents.
        self.refused.list(query.limit(4).after(after)).await
    }

    /// Some of the tenant's, whichever their campaigns.
    pub async fn list_some(&self, limit: usize) -> Result<Vec<Stored<Import>>, StoreError> {
        Ok(self.imports.list(self.imports.query(BY_FINGERPRINT).limit(limit)).await?.items)
    }

    /// Remove some of a campaign's, what was refused of them first; answers the ids of those that are gone: fewer than a page means
    /// that none is left.
    pub async fn remove_some(&self, campaign: &CampaignId) -> Result<Vec<String>, StoreError> {
        let page = self.list_imports(campaign, MAX_PAGE, None).await?;
        let mut gone = Vec::new();
        for import in page.items {
            self.remove_import(&import.id).await?;
            gone.push(import.id);
        }
        Ok(gone)
    }

    /// Remove one, with what was refused of it.
    pub async fn remove_import(&self, id: &str) -> Result<(), StoreError> {
        let refused = || self.refused.query(OF_IMPORT).equals(IMPORT_ID, id).limit(MAX_PAGE);
        while self.refused.delete_many(refused()).await? == MAX_PAGE {}
        self.imports.forget(id).await
    }
}
