//! How it is shown that a call began on a web page.

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::calls::visit::{Rating, Visit};

/// The page that a call began on, and what its visitor thought of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct VisitView {
    /// Of the page.
    pub origin: String,
    /// When the page said that its visitor agreed to its terms, RFC 3339, UTC; null when it did not.
    pub terms_accepted_at: Option<String>,
    /// Which terms, as the page calls them.
    pub terms_version: Option<String>,
    /// Null until the visitor says.
    pub rating: Option<Rating>,
    pub comment: Option<String>,
    /// RFC 3339, UTC.
    pub rated_at: Option<String>,
}

impl From<Visit> for VisitView {
    fn from(visit: Visit) -> Self {
        let (terms, feedback) = (visit.terms, visit.feedback);
        Self {
            origin: visit.origin,
            terms_accepted_at: terms.as_ref().map(|terms| terms.told_at.to_string()),
            terms_version: terms.and_then(|terms| terms.version),
            rating: feedback.as_ref().map(|feedback| feedback.rating),
            rated_at: feedback.as_ref().map(|feedback| feedback.given_at.to_string()),
            comment: feedback.and_then(|feedback| feedback.comment),
        }
    }
}
