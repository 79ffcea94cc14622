//! What the audit log costs, in operations of the store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};
use vox_bridge::audit::log::AuditLog;
use vox_bridge::store::Stores;
use vox_bridge::store::audit::Entry;
use vox_bridge::store::engine::{
    Amendment, Answer, Collection, Connections, Document, Engine, Field, Integer, Kept, New, Page, Place,
    Query, Renewal, Totals, Update, Which,
};
use vox_shared::clock::Clock;

use crate::harness::{NOW, temp_engine};

/// Counts what is asked of the engine that does it.
struct Counted {
    engine: Arc<dyn Engine>,
    asked: Mutex<BTreeMap<&'static str, u32>>,
}

impl Counted {
    fn count(&self, name: &'static str) -> &dyn Engine {
        *self.asked.lock().unwrap().entry(name).or_default() += 1;
        &*self.engine
    }

    fn taken(&self) -> Vec<(&'static str, u32)> {
        std::mem::take(&mut *self.asked.lock().unwrap()).into_iter().collect()
    }
}

macro_rules! counted {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {$(
        fn $name(&self, $($argument: $type),*) -> Answer<'_, $answer> {
            self.count(stringify!($name)).$name($($argument),*)
        }
    )*};
}

impl Engine for Counted {
    fn prepare<'a>(&'a self, collections: &'a [&'static Collection]) -> Answer<'a, ()> {
        self.engine.prepare(collections)
    }

    fn name(&self) -> &'static str {
        self.engine.name()
    }

    fn connections(&self) -> Connections {
        self.engine.connections()
    }

    counted! {
        insert(into: &'static Collection, id: String, body: Map<String, Value>) -> ();
        insert_many(into: &'static Collection, documents: Vec<New>) -> Vec<usize>;
        get(from: &'static Collection, id: String) -> Option<Document>;
        find(query: Query) -> Page;
        compare_and_set(into: &'static Collection, document: Document) -> u64;
        find_one_and_update(query: Query, update: Update) -> Option<Document>;
        update_many(of: &'static Collection, amendments: Vec<Amendment>) -> usize;
        update_in_turn(of: &'static Collection, amendments: Vec<Amendment>) -> usize;
        delete(from: &'static Collection, id: String, version: u64) -> bool;
        delete_many(query: Query) -> usize;
        count(query: Query) -> u64;
        sums(query: Query, group_by: Place, fields: Vec<Field<Integer>>) -> Vec<Totals>;
        list_by_id(of: &'static Collection, which: Which, after: Option<String>) -> Vec<Kept>;
        restore(into: &'static Collection, documents: Vec<Kept>) -> ();
        check_writable() -> ();
        scrub() -> ();
        settle() -> ();
        renew_words(renewal: Renewal) -> bool;
        brought_up() -> ();
        close() -> ();
    }
}

fn entry() -> Entry {
    serde_json::from_value(json!({
        "tenant_id": "t", "seq": 0, "at": NOW, "kind": "begin", "actor_id": "usr_1", "actor_email": "p@test",
        "client": "203.0.113.1", "method": "PUT", "route": "/x", "parameters": {}, "request_id": "r",
        "prev_hash": "", "hash": ""
    }))
    .unwrap()
}

#[tokio::test]
async fn an_entry_is_one_insert_and_the_head_is_read_only_when_it_must_be() {
    let (_data, engine) = temp_engine();
    let counted = Arc::new(Counted { engine, asked: Mutex::default() });
    let stores = Stores::open(counted.clone()).await.unwrap();
    let log = || AuditLog::new(stores.clone(), Clock::manual(NOW.parse().unwrap()));
    let (one, two) = (log(), log());
    counted.taken();
    for _ in 0..100 {
        one.append(entry()).await.unwrap();
    }
    assert_eq!(counted.taken(), [("find", 1), ("insert", 100)], "the head after the start");
    assert_eq!(two.append(entry()).await.unwrap(), 101);
    assert_eq!(counted.taken(), [("find", 1), ("insert", 1)]);
    assert_eq!(one.append(entry()).await.unwrap(), 102);
    assert_eq!(counted.taken(), [("find", 1), ("insert", 2)], "its number was taken by the other");
}
