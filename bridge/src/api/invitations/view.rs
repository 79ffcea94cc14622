//! How invitations are shown.

use actix_web::http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::invitations::{InvitationError, Made};
use crate::auth::role::Role;
use crate::error::ApiError;
use crate::store::invitations::Invitation;
use crate::store::{StoreError, Stored};

/// What a link is for.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To become a person of the tenant.
    Invitation,
    /// To set the password of one.
    PasswordReset,
}

/// Whether a link may be used.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkStatus {
    Open,
    Used,
    Revoked,
    Expired,
}

/// An invitation without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationView {
    pub id: String,
    pub purpose: Purpose,
    pub status: LinkStatus,
    pub email: String,
    pub role: Role,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// The user who made it.
    pub created_by: String,
    pub expires_at: String,
    pub used_at: Option<String>,
    pub revoked_at: Option<String>,
}

/// An invitation with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeInvitation {
    /// What the person sends to accept it. It is shown this once.
    pub token: String,
    #[serde(flatten)]
    pub invitation: InvitationView,
}

/// One page of invitations.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationPage {
    pub items: Vec<InvitationView>,
    pub next_cursor: Option<String>,
}

impl InvitationView {
    /// As it stands at that time.
    pub fn new(stored: Stored<Invitation>, now: Timestamp) -> Self {
        let link = stored.value;
        let status = match (link.used_at, link.revoked_at) {
            (Some(_), _) => LinkStatus::Used,
            (None, Some(_)) => LinkStatus::Revoked,
            (None, None) if link.expires_at.0 <= now => LinkStatus::Expired,
            (None, None) => LinkStatus::Open,
        };
        let purpose = if link.reset.is_some() { Purpose::PasswordReset } else { Purpose::Invitation };
        Self {
            id: stored.id,
            purpose,
            status,
            email: link.email,
            role: link.role,
            created_at: link.created_at.to_string(),
            created_by: link.created_by.to_string(),
            expires_at: link.expires_at.to_string(),
            used_at: link.used_at.map(|at| at.to_string()),
            revoked_at: link.revoked_at.map(|at| at.to_string()),
        }
    }
}

impl MadeInvitation {
    /// As it stands at that time.
    pub fn new(made: Made, now: Timestamp) -> Self {
        Self { token: made.token, invitation: InvitationView::new(made.invitation, now) }
    }
}

impl From<InvitationError> for ApiError {
    fn from(error: InvitationError) -> Self {
        match error {
            InvitationError::Over => Self::new(
                StatusCode::NOT_FOUND,
                "unknown_invitation",
                "the link is unknown, used, revoked or expired; ask for another one",
            ),
            InvitationError::Closed => {
                Self::conflict("invitation_closed", "it was used or revoked; make another one")
            }
            InvitationError::NotAnInvitation => Self::conflict(
                "not_an_invitation",
                "a link to set a password is not sent again; make another one",
            ),
            InvitationError::Rank(error) => error.into(),
            InvitationError::Person(error) => error.into(),
            InvitationError::Tenant(error) => error.into(),
            InvitationError::Store(StoreError::NotFound) => Self::not_found("invitation"),
            InvitationError::Store(error) => error.into(),
        }
    }
}
