//! A search: the digests say which calls, and the calls themselves say what they are by now.

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::store::calls::Call;
use crate::store::digests::Sought;
use crate::store::engine::EngineError;
use crate::store::{Cursor, Listed, Reach, StoreError, Stores};

/// Calls that are read at the same time.
const AT_ONCE: usize = 16;

/// A page of the calls within reach that have what is sought, newest first, without their results. One that was deleted since, or is damaged, is left
/// out, so that a page may be short and yet not the last.
pub async fn calls(
    stores: &Stores,
    reach: &Reach,
    sought: &Sought,
    (limit, after): (usize, Option<Cursor>),
) -> Result<Listed<Call>, StoreError> {
    let found = stores.digests(reach).search(sought, limit, after).await?;
    let calls = stores.calls(reach);
    let read = stream::iter(&found.items).map(|digest| async {
        match calls.find_listed(&digest.id).await {
            Err(StoreError::Engine(error @ EngineError::Malformed(_))) => {
                tracing::error!(call.id = digest.id, %error, "a damaged call is left out of a search");
                Ok(None)
            }
            read => read,
        }
    });
    let items: Vec<_> = read.buffered(AT_ONCE).try_collect().await?;
    Ok(Listed { items: items.into_iter().flatten().collect(), next_cursor: found.next_cursor })
}
