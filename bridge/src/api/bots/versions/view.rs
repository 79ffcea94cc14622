//! How versions are shown.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::bot::keys;
use crate::bot::versions::VersionPage;
use crate::store::bot_versions::Version;

/// A version in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionSummary {
    /// 1 for the first, without gaps.
    pub number: u32,
    /// RFC 3339, UTC.
    pub published_at: Option<String>,
    /// The id of the person or the key; null for a bot from before there were versions.
    pub author: Option<String>,
    pub note: String,
}

/// A version, its secrets masked.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionView {
    #[serde(flatten)]
    pub summary: VersionSummary,
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
}

/// One page of versions.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionList {
    pub items: Vec<VersionSummary>,
    pub next_cursor: Option<String>,
}

impl From<&Version> for VersionSummary {
    fn from(version: &Version) -> Self {
        let release = version.release.clone();
        Self {
            number: release.number,
            published_at: release.published_at.map(|at| at.to_string()),
            author: release.author,
            note: release.note,
        }
    }
}

impl From<Version> for VersionView {
    fn from(version: Version) -> Self {
        Self { summary: (&version).into(), settings: keys::masked(&version.settings) }
    }
}

impl From<VersionPage> for VersionList {
    fn from(page: VersionPage) -> Self {
        Self {
            items: page.items.iter().map(VersionSummary::from).collect(),
            next_cursor: page.next.map(|number| number.to_string()),
        }
    }
}
