//! A server that speaks MongoDB's protocol, for one test: the one at `TEST_MONGODB_URI` when it is set, else one of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};

use mongodb::bson::{Document, doc};
use rustix::process::{Pid, Signal, kill_process};
use vox_shared::env::Env;

use super::claimed::{claim, fresh_name};

/// A server, or a database of somebody else's. Ends with this value.
pub struct MongoDb {
    /// The address without a database.
    base: String,
    /// Process ids of the server's parts; none when it is not ours.
    pub pids: Vec<u32>,
    database: String,
    // Before the child: its end is what ends the server.
    stdin: Option<ChildStdin>,
    child: Option<Child>,
}

impl MongoDb {
    /// A fresh database.
    pub fn start() -> Self {
        match Env::of_process().text("TEST_MONGODB_URI") {
            Some(base) => Self { base, pids: Vec::new(), database: fresh_name(), stdin: None, child: None },
            None => Self::own(&[]),
        }
    }

    /// An empty database: one that an earlier test has left, or a fresh one. To make all collections and indexes anew is most of what
    /// a short test would take.
    pub fn emptied() -> Self {
        let mut server = Self::start();
        if server.child.is_none() {
            server.database = claim(&server.base).name;
            let uri = server.uri();
            // A test has a runtime of its own already.
            std::thread::spawn(move || empty(&uri)).join().expect("the database is emptied");
        }
        server
    }

    /// A server of its own, whatever the environment says: it may be killed and paused. `options` go to its script.
    pub fn own(options: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/mongodb/run.sh");
        let mut child = Command::new(script)
            .arg("--until-eof")
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{script}: {error}"));
        let mut lines =
            BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
        let (Some(pids), Some(ready)) = (lines.next(), lines.next()) else {
            let mut told = String::new();
            let _ = child.stderr.take().expect("it is piped").read_to_string(&mut told);
            panic!(
                "no MongoDB server for the tests: {told}\ninstall it: scripts/mongodb/install.sh (as root)"
            );
        };
        let pids = pids.split(['=', ' ']).filter_map(|part| part.parse().ok()).collect();
        let base = ready.strip_prefix("ready ").expect("the second line says where").to_owned();
        Self { base, pids, database: fresh_name(), stdin: child.stdin.take(), child: Some(child) }
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
        let children = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let found = self.pids.iter().flat_map(|pid| {
            let children = children(pid).unwrap_or_default();
            let children = children.split_whitespace().filter_map(|p| p.parse().ok());
            std::iter::once(*pid).chain(children).collect::<Vec<u32>>()
        });
        for pid in found.filter_map(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
            // One that has ended meanwhile needs none.
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for MongoDb {
    fn drop(&mut self) {
        // One that was stopped would never end.
        self.signal(Signal::CONT);
        drop(self.stdin.take());
        if let Some(child) = &mut self.child {
            let _ = child.wait();
        }
    }
}
