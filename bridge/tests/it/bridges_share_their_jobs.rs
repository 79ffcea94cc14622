//! Two bridges, as programs of their own, behind nginx: jobs are done by both, each once, and those of one that is killed by the other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_testkit::crm::ScriptedCrm;
use vox_testkit::receiver::Manner;

use crate::harness::pair::{Pair, Replica};
use crate::harness::{json, result};
use crate::s3_server::eventually;

const KEY: &str = "crm-key";
/// Jobs of the queue that one bridge does at a time.
const PLACES: usize = 2;
const SOON: Duration = Duration::from_secs(60);
/// A lease is 60 s, and is looked for each second.
const LEASE_IS_OVER: Duration = Duration::from_secs(150);

/// Two bridges, and a CRM that is told of every call.
struct Office {
    pair: Pair,
    crm: ScriptedCrm,
    token: String,
}

impl Office {
    async fn start() -> Self {
        let (pair, crm) = (Pair::start().await, ScriptedCrm::start(KEY, json!({})).await.unwrap());
        let token = pair.admin().await;
        let headers = json!([{"name": "Authorization", "value": format!("Bearer {KEY}")}]);
        let push =
            json!({"url": crm.url("/results"), "headers": headers, "body": {"id": "{{result.call_id}}"}});
        let set = pair.request(Method::PUT, "/api/v1/bots/faq/crm").bearer_auth(&token);
        json(set.json(&json!({"push": push})).send().await.unwrap(), StatusCode::OK).await;
        Self { pair, crm, token }
    }

    /// Calls that end; each is a job.
    async fn ends(&self, calls: usize) {
        for n in 0..calls {
            let told = result(&format!("call_{n}"), "customer");
            self.pair.worker(Method::POST, "/api/v1/call-results", told).await;
        }
    }

    /// How often the CRM was told of each call.
    fn told(&self) -> BTreeMap<String, usize> {
        let mut told = BTreeMap::new();
        for asked in self.crm.asked() {
            assert_eq!(asked.faults, Vec::<String>::new());
            *told.entry(asked.body["id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        told
    }

    /// What came of a replica's tries, by its own count.
    async fn came(&self, replica: &Replica, outcome: &str) -> usize {
        let labels = ["queue=\"default\"".to_owned(), format!("outcome=\"{outcome}\"")];
        replica.counted(&self.pair.http, "jobs_total", &labels).await
    }

    async fn jobs(&self) -> Vec<Value> {
        let asked = self.pair.request(Method::GET, "/api/v1/jobs?limit=200&queue=default");
        let page = json(asked.bearer_auth(&self.token).send().await.unwrap(), StatusCode::OK).await;
        let jobs = page["items"].as_array().unwrap().iter();
        jobs.filter(|job| job["kind"] == "push_crm").cloned().collect()
    }
}

#[tokio::test]
async fn each_job_is_done_once_and_both_bridges_do_some() {
    const CALLS: usize = 60;
    let office = Office::start().await;
    // Slow enough for the other bridge to look for jobs meanwhile.
    office.crm.behave(Manner::Slow(Duration::from_millis(150)));
    office.ends(CALLS).await;
    let [one, two] = &office.pair.replicas;
    let done = async || [office.came(one, "done").await, office.came(two, "done").await];
    assert!(
        eventually(SOON, async || done().await.iter().sum::<usize>() >= CALLS).await,
        "{:?}",
        done().await
    );
    let by = done().await;
    assert_eq!(by.iter().sum::<usize>(), CALLS, "{by:?}");
    assert!(by.iter().all(|jobs| *jobs > 0), "both did some: {by:?}");
    let told = office.told();
    assert!(told.len() == CALLS && told.values().all(|times| *times == 1), "{told:?}");
    let jobs = office.jobs().await;
    assert_eq!(jobs.len(), CALLS);
    assert!(jobs.iter().all(|job| job["state"] == "done" && job["tries"] == 1), "{jobs:?}");
}

#[tokio::test]
async fn the_jobs_of_a_bridge_that_is_killed_are_done_by_the_other() {
    let mut office = Office::start().await;
    // Shorter than a push may take: the jobs of the bridge that lives come to their end.
    office.crm.behave(Manner::Slow(Duration::from_secs(8)));
    office.ends(2 * PLACES).await;
    let begun = eventually(SOON, async || office.told().len() == 2 * PLACES).await;
    assert!(begun, "both bridges are in the middle of all that they do at a time: {:?}", office.told());
    office.pair.replicas[0].kill().await;
    office.crm.behave(Manner::Take);
    let survivor = &office.pair.replicas[1];
    let all = async || office.came(survivor, "done").await == 2 * PLACES;
    assert!(eventually(LEASE_IS_OVER, all).await, "{}", office.came(survivor, "done").await);
    let told = office.told();
    let twice: BTreeSet<_> =
        told.iter().filter(|(_, times)| **times == 2).map(|(id, _)| id.clone()).collect();
    assert!(
        told.len() == 2 * PLACES && twice.len() == PLACES && told.values().sum::<usize>() == 3 * PLACES,
        "{told:?}"
    );
    let jobs = office.jobs().await;
    assert_eq!(jobs.len(), 2 * PLACES);
    for job in jobs {
        let session = job["arguments"]["session_id"].as_str().unwrap();
        let tries = if twice.contains(session) { 2 } else { 1 };
        assert_eq!((&job["state"], &job["tries"]), (&json!("done"), &json!(tries)), "{job}");
    }
    // Each time under the same key, by which a CRM knows a push that it took already.
    let keys = office.crm.asked().into_iter().map(|asked| (asked.body.to_string(), asked.idempotency_key));
    assert_eq!(keys.collect::<BTreeSet<_>>().len(), 2 * PLACES);
}
