//! An engine before the real one in which calls that have cooled are whole: what is read of one has its heavy part in its own fields,
//! unless the search leaves these out. What is written goes through as it is.

use std::sync::{Arc, Weak};

use serde_json::{Map, Value};
use vox_shared::ids::TenantId;

use super::depot::Depot;
use super::pack::{self, PackError};
use crate::objects::ObjectError;
use crate::store::calls::{CALLS, WITHOUT_RESULT};
use crate::store::engine::before::{Before, Writes, passes_on};
use crate::store::engine::{
    Amendment, Answer, Collection, Connections, Document, Engine, EngineError, Field, Integer, Json, Kept,
    New, Page, Place, Query, Renewal, Totals, Update, Which,
};

/// Looks at a call whose object was replaced while it was read.
const MAX_TRIES: usize = 4;

/// Stands where the result was of a call that has cooled. A version that knows of no tiers takes the call for damaged, and does not write
/// it back without what it does not know.
const RESULT: &str = "result";
const ELSEWHERE: &str = "kept elsewhere";

/// See the module.
pub struct Opened {
    inner: Arc<dyn Engine>,
    /// The application's: whoever still has a store when that is gone must not keep the data directory taken.
    depot: Weak<Depot>,
}

/// What became of a document that is to be whole.
enum Whole {
    Is,
    /// The object that it names is not there.
    Missing,
}

impl Opened {
    pub fn new(inner: Arc<dyn Engine>, depot: &Arc<Depot>) -> Self {
        Self { inner, depot: Arc::downgrade(depot) }
    }

    /// `None` when it was deleted meanwhile.
    async fn open(&self, mut document: Document) -> Result<Option<Document>, EngineError> {
        for _ in 0..MAX_TRIES {
            match self.fill(&document.id, &mut document.body).await? {
                Whole::Is => return Ok(Some(document)),
                Whole::Missing => {}
            }
            // Perhaps it was moved to another object since it was read.
            let Some(now) = self.inner.get(&CALLS, document.id.clone()).await? else { return Ok(None) };
            if now.version == document.version {
                break;
            }
            document = now;
        }
        Err(EngineError::Malformed(format!("{}: its object is not in the object store", document.id)))
    }

    async fn fill(&self, id: &str, body: &mut Map<String, Value>) -> Result<Whole, EngineError> {
        let malformed = |why: String| EngineError::Malformed(format!("{id}: {why}"));
        let packed = body.remove("packed");
        let object = body.get("kept").and_then(|kept| kept.get("object")).and_then(Value::as_str);
        let part = match (packed, object) {
            (Some(Value::String(packed)), _) => pack::aside(move || pack::unpack_text(&packed)).await,
            (_, Some(object)) => {
                let tenant = body.get("tenant_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
                let tenant: TenantId = tenant.ok_or_else(|| malformed("it has no tenant".into()))?;
                let gone = || EngineError::Unavailable("the application has ended".into());
                let found = self.depot.upgrade().ok_or_else(gone)?.get(&tenant, object).await;
                let Some(found) = found.map_err(|error| unread(id, &error))? else {
                    return Ok(Whole::Missing);
                };
                pack::aside(move || pack::unpack(&found)).await
            }
            (_, None) => return Ok(Whole::Is),
        };
        let part = part.map_err(|error| match error {
            PackError::Busy => EngineError::Unavailable(format!("calls that have cooled: {error}")),
            error => malformed(format!("what was compressed of it: {error}")),
        })?;
        body.remove(RESULT);
        if let Some(Value::Object(kept)) = body.get_mut("kept") {
            kept.remove("object");
        }
        body.extend(part);
        without_old_recording(body);
        Ok(Whole::Is)
    }
}

/// The recording of a call may go while the result that names it is in the archive.
fn without_old_recording(body: &mut Map<String, Value>) {
    let went = body.get("custody").is_some_and(|custody| custody.get("old_recording").is_some());
    if went
        && !body.contains_key("recording_key")
        && let Some(Value::Object(result)) = body.get_mut(RESULT)
    {
        for name in ["recording_key", "recording_url"] {
            result.remove(name);
        }
    }
}

/// The object store is away, or what it has makes no sense.
fn unread(id: &str, error: &ObjectError) -> EngineError {
    match error {
        ObjectError::Unopened | ObjectError::BadKey(_) => {
            EngineError::Malformed(format!("{id}: its object does not open"))
        }
        ObjectError::Keys(error) => error.clone(),
        other => EngineError::Unavailable(format!("the archive of calls: {other}")),
    }
}

fn has_cooled(body: &Map<String, Value>) -> bool {
    body.contains_key("packed") || body.get("kept").is_some_and(|kept| kept.get("object").is_some())
}

/// Calls are read whole, or without all that may be kept elsewhere. Whoever left out a part of that could not tell it from what is not in
/// the document.
fn is_to_be_opened(query: &Query) -> Result<bool, EngineError> {
    if query.collection.name != CALLS.name {
        return Ok(false);
    }
    let is_left_out = |heavy: &Field<Json>| query.omit.iter().any(|field| field.place() == heavy.place());
    match (WITHOUT_RESULT.iter().any(is_left_out), WITHOUT_RESULT.iter().all(is_left_out)) {
        (false, _) => Ok(true),
        (true, true) => Ok(false),
        (true, false) => {
            Err(EngineError::Undeclared("calls are read whole, or without `WITHOUT_RESULT`".into()))
        }
    }
}

impl Before for Opened {}

impl Engine for Opened {
    fn get(&self, from: &'static Collection, id: String) -> Answer<'_, Option<Document>> {
        if from.name != CALLS.name {
            return self.inner.get(from, id);
        }
        Box::pin(async move {
            match self.inner.get(from, id).await? {
                Some(document) => self.open(document).await,
                None => Ok(None),
            }
        })
    }

    fn find(&self, query: Query) -> Answer<'_, Page> {
        Box::pin(async move {
            if !is_to_be_opened(&query)? {
                return self.inner.find(query).await;
            }
            let Page { documents, next } = self.inner.find(query).await?;
            let mut opened = Vec::with_capacity(documents.len());
            for document in documents {
                opened.extend(self.open(document).await?);
            }
            Ok(Page { documents: opened, next })
        })
    }

    fn compare_and_set(&self, into: &'static Collection, mut document: Document) -> Answer<'_, u64> {
        if into.name == CALLS.name && has_cooled(&document.body) {
            document.body.insert(RESULT.to_owned(), ELSEWHERE.into());
        }
        self.inner.compare_and_set(into, document)
    }

    /// Changes single fields, which are not of the heavy part of a call that has ended; nobody reads that part in the answer.
    fn find_one_and_update(&self, query: Query, update: Update) -> Answer<'_, Option<Document>> {
        if query.collection.name != CALLS.name {
            return self.inner.find_one_and_update(query, update);
        }
        Box::pin(async move {
            let mut found = self.inner.find_one_and_update(query, update).await?;
            if let Some(document) = found.as_mut().filter(|document| has_cooled(&document.body)) {
                document.body.remove(RESULT);
            }
            Ok(found)
        })
    }

    // Listed by their ids they are as they are kept.
    passes_on! {
        prepare insert insert_many update_many update_in_turn delete delete_many count sums list_by_id restore check_writable
        scrub settle renew_words brought_up itself
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_whole_or_as_in_lists_and_nothing_between() {
        const SOME: &[Field<Json>] = WITHOUT_RESULT.split_at(2).0;
        let query = || Query::by_id(&CALLS, "call_1");
        assert_eq!(is_to_be_opened(&query()), Ok(true));
        assert_eq!(is_to_be_opened(&query().omit(WITHOUT_RESULT)), Ok(false));
        assert!(matches!(is_to_be_opened(&query().omit(SOME)), Err(EngineError::Undeclared(_))));
    }
}
