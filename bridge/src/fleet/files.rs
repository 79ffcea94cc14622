//! Fetching a recording from the worker that made it, for the time until it is uploaded.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use vox_shared::ids::WorkerId;
use vox_shared::wire::SECRET_HEADER;

use crate::objects::{ByteStream, Key};
use crate::store::workers::Registration;

/// Time to connect.
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// Longest pause between two pieces.
const READ_DEADLINE: Duration = Duration::from_secs(5);
/// Hosts asked before the recording counts as missing.
const MAX_HOSTS: usize = 64;
/// Workers of a host tried until one answers: one that was killed stays registered for some seconds.
const TRIED_PER_HOST: usize = 2;
const ASKED_AT_ONCE: usize = 8;

/// The client for workers. It opens only addresses that workers registered with the internal secret, and follows no
/// redirects, so the secret goes nowhere else.
pub struct WorkerFiles {
    client: reqwest::Client,
    secret: SecretString,
}

/// A recording on a worker.
pub struct WorkerFile {
    pub size_bytes: Option<u64>,
    pub content: ByteStream,
}

impl WorkerFiles {
    pub fn new(secret: &SecretString) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_DEADLINE)
            .read_timeout(READ_DEADLINE)
            .build()?;
        Ok(Self { client, secret: secret.clone() })
    }

    /// The file, from the worker that made it (`own`) or from any other host.
    pub async fn find(
        &self,
        key: &Key,
        own: Option<&WorkerId>,
        workers: &[Registration],
    ) -> Option<WorkerFile> {
        let own = workers.iter().find(|w| Some(&w.report.worker_id) == own);
        if let Some(own) = own
            && let Some(file) = self.ask_host(key, vec![own]).await
        {
            return Some(file);
        }
        let hosts = one_per_host(workers, own).into_iter();
        let asked: Vec<_> = hosts.map(|host| self.ask_host(key, host).boxed()).collect();
        let found = stream::iter(asked).buffer_unordered(ASKED_AT_ONCE).filter_map(std::future::ready);
        std::pin::pin!(found).next().await
    }

    /// What the first of these workers that answers has. They read the same directory.
    async fn ask_host(&self, key: &Key, workers: Vec<&Registration>) -> Option<WorkerFile> {
        for worker in workers {
            match self.ask(key, &worker.report.address).await {
                Ok(answer) => return answer,
                Err(error) => {
                    let (worker, error) = (&worker.report.worker_id, error.without_url());
                    tracing::debug!(worker.id = %worker, %error, "a worker did not give a recording");
                }
            }
        }
        None
    }

    async fn ask(&self, key: &Key, address: &str) -> Result<Option<WorkerFile>, reqwest::Error> {
        let url = format!("{}/recordings/{}", address.trim_end_matches('/'), key.as_str());
        let request = self.client.get(url).header(SECRET_HEADER, self.secret.expose_secret());
        let response = request.send().await?;
        if response.status() != reqwest::StatusCode::OK {
            return Ok(None);
        }
        let size_bytes = response.content_length();
        let content = response.bytes_stream().map(|chunk| chunk.map_err(std::io::Error::other)).boxed();
        Ok(Some(WorkerFile { size_bytes, content }))
    }
}

/// Whom to ask, by host: the workers of a host share the directory of recordings, so one answer is the answer of all.
/// `own` was asked already. The one that renewed last comes first, as the one most surely alive.
fn one_per_host<'a>(workers: &'a [Registration], own: Option<&Registration>) -> Vec<Vec<&'a Registration>> {
    let mut hosts: BTreeMap<&str, Vec<&Registration>> = BTreeMap::new();
    let asked = own.map(|w| &w.report.worker_id);
    for worker in workers.iter().filter(|w| Some(&w.report.worker_id) != asked) {
        hosts.entry(&worker.report.host).or_default().push(worker);
    }
    let mut hosts: Vec<_> = hosts.into_values().collect();
    for host in &mut hosts {
        host.sort_by_key(|w| Reverse(w.expires_at));
        host.truncate(TRIED_PER_HOST);
    }
    // The call's own host has it most likely, even when its worker is gone.
    hosts.sort_by_key(|host| own.is_none_or(|own| host[0].report.host != own.report.host));
    hosts.truncate(MAX_HOSTS);
    hosts
}

#[cfg(test)]
mod tests {
    use vox_shared::wire::fleet::WorkerReport;

    use super::*;

    fn worker(id: &str, host: &str, second: u32) -> Registration {
        let report: WorkerReport = serde_json::from_value(serde_json::json!({
            "worker_id": id, "host": host, "address": "http://127.0.0.1:9", "slots": 1, "calls": 0, "build": "t",
            "draining": false, "pid": 1
        }))
        .unwrap();
        let expires_at = crate::store::Stamp(format!("2026-11-20T10:00:{second:02}Z").parse().unwrap());
        Registration::new(report, expires_at)
    }

    fn asked<'a>(workers: &'a [Registration], own: Option<&Registration>) -> Vec<Vec<&'a str>> {
        let ids =
            |host: Vec<&'a Registration>| host.into_iter().map(|w| w.report.worker_id.as_str()).collect();
        one_per_host(workers, own).into_iter().map(ids).collect()
    }

    #[test]
    fn every_host_is_asked_however_many_workers_the_first_has() {
        let mut workers: Vec<_> = (0..100).map(|n| worker(&format!("a{n}"), "host-a", n % 50)).collect();
        workers.push(worker("b1", "host-b", 1));
        let asked = asked(&workers, None);
        assert_eq!((asked.len(), asked[0].len()), (2, TRIED_PER_HOST));
        assert!(asked[0].iter().all(|id| ["a49", "a99"].contains(id)), "the last to renew: {asked:?}");
        assert_eq!(asked[1], ["b1"]);
    }

    #[test]
    fn the_host_of_the_calls_own_worker_comes_first_and_the_worker_is_not_asked_twice() {
        let workers = [worker("a1", "host-a", 1), worker("b1", "host-b", 2), worker("b2", "host-b", 3)];
        assert_eq!(asked(&workers, Some(&workers[2])), [["b1"], ["a1"]]);
        assert_eq!(asked(&workers[..1], Some(&workers[0])), Vec::<Vec<&str>>::new());
    }

    #[test]
    fn hosts_asked_are_bounded() {
        let workers: Vec<_> = (0..200).map(|n| worker(&format!("w{n}"), &format!("host-{n}"), 1)).collect();
        assert_eq!(asked(&workers, None).len(), MAX_HOSTS);
    }
}
