//! Reading what the server sends. A document that holds what no version of Vox writes is damage of that one document, and takes
//! nothing else with it.

use futures_util::TryStreamExt;
use mongodb::Cursor as Found;
use mongodb::bson::{Bson, Document as Bytes, RawDocument, RawDocumentBuf};
use serde_json::Value;

use super::super::query::{Query, Shape};
use super::super::{Collection, Document, EngineError, Kept, Page, Totals};
use super::body;
use super::failure::failed;

/// A stored document.
pub fn read(stored: Bytes) -> Result<Document, EngineError> {
    let (mut stored, foreign) =
        (stored, || EngineError::Malformed("a document without Vox's envelope".into()));
    let (Some(Bson::String(id)), Some(Bson::Document(inner))) = (stored.remove("_id"), stored.remove("body"))
    else {
        return Err(foreign());
    };
    let version = integer(&stored, "version").and_then(|n| u64::try_from(n).ok()).ok_or_else(foreign)?;
    let body = body::decode(inner).map_err(|error| match error {
        EngineError::Malformed(what) => EngineError::Malformed(format!("{id}: {what}")),
        other => other,
    })?;
    Ok(Document { id, version, body })
}

fn read_raw(raw: &RawDocument) -> Result<Document, EngineError> {
    read(Bytes::try_from(raw).map_err(|error| EngineError::Malformed(error.to_string()))?)
}

/// What was read of a page.
pub struct Read {
    pub page: Page,
    /// Damaged documents took the places of sound ones that may be behind them.
    pub is_short: bool,
}

/// A page of what a search found, without what is damaged; so many documents were asked for at most.
pub async fn read_page(
    query: &Query,
    shape: Option<&Shape>,
    (mut found, asked): (Found<RawDocumentBuf>, usize),
) -> Result<Read, EngineError> {
    let (mut documents, mut end, mut more) = (Vec::new(), None, false);
    let (mut looked_at, mut bytes) = (0, 0);
    while let Some(raw) = found.try_next().await.map_err(failed)? {
        if documents.len() == query.limit || bytes >= query.max_bytes {
            more = true;
            break;
        }
        looked_at += 1;
        bytes += raw.as_bytes().len();
        match read_raw(&raw) {
            Ok(document) => {
                documents.push(document);
                end = None;
            }
            Err(error) => {
                tracing::error!(collection = query.collection.name, %error, "a damaged document is left out of a list");
                end = shape.and_then(|shape| outline(&raw, shape)).or(end);
            }
        }
    }
    let is_cut = looked_at == asked;
    let next = match (shape, end.as_ref().or(documents.last())) {
        (Some(shape), Some(last)) if more || is_cut => Some(query.cursor_after(shape, last)),
        _ => None,
    };
    let is_short = is_cut && documents.len() < query.limit;
    Ok(Read { page: Page { documents, next }, is_short })
}

/// What of a damaged document says where a list goes on; `None` when the damage is there.
fn outline(raw: &RawDocument, shape: &Shape) -> Option<Document> {
    let mut stored = Bytes::try_from(raw).ok()?;
    let (Some(Bson::String(id)), Some(Bson::Document(inner))) = (stored.remove("_id"), stored.remove("body"))
    else {
        return None;
    };
    let body = body::sound_part(inner);
    let is_placed = shape.sorted().iter().all(|place| place.of(&body).is_some_and(|key| place.takes(key)));
    is_placed.then(|| Document { body, ..Document::damaged(id) })
}

/// A document of a list by ids, which are texts.
pub fn read_kept(of: &Collection, raw: &RawDocument) -> Option<Kept> {
    let envelope = Bytes::try_from(raw).ok();
    let schema = envelope.as_ref().and_then(|e| integer(e, "schema")).and_then(|n| u32::try_from(n).ok());
    let id = || raw.get_str("_id").ok().map(str::to_owned);
    let read = envelope.map_or_else(|| Err(EngineError::Malformed("no BSON".into())), read);
    match (read, schema) {
        (Ok(document), Some(schema)) => Some(Kept { document, schema }),
        (read, _) => {
            let id = id()?;
            let error = read.err().map_or_else(|| "it has no schema".to_owned(), |error| error.to_string());
            tracing::error!(collection = of.name, id, error, "a document is damaged");
            Some(Kept { document: Document::damaged(id), schema: schema.unwrap_or_else(|| of.schema()) })
        }
    }
}

/// A group with so many sums.
pub fn read_totals(group: Bytes, sums: usize) -> Result<Totals, EngineError> {
    let malformed = || EngineError::Malformed("a sum that makes no sense".into());
    let key = match group.get("_id") {
        Some(Bson::String(text)) => Value::from(text.as_str()),
        Some(Bson::Boolean(b)) => (*b).into(),
        _ => integer(&group, "_id").map_or(Value::Null, Value::from),
    };
    let count = integer(&group, "count").and_then(|n| u64::try_from(n).ok()).ok_or_else(malformed)?;
    let sum = |n: usize| {
        let name = format!("sum{n}");
        let sum: i128 = match group.get(&name) {
            Some(Bson::Decimal128(sum)) => sum.to_string().parse().map_err(|_| malformed())?,
            _ => integer(&group, &name).map(i128::from).ok_or_else(malformed)?,
        };
        i64::try_from(sum).map_err(|_| EngineError::Overflow("sum".into()))
    };
    Ok(Totals { key, count, sums: (0..sums).map(sum).collect::<Result<_, _>>()? })
}

fn integer(of: &Bytes, name: &str) -> Option<i64> {
    match of.get(name)? {
        Bson::Int64(n) => Some(*n),
        Bson::Int32(n) => Some(i64::from(*n)),
        _ => None,
    }
}
