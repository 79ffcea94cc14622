//! Goes through the sums of a time, a page of them after the other: however long the time and however many cells there are, no more than
//! a page of each question is in memory, and those that make something of a page do it aside, a few at a time.

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::cell::{Cell, Key, decode};
use super::span::Span;
use crate::store::engine::EngineError;
use crate::store::rollups::{Rollup, Rollups};
use crate::store::{Cursor, StoreError};

/// Pages that are read or worked through at the same time, of all questions. The others wait for their turn, each for one page.
const AT_ONCE: usize = 4;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// Put every sum of a span into something, in the order of the times.
pub async fn fold<T: Send + 'static>(
    rollups: &Rollups,
    span: &Span,
    mut into: T,
    put: impl Fn(&mut T, &Rollup) + Clone + Send + 'static,
) -> Result<T, StoreError> {
    let mut after = None;
    loop {
        let turn = TURNS.acquire().await.map_err(|_| broke_off())?;
        let page = rollups.list(span.grain, (&span.from, &span.below), after).await?;
        let put = put.clone();
        let worked = spawn_blocking(move || {
            page.items.iter().for_each(|stored| put(&mut into, &stored.value));
            drop(turn);
            (into, page.next_cursor)
        });
        let next;
        (into, next) = worked.await.map_err(|_| broke_off())?;
        after = next.as_deref().map(Cursor::parse).transpose()?;
        if after.is_none() {
            return Ok(into);
        }
    }
}

/// The cells of a sum, without those of which all was taken away again.
pub fn cells(of: &Rollup) -> impl Iterator<Item = (Key, Cell)> {
    of.cells.iter().filter_map(|cell| decode(cell)).filter(|(_, cell)| !cell.is_empty())
}

fn broke_off() -> StoreError {
    StoreError::Engine(EngineError::Malformed("the adding up of sums broke off".into()))
}
