//! One page out of several lists, each newest first: for what only some bots of a tenant have, where no index holds them all
//! in a row.

use super::documents::{Listed, StoreError, Stored};
use super::engine::{Cursor, EngineError};
use super::stamp::Stamp;

/// When a document was made, and its id: the order of a list.
type Place = (String, String);

/// How a list is paged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paging<T> {
    /// The index that the lists were read by.
    pub index: &'static str,
    pub limit: usize,
    pub made_at: fn(&T) -> Stamp,
}

impl<T> Paging<T> {
    fn place(&self, item: &Stored<T>) -> Place {
        ((self.made_at)(&item.value).to_string(), item.id.clone())
    }

    /// Leave out what a page before held.
    pub fn rest_of(&self, items: &mut Vec<Stored<T>>, after: Option<&Cursor>) -> Result<(), StoreError> {
        let Some(after) = after else { return Ok(()) };
        let reached = self.reached(after)?;
        items.retain(|item| self.place(item) < reached);
        Ok(())
    }

    /// Put lists together that were read with the same cursor and limit. A list that goes on must not be overtaken: what is
    /// older than its end waits for the next page.
    pub fn merge(&self, lists: Vec<Listed<T>>) -> Result<Listed<T>, StoreError> {
        let ends = lists.iter().filter_map(|list| list.next_cursor.as_deref());
        let ends =
            ends.map(|end| self.reached(&Cursor::parse(end)?)).collect::<Result<Vec<_>, StoreError>>()?;
        let mut end = ends.into_iter().max();
        let mut items: Vec<_> = lists.into_iter().flat_map(|list| list.items).collect();
        items.sort_by_cached_key(|item| std::cmp::Reverse(self.place(item)));
        if let Some(end) = &end {
            items.retain(|item| self.place(item) >= *end);
        }
        if items.len() > self.limit {
            items.truncate(self.limit);
            end = items.last().map(|item| self.place(item));
        }
        let next_cursor = end.map(|(at, id)| Cursor::newest_first(self.index, &at, id).encode());
        Ok(Listed { items, next_cursor })
    }

    fn reached(&self, cursor: &Cursor) -> Result<Place, StoreError> {
        let place = cursor.place_newest_first(self.index).ok_or(EngineError::BadCursor)?;
        Ok((place.0.to_owned(), place.1.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGING: Paging<Stamp> = Paging { index: "by_time", limit: 3, made_at: |at| *at };

    fn list(seconds: &[i64], end: Option<i64>) -> Listed<Stamp> {
        let at = |second: i64| Stamp(jiff::Timestamp::from_second(second).unwrap());
        let item = |second: &i64| Stored { id: format!("i{second:02}"), version: 1, value: at(*second) };
        let cursor =
            |s: i64| Cursor::newest_first("by_time", &at(s).to_string(), format!("i{s:02}")).encode();
        Listed { items: seconds.iter().map(item).collect(), next_cursor: end.map(cursor) }
    }

    fn check(lists: Vec<Listed<Stamp>>, expected: &[i64], end: Option<i64>) {
        let merged = PAGING.merge(lists).unwrap();
        let found: Vec<i64> = merged.items.iter().map(|item| item.value.0.as_second()).collect();
        assert_eq!((found.as_slice(), merged.next_cursor), (expected, list(&[], end).next_cursor));
    }

    #[test]
    fn a_page_is_the_newest_of_all_lists_and_skips_nothing() {
        check(vec![], &[], None);
        check(vec![list(&[7, 3], None), list(&[5], None)], &[7, 5, 3], None);
        check(vec![list(&[7, 3], None), list(&[5, 4], None)], &[7, 5, 4], Some(4));
        check(vec![list(&[9, 8, 7], Some(7)), list(&[2], None)], &[9, 8, 7], Some(7));
        // A damaged document was left out of the first list, which goes on after 8.
        check(vec![list(&[9, 8], Some(8)), list(&[2, 1], None)], &[9, 8], Some(8));
        check(vec![list(&[9], Some(6)), list(&[8, 7, 5], Some(5))], &[9, 8, 7], Some(6));
    }

    #[test]
    fn what_a_page_before_held_is_left_out_and_a_foreign_cursor_refused() {
        let mut items = list(&[7, 5, 3], None).items;
        let cursor = |text: Option<String>| Cursor::parse(&text.unwrap()).unwrap();
        PAGING.rest_of(&mut items, Some(&cursor(list(&[], Some(5)).next_cursor))).unwrap();
        assert_eq!(items.len(), 1);
        let other = Cursor::newest_first("by_bot", "x", "y".into());
        assert_eq!(PAGING.rest_of(&mut items, Some(&other)), Err(StoreError::BadCursor));
    }
}
