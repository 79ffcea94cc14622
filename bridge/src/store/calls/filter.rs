//! Which calls a list has, and by which index they are found.

use vox_shared::ids::BotId;
use vox_shared::wire::result::DisconnectedBy;

use super::{
    BOT_ID, BY_BOT, BY_CALLER, BY_DISPOSITION, BY_END, BY_EXTERNAL, BY_STATUS, BY_TIME, CALLER_ID,
    CREATED_AT, CallStatus, DIRECTION, DISCONNECTED_BY, DISPOSITION, EXTERNAL_ID, STATUS,
};
use crate::store::Stamp;
use crate::store::engine::{Field, Filter, Holds, Query, Text};

/// What a list of calls is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct CallFilter {
    pub bot: Option<BotId>,
    pub status: Option<CallStatus>,
    pub disconnected_by: Option<DisconnectedBy>,
    pub direction: Option<String>,
    pub disposition: Option<String>,
    pub caller: Option<String>,
    /// The carrier's own id.
    pub external: Option<String>,
    pub from: Option<Stamp>,
    /// Exclusive.
    pub to: Option<Stamp>,
}

impl CallFilter {
    /// The index that narrows the most. The rest is checked on each call it yields.
    pub(super) fn index(&self) -> &'static str {
        if self.external.is_some() {
            BY_EXTERNAL
        } else if self.caller.is_some() {
            BY_CALLER
        } else if self.bot.is_some() {
            BY_BOT
        } else if self.disposition.is_some() {
            BY_DISPOSITION
        } else if self.disconnected_by.is_some() {
            BY_END
        } else if self.status.is_some() {
            BY_STATUS
        } else {
            BY_TIME
        }
    }
}

/// A search by this index, with the rest of what is asked for as filters.
pub(super) fn narrowed(mut query: Query, filter: &CallFilter, index: &'static str) -> Query {
    if let Some(external) = &filter.external {
        query = by_or_filter(query, index == BY_EXTERNAL, EXTERNAL_ID, external);
    }
    if let Some(caller) = &filter.caller {
        query = by_or_filter(query, index == BY_CALLER, CALLER_ID, caller);
    }
    if let Some(bot) = &filter.bot {
        query = by_or_filter(query, index == BY_BOT, BOT_ID, bot);
    }
    if let Some(end) = filter.disconnected_by {
        query = by_or_filter(query, index == BY_END, DISCONNECTED_BY, end);
    }
    if let Some(disposition) = &filter.disposition {
        query = by_or_filter(query, index == BY_DISPOSITION, DISPOSITION, disposition);
    }
    if let Some(status) = filter.status {
        query = by_or_filter(query, index == BY_STATUS, STATUS, status);
    }
    if let Some(direction) = &filter.direction {
        query = query.filter(Filter::is(DIRECTION, direction));
    }
    if let Some(from) = filter.from {
        query = query.from(CREATED_AT, from);
    }
    if let Some(to) = filter.to {
        query = query.below(CREATED_AT, to);
    }
    query
}

fn by_or_filter(query: Query, is_indexed: bool, field: Field<Text>, value: impl Holds<Text>) -> Query {
    match is_indexed {
        true => query.equals(field, value),
        false => query.filter(Filter::is(field, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CALLS, TENANT};
    use super::*;

    #[test]
    fn every_filter_but_the_direction_has_an_index_of_its_own() {
        let check = |filter: CallFilter, index: &str, filters: usize| {
            let index_of = filter.index();
            let query = narrowed(Query::by_index(&CALLS, index_of).equals(TENANT, "t"), &filter, index_of);
            assert_eq!((filter.index(), query.filters.len()), (index, filters), "{filter:?}");
        };
        check(CallFilter::default(), BY_TIME, 0);
        check(CallFilter { caller: Some("+49".into()), ..CallFilter::default() }, BY_CALLER, 0);
        check(CallFilter { external: Some("CA1".into()), ..CallFilter::default() }, BY_EXTERNAL, 0);
        check(CallFilter { bot: Some("faq".parse().unwrap()), ..CallFilter::default() }, BY_BOT, 0);
        check(CallFilter { status: Some(CallStatus::Failed), ..CallFilter::default() }, BY_STATUS, 0);
        let end = Some(DisconnectedBy::Rnr);
        check(CallFilter { disconnected_by: end, ..CallFilter::default() }, BY_END, 0);
        check(CallFilter { disposition: Some("RNR".into()), ..CallFilter::default() }, BY_DISPOSITION, 0);
        let status = Some(CallStatus::NoAnswer);
        check(CallFilter { disconnected_by: end, status, ..CallFilter::default() }, BY_END, 1);
    }
}
