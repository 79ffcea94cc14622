//! A call that began on a web page: where that was, what the visitor agreed to, and what they thought of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use vox_shared::ids::SessionId;

use super::{AllCalls, DELETED_AT, VISIT};
use crate::store::Stamp;
use crate::store::documents::StoreError;
use crate::store::engine::{Filter, Json, Query, Update, holds};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Of the page.
    pub origin: String,
    /// The page says that its visitor agreed to its terms; absent when it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Feedback>,
}

/// That a visitor agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Which terms, as the page names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When the bridge was told.
    pub told_at: Stamp,
}

/// What a visitor thought of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    pub rating: Rating,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    pub given_at: Stamp,
}

/// A thumb up, or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rating {
    Good,
    Bad,
}

holds! { Json: Visit => |visit| serde_json::to_value(visit).unwrap_or(Value::Null); }

impl AllCalls {
    /// Keep what the visitor of a call thought of it; of two words the later one stays. [`StoreError::NotFound`] of a call that is no
    /// visitor's, or deleted.
    pub async fn set_visit(&self, id: &SessionId, visit: &Visit) -> Result<(), StoreError> {
        let there = Query::by_id(&super::CALLS, id.as_str()).filter(Filter::absent(DELETED_AT));
        let set = self.0.update(there, Update::default().set(VISIT, visit)).await?;
        set.map(drop).ok_or(StoreError::NotFound)
    }
}
