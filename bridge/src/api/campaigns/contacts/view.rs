//! How contacts are shown.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::campaign::outcome::AttemptResult;
use crate::campaign::phone::Kind;
use crate::campaign::why::Standing;
use crate::store::contacts::{Contact, ContactStatus};
use crate::store::{Listed, Stored};

/// Somebody whom a campaign calls.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactView {
    pub id: String,
    pub status: ContactStatus,
    /// Why it is blocked, done or put off.
    pub reason: Option<String>,
    pub numbers: Vec<ContactNumberView>,
    pub time_zones: Vec<String>,
    pub language: Option<String>,
    pub prompt: Option<String>,
    /// 0 to 999, the greater the sooner.
    pub priority: u32,
    #[schema(value_type = Object)]
    pub variables: Map<String, Value>,
    pub consent: Option<ConsentView>,
    /// RFC 3339, UTC, as all times: it is not called before, nor after.
    pub next_at: String,
    pub expires_at: Option<String>,
    /// Attempts so far, and those that count in this run.
    pub attempts: u32,
    pub counted: u32,
    /// What came of them in this run, the newest last.
    pub results: Vec<AttemptResult>,
    pub created_at: String,
    pub updated_at: String,
    /// Why it is not called yet, and when next; of one contact only, not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Standing>,
}

/// One of its numbers.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactNumberView {
    /// E.164.
    pub number: String,
    /// The country, two letters.
    pub region: String,
    pub kind: Kind,
    /// Why it is not called any more.
    pub stopped: Option<String>,
}

/// That somebody agreed to be called, as the list says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ContactConsentView)]
pub struct ConsentView {
    pub source: String,
    pub given_at: Option<String>,
    pub expires_at: Option<String>,
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactPage {
    pub items: Vec<ContactView>,
    pub next_cursor: Option<String>,
}

impl From<Stored<Contact>> for ContactView {
    fn from(stored: Stored<Contact>) -> Self {
        let contact = stored.value;
        let number = |number: crate::store::contacts::ContactNumber| ContactNumberView {
            number: number.number.to_string(),
            region: number.region,
            kind: number.kind,
            stopped: number.stopped,
        };
        Self {
            id: stored.id,
            status: contact.status,
            reason: contact.reason,
            numbers: contact.numbers.into_iter().map(number).collect(),
            time_zones: contact.zones,
            language: contact.language,
            prompt: contact.prompt,
            priority: contact.prio,
            variables: contact.variables,
            consent: contact.consent.map(|consent| ConsentView {
                source: consent.source,
                given_at: consent.given_at.map(|at| at.to_string()),
                expires_at: consent.expires_at.map(|at| at.to_string()),
            }),
            next_at: contact.next_at.to_string(),
            expires_at: contact.expires_at.map(|at| at.to_string()),
            attempts: contact.att,
            counted: contact.counted,
            results: contact.results,
            created_at: contact.created_at.to_string(),
            updated_at: contact.updated_at.to_string(),
            why: None,
        }
    }
}

impl From<Listed<Contact>> for ContactPage {
    fn from(listed: Listed<Contact>) -> Self {
        let items = listed.items.into_iter().map(Into::into).collect();
        Self { items, next_cursor: listed.next_cursor }
    }
}
