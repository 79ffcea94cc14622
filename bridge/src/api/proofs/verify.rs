//! `GET /api/v1/proofs/verify`

use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;

use crate::api::audit::verify::{FaultView, LastView, VerifyQuery, asked};
use crate::audit::check::{Checker, Fault, Written};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadProofs;
use crate::edge::params::InQuery;
use crate::error::{ApiError, ApiResult};
use crate::store::audit::Link;
use crate::store::proofs::Proofs;
use crate::store::{Cursor, StoreError, Stores};

/// Entries looked at by one request; the answer says where the next one goes on.
const MAX_ENTRIES: u64 = 50_000;

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerifiedProofs {
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
}

/// Whether the tenant's chain of proofs is as it was written.
#[instrument(name = "proofs.verify", skip_all)]
pub async fn verify(
    who: Allowed<ReadProofs>,
    query: InQuery<VerifyQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<VerifiedProofs>> {
    let (from, noted) = asked(query.0).map_err(|fault| ApiError::invalid(vec![fault]))?;
    let proofs = stores.proofs(who.tenant());
    let before = match from {
        1 => Link::start(who.tenant().clone()),
        from => {
            proofs.find_link(from - 1).await?.ok_or_else(|| ApiError::not_found("entry before `from`"))?
        }
    };
    let mut checker = Checker::after(before, noted);
    let (next, fault) = match walk(&proofs, &mut checker).await? {
        Ok(next) => (next, None),
        Err(fault) => (None, Some(fault.into())),
    };
    Ok(Json(VerifiedProofs {
        intact: fault.is_none(),
        fault,
        entries: checker.entries,
        last: LastView::of(checker.last()),
        next,
    }))
}

/// Look at entries until there are no more, or enough; answers where to go on.
async fn walk(proofs: &Proofs, checker: &mut Checker) -> Result<Result<Option<i64>, Fault>, StoreError> {
    let from = checker.last().seq + 1;
    let mut after = None;
    while checker.entries < MAX_ENTRIES {
        let page = proofs.list_from(from, after).await?;
        for stored in page.items {
            let proof = &stored.value;
            let (link, digest) = (proof.link(), proof.digest());
            if let Err(fault) = checker.follow(Written { link, digest, prev_hash: &proof.prev_hash }) {
                return Ok(Err(fault));
            }
        }
        let Some(next) = page.next_cursor else { return Ok(checker.end().map(|()| None)) };
        after = Some(Cursor::parse(&next)?);
    }
    Ok(Ok(Some(checker.last().seq + 1)))
}
