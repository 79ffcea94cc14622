//! How cards are shown, and why one is not given.

use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::contacts::view::ContactView;
use crate::campaign::calls::{CardError, Next, Nothing};
use crate::campaign::why::{DUE, Standing};
use crate::error::ApiError;
use crate::store::Stored;
use crate::store::contacts::{Class, Contact, ContactStatus};

/// A card, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
pub struct NextCard {
    pub card: Option<CardView>,
    /// Null where there is a card.
    pub nothing: Option<NoCard>,
}

/// A contact that is to be called, if its person says so.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardView {
    /// With its variables, what came of its calls before, and in `why` why it is due.
    pub contact: ContactView,
    /// RFC 3339, UTC: until then it is nobody else's.
    pub until: Option<String>,
    /// How often it was skipped.
    pub skips: u32,
}

/// Why there is no card.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoCard {
    /// A word, see `docs/campaigns.md`.
    pub reason: String,
    pub detail: String,
    /// When there may be one; null where it is not known.
    pub next_at: Option<String>,
}

/// A contact whose call was let through.
#[derive(Debug, Serialize, ToSchema)]
pub struct AcceptedCard {
    pub contact_id: String,
    /// RFC 3339, UTC: it is dialled until then, or becomes a card anew.
    pub dialled_until: Option<String>,
}

/// A contact that was skipped.
#[derive(Debug, Serialize, ToSchema)]
pub struct SkippedCard {
    pub contact_id: String,
    /// How often it was skipped in this run of the campaign.
    pub skips: u32,
    /// `ready`: it comes again; `review`: it was skipped too often.
    pub status: ContactStatus,
}

fn until(contact: &Contact) -> Option<String> {
    contact.card.as_ref().map(|card| card.until.to_string())
}

/// Why its time has come.
fn due(contact: &Contact) -> Standing {
    let detail = match (contact.class, contact.results.last()) {
        (Class::Callback, _) => "it was promised a call for this time".to_owned(),
        (_, Some(last)) => format!("it is tried again: the last attempt was {}", last.as_str()),
        (_, None) => "nobody has called it yet".to_owned(),
    };
    Standing { reason: DUE, detail, next_at: None }
}

impl From<Stored<Contact>> for CardView {
    fn from(stored: Stored<Contact>) -> Self {
        let (until, skips, why) = (until(&stored.value), stored.value.skips, due(&stored.value));
        let contact = ContactView { why: Some(why), ..stored.into() };
        Self { contact, until, skips }
    }
}

impl From<Nothing> for NoCard {
    fn from(nothing: Nothing) -> Self {
        let Nothing { reason, detail, next_at } = nothing;
        Self { reason: reason.to_owned(), detail, next_at: next_at.map(|at| at.to_string()) }
    }
}

impl From<Next> for NextCard {
    fn from(next: Next) -> Self {
        match next {
            Next::Card(card) => Self { card: Some((*card).into()), nothing: None },
            Next::Nothing(nothing) => Self { card: None, nothing: Some(nothing.into()) },
        }
    }
}

impl From<Stored<Contact>> for AcceptedCard {
    fn from(stored: Stored<Contact>) -> Self {
        Self { dialled_until: until(&stored.value), contact_id: stored.id }
    }
}

impl From<Stored<Contact>> for SkippedCard {
    fn from(stored: Stored<Contact>) -> Self {
        Self { skips: stored.value.skips, status: stored.value.status, contact_id: stored.id }
    }
}

impl From<CardError> for ApiError {
    fn from(error: CardError) -> Self {
        let told = error.to_string();
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, told);
        match error {
            CardError::NotPreview => conflict("campaign_not_preview"),
            CardError::NotRunning(_) => conflict("campaign_state"),
            CardError::NotYours => conflict("card_over"),
            CardError::MayNotBeCalled(_) => conflict("may_not_be_called"),
            CardError::Call(error) => error.into(),
        }
    }
}
