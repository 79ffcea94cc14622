//! Tickets: short-lived, single-use permissions to open one audio socket.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vox_shared::ids::{BotId, SessionId, TenantId};

use super::SWEPT;
use super::calls::visit::Visit;
use super::documents::{Documents, StoreError};
use super::engine::{Collection, Engine, Field, Filter, Index, Query, Text, Update};
use super::stamp::Stamp;
use crate::field;

const BY_EXPIRY: &str = "by_expiry";

const EXPIRES_AT: Field<Text> = field!(Ticket => expires_at: Text);
const BOT_ID: Field<Text> = field!(Ticket => bot_id: Text);
const SPENT_BY: Field<Text> = field!(Ticket => spent_by: Text);

pub static TICKETS: Collection = Collection {
    name: "tickets",
    indexes: &[Index::ordered(BY_EXPIRY, &[EXPIRES_AT.place()])],
    fields: &[BOT_ID.place(), SPENT_BY.place()],
    steps: &[],
};

/// One ticket; the id is the SHA-256 of its text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ticket {
    pub tenant_id: TenantId,
    pub bot_id: BotId,
    pub expires_at: Stamp,
    /// The call that used it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent_by: Option<SessionId>,
    /// It was given to a visitor of a web page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_page: Option<OfPage>,
}

/// What a ticket brings to the call that uses it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfPage {
    /// What that call is called; absent where its worker says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// What the page tells the bot.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub variables: Map<String, Value>,
    pub visit: Visit,
}

/// The tickets of the deployment, found by the ticket itself.
pub struct Tickets(Documents<Ticket>);

impl Tickets {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &TICKETS))
    }

    pub async fn insert_ticket(&self, hash: &str, ticket: &Ticket) -> Result<(), StoreError> {
        self.0.insert(hash, ticket).await
    }

    /// A ticket, good or not.
    pub async fn find_ticket(&self, hash: &str) -> Result<Option<Ticket>, StoreError> {
        Ok(self.0.find(hash).await?.map(|ticket| ticket.value))
    }

    /// Spend a ticket on a call. `false` when it is unknown, for another bot, expired, or spent on another call; the same
    /// call may ask again, so that a lost answer can be repeated.
    pub async fn spend(
        &self,
        hash: &str,
        bot: &BotId,
        call: &SessionId,
        now: Stamp,
    ) -> Result<bool, StoreError> {
        let fresh = Query::by_id(&TICKETS, hash)
            .filter(Filter::is(BOT_ID, bot))
            .filter(Filter::absent(SPENT_BY))
            .filter(Filter::at_least(EXPIRES_AT, now));
        if self.0.update(fresh, Update::default().set(SPENT_BY, call)).await?.is_some() {
            return Ok(true);
        }
        let known = self.0.find(hash).await?;
        Ok(known.is_some_and(|t| t.value.spent_by.as_ref() == Some(call) && t.value.bot_id == *bot))
    }

    /// Forget what expired; answers how many, [`SWEPT`] at most.
    pub async fn sweep(&self, now: Stamp) -> Result<usize, StoreError> {
        self.0.delete_many(Query::by_index(&TICKETS, BY_EXPIRY).below(EXPIRES_AT, now).limit(SWEPT)).await
    }
}
