//! Values in documents that no engine would take, put there past it: as by somebody with a client of the database's own.

use rusqlite::Connection;
use vox_bridge::store::engine::Collection;

use super::TestBridge;

impl TestBridge {
    /// A text in SQLite, a date in MongoDB.
    pub async fn spoil(&self, collection: &'static Collection, id: &str, field: &str) {
        self.past_the_engine(collection, id, (field, true)).await;
    }

    /// Take it out again.
    pub async fn unspoil(&self, collection: &'static Collection, id: &str, field: &str) {
        self.past_the_engine(collection, id, (field, false)).await;
    }

    pub fn is_on_mongodb(&self) -> bool {
        self.app.config.storage.mongodb_uri.is_some()
    }

    async fn past_the_engine(&self, of: &Collection, id: &str, (field, is_set): (&str, bool)) {
        if self.is_on_mongodb() {
            return self.in_mongodb(of, id, (field, is_set)).await;
        }
        let file = Connection::open(self.app.config.storage.data_dir.join("vox.sqlite")).unwrap();
        let change = if is_set { "jsonb_set(body, ?1, 'x')" } else { "jsonb_remove(body, ?1)" };
        let text = format!("UPDATE {} SET body = {change} WHERE id = ?2", of.name);
        assert_eq!(file.execute(&text, (format!("$.{field}"), id)).unwrap(), 1);
    }

    #[cfg(feature = "mongodb")]
    async fn in_mongodb(&self, of: &Collection, id: &str, (field, is_set): (&str, bool)) {
        use mongodb::bson::{DateTime, Document, doc};
        use secrecy::ExposeSecret;
        let uri = self.app.config.storage.mongodb_uri.as_ref().unwrap();
        let client = mongodb::Client::with_uri_str(uri.expose_secret()).await.unwrap();
        let raw = client.default_database().unwrap().collection::<Document>(of.name);
        let path = format!("body.{field}");
        let change = match is_set {
            true => doc! { "$set": { path: DateTime::from_millis(0) } },
            false => doc! { "$unset": { path: "" } },
        };
        assert_eq!(raw.update_one(doc! { "_id": id }, change).await.unwrap().matched_count, 1);
        client.shutdown().await;
    }

    #[cfg(not(feature = "mongodb"))]
    async fn in_mongodb(&self, _: &Collection, _: &str, _: (&str, bool)) {
        unreachable!("this build has no MongoDB");
    }
}
