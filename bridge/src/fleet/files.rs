//! Fetching a recording from the host that made it, for the time until it is uploaded, and while the object store is away.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use vox_shared::ids::WorkerId;
use vox_shared::wire::SECRET_HEADER;

use crate::objects::{ByteStream, Key};
use crate::store::hosts::Host;
use crate::store::workers::Registration;
use crate::store::{Stamp, StoreError, Stores};

/// Time to connect.
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// Longest pause between two pieces.
const READ_DEADLINE: Duration = Duration::from_secs(5);
/// Longest wait for one host when all are asked what they have.
const HOST_DEADLINE: Duration = Duration::from_secs(5);
/// Hosts asked before the recording counts as missing.
const MAX_HOSTS: usize = 64;
/// Workers of a host tried until one answers: one that was killed stays registered for some seconds.
const TRIED_PER_HOST: usize = 2;
const ASKED_AT_ONCE: usize = 8;

/// The client for workers. It opens only addresses that workers registered with the internal secret or that a super_admin or the
/// settings named, and follows no redirects, so the secret goes nowhere else.
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
    pub async fn find(&self, key: &Key, own: Option<&WorkerId>, fleet: &Holders) -> Option<WorkerFile> {
        let own = fleet.workers.iter().find(|w| Some(&w.report.worker_id) == own);
        if let Some(own) = own
            && let Ok(Said::Given(file)) = self.ask_host(key, &[own.report.address.as_str()]).await
        {
            return Some(file);
        }
        let hosts = fleet.hosts(own).into_iter();
        let asked: Vec<_> =
            hosts.map(|host| async move { self.ask_host(key, &host.addresses).await }.boxed()).collect();
        let given =
            |said| std::future::ready(if let Ok(Said::Given(file)) = said { Some(file) } else { None });
        let found = stream::iter(asked).buffer_unordered(ASKED_AT_ONCE).filter_map(given);
        std::pin::pin!(found).next().await
    }

    /// What each host says of the file, by the names of the hosts. None is read.
    pub async fn ask_all(&self, key: &Key, fleet: &Holders) -> Vec<(String, Result<Said, NoAnswer>)> {
        let hosts = fleet.hosts(None).into_iter();
        let asked: Vec<_> = hosts
            .map(|host| {
                async move {
                    let said = timeout(HOST_DEADLINE, self.ask_host(key, &host.addresses)).await;
                    (host.name.to_owned(), said.unwrap_or(Err(NoAnswer)))
                }
                .boxed()
            })
            .collect();
        let mut said: Vec<_> = stream::iter(asked).buffer_unordered(ASKED_AT_ONCE).collect().await;
        said.sort_by(|one, other| one.0.cmp(&other.0));
        said
    }

    /// What the first of these addresses that answers says. They read the same directory.
    async fn ask_host(&self, key: &Key, addresses: &[&str]) -> Result<Said, NoAnswer> {
        for address in addresses {
            match self.ask(key, address).await {
                Ok(said) => return Ok(said),
                Err(error) => {
                    let error = error.without_url();
                    tracing::debug!(%error, "a host did not say whether it has a recording");
                }
            }
        }
        Err(NoAnswer)
    }

    async fn ask(&self, key: &Key, address: &str) -> Result<Said, reqwest::Error> {
        let url = format!("{}/recordings/{}", address.trim_end_matches('/'), key.as_str());
        let request = self.client.get(url).header(SECRET_HEADER, self.secret.expose_secret());
        let response = request.send().await?;
        if response.status() != reqwest::StatusCode::OK {
            return Ok(Said::Refused(response.status().as_u16()));
        }
        let size_bytes = response.content_length();
        let content = response.bytes_stream().map(|chunk| chunk.map_err(std::io::Error::other)).boxed();
        Ok(Said::Given(WorkerFile { size_bytes, content }))
    }
}

/// What a host says of a file.
pub enum Said {
    Given(WorkerFile),
    /// 404, most often.
    Refused(u16),
}

/// No worker of a host answered.
#[derive(Debug)]
pub struct NoAnswer;

/// Who may have recordings: the workers that register, and the hosts that are polled.
pub struct Holders {
    workers: Vec<Registration>,
    polled: Vec<Host>,
}

/// A machine, and where it is asked.
struct Asked<'a> {
    name: &'a str,
    addresses: Vec<&'a str>,
}

impl Holders {
    /// All of the deployment at this time.
    pub async fn look(stores: &Stores, now: Stamp) -> Result<Self, StoreError> {
        let workers = stores.workers().list_live(now).await?;
        let polled = stores.hosts().list_hosts().await?.into_iter().map(|host| host.value).collect();
        Ok(Self { workers, polled })
    }

    /// Whom to ask, by host: the workers of a host share the directory of recordings, so one answer is the answer of all.
    /// `own` was asked already. The one that renewed last comes first, as the one most surely alive.
    fn hosts(&self, own: Option<&Registration>) -> Vec<Asked<'_>> {
        let mut hosts: BTreeMap<&str, Vec<&Registration>> = BTreeMap::new();
        let asked = own.map(|w| &w.report.worker_id);
        for worker in self.workers.iter().filter(|w| Some(&w.report.worker_id) != asked) {
            hosts.entry(&worker.report.host).or_default().push(worker);
        }
        let registered = |name: &str| self.workers.iter().any(|w| w.report.host == name);
        let polled = self.polled.iter().filter(|host| !registered(&host.name));
        let polled =
            polled.filter_map(|host| Some(Asked { name: &host.name, addresses: vec![host.url.as_deref()?] }));
        let mut hosts: Vec<_> =
            hosts.into_iter().map(|(name, workers)| Asked::of(name, workers)).chain(polled).collect();
        // The call's own host has it most likely, even when its worker is gone.
        hosts.sort_by_key(|host| own.is_none_or(|own| host.name != own.report.host));
        hosts.truncate(MAX_HOSTS);
        hosts
    }
}

impl<'a> Asked<'a> {
    fn of(name: &'a str, mut workers: Vec<&'a Registration>) -> Self {
        workers.sort_by_key(|w| Reverse(w.expires_at));
        workers.truncate(TRIED_PER_HOST);
        Self { name, addresses: workers.into_iter().map(|w| w.report.address.as_str()).collect() }
    }
}

#[cfg(test)]
mod tests {
    use vox_shared::wire::fleet::WorkerReport;

    use super::*;

    fn worker(id: &str, host: &str, second: u32) -> Registration {
        let report: WorkerReport = serde_json::from_value(serde_json::json!({
            "worker_id": id, "host": host, "address": id, "slots": 1, "calls": 0, "build": "t",
            "draining": false, "pid": 1
        }))
        .unwrap();
        let expires_at = crate::store::Stamp(format!("2026-11-20T10:00:{second:02}Z").parse().unwrap());
        Registration::new(report, expires_at)
    }

    fn asked(workers: &[Registration], own: Option<&Registration>) -> Vec<Vec<String>> {
        let holders = Holders { workers: workers.to_vec(), polled: Vec::new() };
        let addresses = |host: Asked<'_>| host.addresses.into_iter().map(str::to_owned).collect();
        holders.hosts(own).into_iter().map(addresses).collect()
    }

    #[test]
    fn every_host_is_asked_however_many_workers_the_first_has() {
        let mut workers: Vec<_> = (0..100).map(|n| worker(&format!("a{n}"), "host-a", n % 50)).collect();
        workers.push(worker("b1", "host-b", 1));
        let asked = asked(&workers, None);
        assert_eq!((asked.len(), asked[0].len()), (2, TRIED_PER_HOST));
        assert!(
            asked[0].iter().all(|id| ["a49", "a99"].contains(&id.as_str())),
            "the last to renew: {asked:?}"
        );
        assert_eq!(asked[1], ["b1"]);
    }

    #[test]
    fn the_host_of_the_calls_own_worker_comes_first_and_the_worker_is_not_asked_twice() {
        let workers = [worker("a1", "host-a", 1), worker("b1", "host-b", 2), worker("b2", "host-b", 3)];
        assert_eq!(asked(&workers, Some(&workers[2])), [["b1"], ["a1"]]);
        assert_eq!(asked(&workers[..1], Some(&workers[0])), Vec::<Vec<String>>::new());
    }

    #[test]
    fn a_polled_host_is_asked_unless_its_workers_register() {
        let polled = |name: &str, url: Option<&str>| Host {
            name: name.into(),
            draining: false,
            added_at: crate::store::Stamp(jiff::Timestamp::UNIX_EPOCH),
            url: url.map(str::to_owned),
            next_poll_at: None,
            polled: None,
            holds: Vec::new(),
        };
        let polled = vec![polled("host-a", Some("x")), polled("host-b", Some("b")), polled("host-c", None)];
        let holders = Holders { workers: vec![worker("a1", "host-a", 1)], polled };
        let asked: Vec<_> = holders.hosts(None).into_iter().map(|host| (host.name, host.addresses)).collect();
        assert_eq!(asked, [("host-a", vec!["a1"]), ("host-b", vec!["b"])]);
    }

    #[test]
    fn hosts_asked_are_bounded() {
        let workers: Vec<_> = (0..200).map(|n| worker(&format!("w{n}"), &format!("host-{n}"), 1)).collect();
        assert_eq!(asked(&workers, None).len(), MAX_HOSTS);
    }
}
