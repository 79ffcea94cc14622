//! The servers of a run over MongoDB, Redis and S3 (`VOX_TEST_ENGINES=servers`). `scripts/with-servers.sh` starts one of each for the
//! whole run, and a test has an empty database, numbered database and bucket there; where no address is set, a server of its own.

use reqwest::{Method, StatusCode};
use vox_bridge::config::{Config, S3Settings};
use vox_harness::RedisServer;
use vox_shared::env::Env;

use super::claimed::claim;
use super::client;
use super::mongodb::MongoDb;
use crate::s3_server::{S3Server, settings_of_nobody};

/// Whether the bridges of this run are over servers.
pub fn over_servers() -> bool {
    match Env::of_process().text("VOX_TEST_ENGINES").as_deref() {
        None | Some("embedded") => false,
        Some("servers") => true,
        Some(other) => panic!("VOX_TEST_ENGINES is 'embedded' or 'servers', not '{other}'"),
    }
}

/// The documents of a run over servers.
pub fn documents() -> Option<MongoDb> {
    over_servers().then(MongoDb::emptied)
}

/// For a test that moves the bridge's clock over a limit, a lease or a place: in each run these are kept within the process, because
/// Redis has a clock of its own, which stands where it is.
pub fn within_the_process(config: &mut Config) {
    config.coordination.redis_url = None;
}

/// For a test that damages an object's file: in each run objects are in the data directory.
pub fn objects_in_files(config: &mut Config) {
    config.storage.s3 = None;
}

/// What one test has of them. Ends with this value.
pub struct Servers {
    documents: MongoDb,
    coordination: Numbered,
    bucket: Bucket,
}

impl Servers {
    /// Those of this run; `None` where all is embedded.
    pub async fn of_this_run() -> Option<Self> {
        let documents = documents()?;
        let (coordination, bucket) = (Numbered::emptied().await, Bucket::emptied().await);
        Some(Self { documents, coordination, bucket })
    }

    /// Have a bridge use them.
    pub fn set(&self, config: &mut Config) {
        config.storage.mongodb_uri = Some(self.documents.uri().into());
        config.storage.s3 = Some(self.bucket.settings.clone());
        config.coordination.redis_url = Some(self.coordination.url.as_str().into());
    }

    /// Names of the objects in this part of the bucket; a page of them at most.
    pub async fn objects_in(&self, part: &str) -> Vec<String> {
        let part = format!("{part}/");
        let keys = self.bucket.keys(&part).await.into_iter();
        keys.filter_map(|key| key.strip_prefix(&part).map(str::to_owned)).collect()
    }
}

/// A numbered database of Redis.
struct Numbered {
    url: String,
    _own: Option<RedisServer>,
}

impl Numbered {
    /// At `TEST_REDIS_URL` all databases are the tests'.
    async fn emptied() -> Self {
        let Some(server) = Env::of_process().text("TEST_REDIS_URL") else {
            let own = RedisServer::start();
            return Self { url: own.url(), _own: Some(own) };
        };
        let url = format!("{}/{}", server.trim_end_matches('/'), claim(&server).number);
        let redis = redis::Client::open(url.as_str()).unwrap();
        let mut connection = redis.get_multiplexed_async_connection().await.unwrap();
        redis::cmd("FLUSHDB").query_async::<()>(&mut connection).await.unwrap();
        Self { url, _own: None }
    }
}

struct Bucket {
    settings: S3Settings,
    _own: Option<S3Server>,
}

impl Bucket {
    /// The server at `TEST_S3_URL` is one as `scripts/s3/run.sh` runs it: it does what nobody signs.
    async fn emptied() -> Self {
        let Some(server) = Env::of_process().text("TEST_S3_URL") else {
            let own = S3Server::start().await;
            return Self { settings: own.settings(), _own: Some(own) };
        };
        let bucket = claim(&server).name.replace('_', "-");
        let settings = S3Settings { url: server.parse().unwrap(), bucket, ..settings_of_nobody() };
        let emptied = Self { settings, _own: None };
        let made = emptied.ask(Method::PUT, "").await;
        assert!(made.0.is_success() || made.0 == StatusCode::CONFLICT, "{made:?}");
        loop {
            let keys = emptied.keys("").await;
            if keys.is_empty() {
                return emptied;
            }
            for key in keys {
                let removed = emptied.ask(Method::DELETE, &format!("/{key}")).await;
                assert!(removed.0.is_success(), "{key}: {removed:?}");
            }
        }
    }

    /// What nobody signs is answered all the same.
    async fn ask(&self, method: Method, at: &str) -> (StatusCode, String) {
        let address = format!("{}{}{at}", self.settings.url, self.settings.bucket);
        let answer = client().request(method, address).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    /// A page of the keys that begin so.
    async fn keys(&self, begin: &str) -> Vec<String> {
        let (status, listed) = self.ask(Method::GET, &format!("?list-type=2&prefix={begin}")).await;
        assert_eq!(status, StatusCode::OK, "{listed}");
        let keys = listed.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        keys.map(str::to_owned).collect()
    }
}
