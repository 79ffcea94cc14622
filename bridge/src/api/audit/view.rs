//! How audit entries are shown.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::role::Role;
use crate::store::audit::{Entry, Kind};

/// One entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryView {
    /// 1, 2, 3, … without gaps.
    pub seq: i64,
    /// RFC 3339, UTC.
    pub at: String,
    pub kind: Kind,
    pub actor: ActorView,
    /// Of what was done in another tenant: which. Its log has an entry too.
    pub in_tenant: Option<String>,
    /// The address that the request came from.
    pub client: String,
    pub method: String,
    /// The route's template.
    #[schema(example = "/api/v1/bots/{bot_id}")]
    pub route: String,
    /// What stood in the template's places.
    pub parameters: BTreeMap<String, String>,
    pub request_id: String,
    /// The id of what was made, changed or asked for, where it is known.
    pub object: Option<String>,
    /// Of an end: the number of its begin.
    pub begin: Option<i64>,
    /// Of a begin: the number of its end. Null while it runs, and for ever if the bridge was killed meanwhile.
    pub end: Option<i64>,
    /// Of an end: the HTTP status. Null when nobody was there any more to be answered.
    pub status: Option<u16>,
    /// Of an end that was no success: the code of the refusal, or `abandoned`.
    pub code: Option<String>,
    /// Of a refused login: which one it was of its account within the hour.
    pub count: Option<u32>,
    pub prev_hash: String,
    pub hash: String,
}

/// Who did it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActorView {
    /// Of a user, or of a key of the API.
    pub id: String,
    /// Null of a key.
    pub email: Option<String>,
    /// At that moment; null of a key, and where only the session is known.
    pub role: Option<Role>,
    /// The tenant of somebody who acted in this one and does not belong to it; its log has an entry too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
}

/// One page of entries.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryPage {
    pub items: Vec<EntryView>,
    pub next_cursor: Option<String>,
}

impl EntryView {
    /// An entry, and the number of its end.
    pub fn new(entry: Entry, end: Option<i64>) -> Self {
        Self {
            seq: entry.seq,
            at: entry.at.to_string(),
            kind: entry.kind,
            actor: ActorView {
                id: entry.actor_id,
                email: entry.actor_email,
                role: entry.actor_role,
                tenant_id: entry.actor_tenant.map(|tenant| tenant.to_string()),
            },
            in_tenant: entry.in_tenant.map(|tenant| tenant.to_string()),
            client: entry.client,
            method: entry.method,
            route: entry.route,
            parameters: entry.parameters,
            request_id: entry.request_id,
            object: entry.object,
            begin: entry.begin,
            end,
            status: entry.status,
            code: entry.code,
            count: entry.count,
            prev_hash: entry.prev_hash,
            hash: entry.hash,
        }
    }
}
