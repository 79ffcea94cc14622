//! A call's digest: what it is found by, and what it adds to the sums.

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Map;

use super::keys::Key;
use super::words::words_of;
use crate::analytics::fact::{Fact, part, vendors};
use crate::store::calls::Call;
use crate::store::digests::{CallDigest, Words, place_of};
use crate::store::engine::MAX_WORDS;
use crate::store::{Stamp, Stored};

/// Different words of a transcript that it is found by; those after them are not indexed. The others of a document are for keys.
pub const MAX_SPOKEN: usize = MAX_WORDS - 96;

/// A line of a transcript, as far as it matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    text: String,
}

/// The digest of a call that has ended, to be counted. `zone` is the tenant's.
pub fn digest(call: &Stored<Call>, zone: &TimeZone, now: Stamp) -> CallDigest {
    let fact = Fact::of(&call.value, zone);
    let due = fact.is_some().then_some(now);
    CallDigest { words: Words(words(&call.value)), fact, due, ..empty(call) }
}

/// What stays of the digest of a call that was deleted.
pub fn gone(call: &Stored<Call>, now: Stamp) -> CallDigest {
    CallDigest { gone_at: Some(now), ..empty(call) }
}

fn empty(call: &Stored<Call>) -> CallDigest {
    CallDigest {
        tenant_id: call.value.tenant_id.clone(),
        bot_id: call.value.bot_id.clone(),
        place: place_of(&call.id, call.value.created_at),
        call_version: i64::try_from(call.version).unwrap_or(i64::MAX),
        words: Words::default(),
        fact: None,
        due: None,
        counted: None,
        counted_in: 0,
        gone_at: None,
    }
}

fn words(call: &Call) -> Vec<String> {
    let none = Map::new();
    let result = call.result.as_ref().unwrap_or(&none);
    let said: Vec<Said> = part(result, "transcript");
    let mut words = words_of(said.iter().map(|line| line.text.as_str()), MAX_SPOKEN);
    words.extend(keys(call).into_iter().map(Key::word));
    let vendors = vendors(result);
    words.extend(vendors.iter().filter(|vendor| !vendor.is_empty()).map(|vendor| Key::Vendor(vendor).word()));
    words.into_iter().collect()
}

fn keys(call: &Call) -> Vec<Key<'_>> {
    let custody = call.custody.as_ref();
    let known = [
        call.disconnected_by.map(|end| Key::End(end.as_str())),
        call.direction.as_deref().map(Key::Direction),
        call.campaign_id.as_deref().map(Key::Campaign),
        call.verdict.as_ref().map(|verdict| Key::Disposition(&verdict.disposition)),
        custody.and_then(|custody| custody.caller_key.as_deref()).map(Key::From),
        custody.and_then(|custody| custody.called_key.as_deref()).map(Key::To),
    ];
    let always = [Key::Any, Key::Bot(call.bot_id.as_str()), Key::Status(call.status.as_str())];
    always.into_iter().chain(known.into_iter().flatten()).collect()
}
