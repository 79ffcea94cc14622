//! A server that speaks MongoDB's protocol, for one test: the one at `TEST_MONGODB_URI` when it is set, else one of its own.

use std::net::SocketAddr;

use mongodb::bson::{Document, doc};
use rustix::process::{Pid, Signal};
use vox_harness::{Script, signal_all};
use vox_shared::env::Env;

use super::claimed::{claim, fresh_name};

/// A server, or a database of somebody else's. Ends with this value.
pub struct MongoDb {
    /// The address without a database.
    base: String,
    /// The server's processes; none when it is not ours.
    pub pids: Vec<Pid>,
    database: String,
    /// None when it is not ours.
    script: Option<Script>,
}

impl MongoDb {
    /// A fresh database.
    pub fn start() -> Self {
        match Env::of_process().text("TEST_MONGODB_URI") {
            Some(base) => Self { base, pids: Vec::new(), database: fresh_name(), script: None },
            None => Self::own(&[]),
        }
    }

    /// An empty database: one that an earlier test has left, or a fresh one. To make all collections and indexes anew is most of what
    /// a short test would take.
    pub fn emptied() -> Self {
        let mut server = Self::start();
        if server.script.is_none() {
            server.database = claim(&server.base).name;
            let uri = server.uri();
            // A test has a runtime of its own already.
            std::thread::spawn(move || empty(&uri)).join().expect("the database is emptied");
        }
        server
    }

    /// A server of its own, whatever the environment says: it may be killed and paused. `options` go to its script.
    pub fn own(options: &[&str]) -> Self {
        let script = Script::run("mongodb", options);
        let (base, pids) = (script.address().to_owned(), script.pids());
        Self { base, pids, database: fresh_name(), script: Some(script) }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        let host = self.base.rsplit("://").next().and_then(|rest| rest.split('/').next());
        host.and_then(|host| host.rsplit(':').next()?.parse().ok()).expect("an address with a port")
    }

    /// The connection string of the database by way of a proxy.
    pub fn uri_by(&self, proxy: SocketAddr) -> String {
        self.uri().replace(&format!("127.0.0.1:{}", self.port()), &proxy.to_string())
    }

    /// The connection string of the database.
    pub fn uri(&self) -> String {
        let (address, options) = self.base.split_once('?').unwrap_or((&self.base, ""));
        format!("{}/{}?{options}", address.trim_end_matches('/'), self.database)
    }
}

fn empty(uri: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = mongodb::Client::with_uri_str(uri).await.unwrap();
        let database = client.default_database().unwrap();
        for name in database.list_collection_names().await.unwrap() {
            database.collection::<Document>(&name).delete_many(doc! {}).await.unwrap();
        }
        client.shutdown().await;
    });
}

impl MongoDb {
    /// Stop and let go on the server, with the processes that it made.
    pub fn signal(&self, signal: Signal) {
        signal_all(&self.pids, signal);
    }
}

impl Drop for MongoDb {
    fn drop(&mut self) {
        // One that was stopped would never end.
        self.signal(Signal::CONT);
    }
}
