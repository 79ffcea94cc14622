//! Goes through the sums of a time, a page of them after the other: however long the time and however many cells there are, no more than
//! two pages of each question are in memory, and those that make something of a page do it aside, a few at a time.

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::cell::{Cell, Key, Reader};
use super::span::Span;
use crate::store::engine::EngineError;
use crate::store::rollups::{Rollup, Rollups};
use crate::store::{Cursor, StoreError};

/// Pages that are read or worked through at the same time, of all questions. The others wait for their turn, each for one page.
const AT_ONCE: usize = 4;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// Put every sum of a span into something, in the order of the times. The next page is read while one is worked through.
pub async fn fold<T: Send + 'static>(
    rollups: &Rollups,
    span: &Span,
    mut into: T,
    put: impl Fn(&mut T, &Rollup) + Clone + Send + 'static,
) -> Result<T, StoreError> {
    let read = async |after: Option<Cursor>| {
        let _turn = TURNS.acquire().await.map_err(|_| broke_off())?;
        rollups.list(span.grain, (&span.from, &span.below), after).await
    };
    let mut page = read(None).await?;
    loop {
        let after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
        let put = put.clone();
        let work = async {
            let turn = TURNS.acquire().await.map_err(|_| broke_off())?;
            let worked = spawn_blocking(move || {
                page.items.iter().for_each(|stored| put(&mut into, &stored.value));
                drop(turn);
                into
            });
            worked.await.map_err(|_| broke_off())
        };
        let Some(after) = after else { return work.await };
        (into, page) = tokio::try_join!(work, read(Some(after)))?;
    }
}

/// Go through the cells of a sum whose keys are wanted, without those of which all was taken away again.
pub fn each_cell(of: &Rollup, wanted: impl Fn(&Key<&str>) -> bool, mut put: impl FnMut(&Key<&str>, &Cell)) {
    let mut reader = Reader::default();
    for (key, cell) in of.cells.iter().filter_map(|cell| Reader::key(cell)).filter(|(key, _)| wanted(key)) {
        if let Some(cell) = reader.cell(cell).filter(|cell| !cell.is_empty()) {
            put(&key, cell);
        }
    }
}

fn broke_off() -> StoreError {
    StoreError::Engine(EngineError::Malformed("the adding up of sums broke off".into()))
}
