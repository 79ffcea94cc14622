//! `GET /api/v1/audit/verify`

use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::{IntoParams, ToSchema};

use crate::audit::check::{Checker, Fault, Noted};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadAudit;
use crate::edge::params::InQuery;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::audit::{Entries, Link};
use crate::store::{Cursor, StoreError, Stores};

/// Entries looked at by one request; the answer says where the next one goes on.
const MAX_ENTRIES: u64 = 50_000;
/// Begins without an end that are named.
const MAX_UNFINISHED: usize = 100;

/// From where, and what is known.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct VerifyQuery {
    /// The first entry to look at: `next` of the answer before; 1 by default.
    from: Option<i64>,
    /// The number of an entry that was noted elsewhere, as `last.seq` of an earlier answer.
    seq: Option<i64>,
    /// The hash of that entry. Without one a log whose end was cut off is not told from one that never was longer.
    hash: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verified {
    /// Whether all entries that were looked at are as they were written.
    intact: bool,
    /// The first that is not. What comes after it was not looked at.
    fault: Option<FaultView>,
    /// How many are sound.
    entries: u64,
    /// The last sound one. Note it where nobody who can write to the store can change it.
    last: Option<LastView>,
    /// Where to go on; null when all were looked at.
    next: Option<i64>,
    /// How many of the begins have no end among these entries: they run still, or the bridge was killed.
    unfinished_count: usize,
    /// The first 100 of them.
    unfinished: Vec<i64>,
}

/// An entry that is not as it was written.
#[derive(Debug, Serialize, ToSchema)]
pub struct FaultView {
    seq: i64,
    message: String,
}

impl From<Fault> for FaultView {
    fn from(fault: Fault) -> Self {
        Self { seq: fault.seq(), message: fault.to_string() }
    }
}

/// An entry and its hash.
#[derive(Debug, Serialize, ToSchema)]
pub struct LastView {
    seq: i64,
    hash: String,
}

impl LastView {
    /// None where there is no entry before the first.
    pub fn of(last: &Link) -> Option<Self> {
        (last.seq > 0).then(|| Self { seq: last.seq, hash: last.hash().to_owned() })
    }
}

/// Whether the tenant's audit log is as it was written.
#[instrument(name = "audit.verify", skip_all)]
pub async fn verify(
    who: Allowed<ReadAudit>,
    query: InQuery<VerifyQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<Verified>> {
    let (from, noted) = asked(query.0).map_err(|fault| ApiError::invalid(vec![fault]))?;
    let entries = stores.audit(who.tenant());
    let before = match from {
        1 => Link::start(who.tenant().clone()),
        from => {
            entries.find_link(from - 1).await?.ok_or_else(|| ApiError::not_found("entry before `from`"))?
        }
    };
    let mut checker = Checker::after(before, noted);
    let outcome = walk(&entries, &mut checker).await?;
    Ok(Json(verified(&checker, outcome)))
}

/// The first number that is looked at, and what was noted.
pub fn asked(query: VerifyQuery) -> Result<(i64, Option<Noted>), FieldError> {
    let noted = match (query.seq, query.hash) {
        (None, None) => None,
        (Some(seq), Some(hash)) if seq >= 1 => Some(Noted { seq, hash }),
        (Some(_), Some(_)) => return Err(FieldError::new("seq", "must be 1 or more")),
        (Some(_), None) => return Err(FieldError::new("hash", "must be given together with `seq`")),
        (None, Some(_)) => return Err(FieldError::new("seq", "must be given together with `hash`")),
    };
    match query.from.unwrap_or(1) {
        from if from >= 1 => Ok((from, noted)),
        _ => Err(FieldError::new("from", "must be 1 or more")),
    }
}

/// Look at entries until there are no more, or enough; answers where to go on.
async fn walk(entries: &Entries, checker: &mut Checker) -> Result<Result<Option<i64>, Fault>, StoreError> {
    let from = checker.last().seq + 1;
    let mut after = None;
    while checker.entries < MAX_ENTRIES {
        let page = entries.list_from(from, after).await?;
        for stored in page.items {
            if let Err(fault) = checker.look(&stored.value) {
                return Ok(Err(fault));
            }
        }
        let Some(next) = page.next_cursor else { return Ok(checker.end().map(|()| None)) };
        after = Some(Cursor::parse(&next)?);
    }
    Ok(Ok(Some(checker.last().seq + 1)))
}

fn verified(checker: &Checker, outcome: Result<Option<i64>, Fault>) -> Verified {
    let last = checker.last();
    let (next, fault) = match outcome {
        Ok(next) => (next, None),
        Err(fault) => (None, Some(fault.into())),
    };
    Verified {
        intact: fault.is_none(),
        fault,
        entries: checker.entries,
        last: LastView::of(last),
        next,
        unfinished_count: checker.unfinished().len(),
        unfinished: checker.unfinished().iter().copied().take(MAX_UNFINISHED).collect(),
    }
}
