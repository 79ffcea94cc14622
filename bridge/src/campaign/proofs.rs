//! What is written down of campaigns for whoever has to account for them: of each attempt that was dialled when and by which rules, with
//! whose consent, and what came of it; of each wish not to be called how soon it acted. It goes into the tenant's chain of proofs
//! (`store/proofs.rs`) within seconds, and stays when contacts, attempts and campaigns are deleted, so nothing in it names a person: numbers
//! are hashed under the key of the proofs of erasures.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use vox_shared::ids::TenantId;
use vox_shared::phone::Number;

use super::outcome::Tally;
use crate::error::with_source;
use crate::store::attempts::Attempt;
use crate::store::audit::Link;
use crate::store::proofs::{NewProof, ProofKind, Proofs};
use crate::store::{Stamp, StoreError, Stored, Stores};

/// Attempts of one round.
const MOST: usize = 500;

/// Whether everything of a round was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    All,
    /// There is more, or something could not be written: ask again.
    Some,
}

/// Write down what is due. Each step may be repeated, and be done by several bridges at once.
pub async fn write_due(stores: &Stores, now: Stamp) -> Result<Written, StoreError> {
    let due = stores.all_attempts().list_unproved(MOST).await?;
    let mut written = if due.len() == MOST { Written::Some } else { Written::All };
    let mut pens: HashMap<TenantId, Pen> = HashMap::new();
    for attempt in due {
        if attempt.value.open_since.is_some() || attempt.value.result.is_none() {
            // What came of it is still being told.
            continue;
        }
        let tenant = &attempt.value.tenant_id;
        let pen =
            pens.entry(tenant.clone()).or_insert_with(|| Pen { proofs: stores.proofs(tenant), head: None });
        if let Err(error) = Box::pin(write_one(stores, pen, &attempt, now)).await {
            let error = with_source(&error);
            tracing::warn!(attempt.id = attempt.id, error, "the proof of an attempt is written later");
            written = Written::Some;
        }
    }
    for (tenant, pen) in pens {
        if let Some(head) = pen.head {
            // Somewhere else than in the store that it vouches for.
            tracing::info!(tenant.id = %tenant, seq = head.seq, hash = head.hash(), "campaign proofs");
        }
    }
    Ok(written)
}

/// The chain of a tenant, and its end as far as it is known.
struct Pen {
    proofs: Proofs,
    head: Option<Link>,
}

async fn write_one(
    stores: &Stores,
    pen: &mut Pen,
    attempt: &Stored<Attempt>,
    now: Stamp,
) -> Result<(), StoreError> {
    let (value, tenant) = (&attempt.value, &attempt.value.tenant_id);
    let number = value.number.parse::<Number>().ok().map(|number| number.comparable());
    let hash = match &number {
        Some(number) => Some(stores.settings().number_hash(tenant, number, now).await?),
        // It was erased meanwhile.
        None => None,
    };
    let new =
        NewProof { kind: ProofKind::Attempt, of: attempt.id.clone(), fact: fact(attempt, hash.as_deref()) };
    pen.proofs.append(&mut pen.head, &new, now).await?;
    if let Some(number) = number.filter(|_| value.word.as_ref().is_some_and(|word| word.opt_out)) {
        let listed = stores.do_not_call(tenant).find_number(&number).await?;
        let listed_at = listed.map(|listed| listed.value.added_at);
        let fact = opt_out(attempt, (hash.as_deref(), listed_at));
        let new = NewProof { kind: ProofKind::OptOut, of: attempt.id.clone(), fact };
        pen.proofs.append(&mut pen.head, &new, now).await?;
    }
    let mut proved = attempt.clone();
    proved.value.unproved_since = None;
    match stores.attempts(tenant).replace_attempt(proved).await {
        // More was told of it meanwhile: the next round looks again. Or it was erased, or deleted with its campaign.
        Err(StoreError::Conflict | StoreError::NotFound) => Ok(()),
        done => done.map(drop),
    }
}

/// What is written of an attempt.
fn fact(attempt: &Stored<Attempt>, number_hash: Option<&str>) -> Map<String, Value> {
    let Attempt { tally, proof, caller, .. } = &attempt.value;
    let value = &attempt.value;
    object(json!({
        "attempt_id": attempt.id,
        "campaign_id": value.campaign_id,
        "session_id": value.session_id,
        "number_hash": number_hash,
        "from_number": caller.number,
        "claimed_at": value.claimed_at,
        "dialled_at": value.dial_at,
        "answered_at": value.answered_at,
        "ended_at": value.ended_at,
        "result": value.result,
        "counts": value.counts,
        "abandoned": *tally == Some(Tally::Abandoned),
        "allowed_by": proof,
    }))
}

/// What is written of a wish not to be called: it was said before the call was over, and acts from the moment on at which the list has it.
fn opt_out(
    attempt: &Stored<Attempt>,
    (number_hash, listed_at): (Option<&str>, Option<Stamp>),
) -> Map<String, Value> {
    let value = &attempt.value;
    let waited = value.ended_at.zip(listed_at).map(|(ended, listed)| {
        // Below 0: it was on the list before the call was over.
        i64::try_from(listed.0.duration_since(ended.0).as_millis()).unwrap_or(i64::MAX).max(0)
    });
    object(json!({
        "attempt_id": attempt.id,
        "campaign_id": value.campaign_id,
        "session_id": value.session_id,
        "number_hash": number_hash,
        "call_ended_at": value.ended_at,
        "told_at": value.word.as_ref().and_then(|word| word.at),
        "listed_at": listed_at,
        "ms_to_effect": waited,
    }))
}

/// Without what is not known: engines need not agree on what is null.
fn object(value: Value) -> Map<String, Value> {
    let Value::Object(object) = value else { return Map::new() };
    let known = object.into_iter().filter(|(_, value)| !value.is_null());
    known.map(|(name, value)| (name, if value.is_object() { object_value(value) } else { value })).collect()
}

fn object_value(value: Value) -> Value {
    Value::Object(object(value))
}
