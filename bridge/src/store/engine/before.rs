//! Engines that stand before another, which is their field `inner`. Each says by name which operations it passes on; one that it neither
//! passes on nor does by itself does not compile.

use super::{Answer, Collection};

/// What an operation may change.
#[derive(Clone, Copy, Debug)]
pub enum Writes {
    To(&'static Collection),
    Nothing,
}

/// What is done with each operation that is passed on.
pub trait Before {
    /// `answer` is the inner engine's; by itself it is passed on as it is.
    fn around<'a, T: Send + 'a>(
        &'a self,
        _operation: &'static str,
        _writes: Writes,
        answer: Answer<'a, T>,
    ) -> Answer<'a, T> {
        answer
    }
}

/// Pass these operations of [`super::Engine`] on to `inner`, each through [`Before::around`].
macro_rules! passes_on {
    ($($operation:ident)+) => { $(passes_on!(@$operation);)+ };
    (@prepare) => {
        fn prepare<'a>(&'a self, collections: &'a [&'static Collection]) -> Answer<'a, ()> {
            self.around("prepare", Writes::Nothing, self.inner.prepare(collections))
        }
    };
    (@insert) => {
        passes_on!(insert(into: &'static Collection, id: String, body: Map<String, Value>) -> (), Writes::To(into));
    };
    (@insert_many) => {
        passes_on!(insert_many(into: &'static Collection, documents: Vec<New>) -> Vec<usize>, Writes::To(into));
    };
    (@get) => { passes_on!(get(from: &'static Collection, id: String) -> Option<Document>, Writes::Nothing); };
    (@find) => { passes_on!(find(query: Query) -> Page, Writes::Nothing); };
    (@compare_and_set) => {
        passes_on!(compare_and_set(into: &'static Collection, document: Document) -> u64, Writes::To(into));
    };
    (@find_one_and_update) => {
        passes_on!(find_one_and_update(query: Query, update: Update) -> Option<Document>, Writes::To(query.collection));
    };
    (@update_many) => {
        passes_on!(update_many(of: &'static Collection, amendments: Vec<Amendment>) -> usize, Writes::To(of));
    };
    (@update_in_turn) => {
        passes_on!(update_in_turn(of: &'static Collection, amendments: Vec<Amendment>) -> usize, Writes::To(of));
    };
    (@delete) => {
        passes_on!(delete(from: &'static Collection, id: String, version: u64) -> bool, Writes::To(from));
    };
    (@delete_many) => { passes_on!(delete_many(query: Query) -> usize, Writes::To(query.collection)); };
    (@count) => { passes_on!(count(query: Query) -> u64, Writes::Nothing); };
    (@sums) => {
        passes_on!(sums(query: Query, group_by: Place, fields: Vec<Field<Integer>>) -> Vec<Totals>, Writes::Nothing);
    };
    (@list_by_id) => {
        passes_on!(list_by_id(of: &'static Collection, which: Which, after: Option<String>) -> Vec<Kept>, Writes::Nothing);
    };
    (@restore) => {
        passes_on!(restore(into: &'static Collection, documents: Vec<Kept>) -> (), Writes::To(into));
    };
    (@check_writable) => { passes_on!(check_writable() -> (), Writes::Nothing); };
    (@scrub) => { passes_on!(scrub() -> (), Writes::Nothing); };
    (@settle) => { passes_on!(settle() -> (), Writes::Nothing); };
    (@renew_words) => { passes_on!(renew_words(renewal: Renewal) -> bool, Writes::Nothing); };
    (@brought_up) => { passes_on!(brought_up() -> (), Writes::Nothing); };
    // What says something about the engine, or ends it, is no operation.
    (@itself) => {
        fn name(&self) -> &'static str {
            self.inner.name()
        }

        fn connections(&self) -> Connections {
            self.inner.connections()
        }

        fn close(&self) -> Answer<'_, ()> {
            self.inner.close()
        }
    };
    ($operation:ident($($argument:ident: $type:ty),*) -> $answer:ty, $writes:expr) => {
        fn $operation(&self, $($argument: $type),*) -> Answer<'_, $answer> {
            let writes = $writes;
            self.around(stringify!($operation), writes, self.inner.$operation($($argument),*))
        }
    };
}
pub(crate) use passes_on;
