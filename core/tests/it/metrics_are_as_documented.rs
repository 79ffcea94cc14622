//! After one call worker and bridge tell every metric of the catalogue, with its labels, and no other.

use vox_caller::{Protocol, Scenario, Step, run};
use vox_testkit::metrics::differences;
use vox_testkit::vendor::openai::Script;

use crate::harness::vendors::Scripts;
use crate::harness::{Stage, eventually, speech};
use std::time::Duration;

const CALLER: &str = "+919800000061";
const WORKER: [&str; 2] =
    [include_str!("../../src/metrics.rs"), include_str!("../../src/metrics/vendors.rs")];
const BRIDGE: [&str; 7] = [
    include_str!("../../../bridge/src/metrics.rs"),
    include_str!("../../../bridge/src/metrics/calls.rs"),
    include_str!("../../../bridge/src/metrics/campaigns.rs"),
    include_str!("../../../bridge/src/metrics/stores.rs"),
    include_str!("../../../bridge/src/metrics/backlog.rs"),
    include_str!("../../../bridge/src/metrics/vendors.rs"),
    include_str!("../../../bridge/src/metrics/livekit.rs"),
];

async fn worker_page(stage: &Stage) -> String {
    reqwest::get(stage.worker.http("/metrics")).await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn a_call_shows_every_metric_of_the_catalogue_and_no_other() {
    let stage = Stage::start(Scripts::new(["Tell me more."], Script::saying("With pleasure."))).await;
    let bot = stage.bot(|_| {}).await;
    let call = stage.dial(Protocol::Ws, &bot, CALLER).await;
    let quiet = Duration::from_millis(700);
    let scenario = Scenario::new().await_reply(quiet).say(speech(4)).await_reply(quiet).then(Step::Hangup);
    let done = run(call, scenario).await;
    assert!(done.is_complete(), "{:?}\n{}", done.steps, stage.worker.log());
    stage.record(CALLER).await;

    let uploaded = async || {
        let page = worker_page(&stage).await;
        page.contains("recording_uploads_total{outcome=\"stored\"} 1").then_some(page)
    };
    let worker = eventually("the recording is uploaded, and counted", uploaded).await;
    assert_eq!(differences("Worker", &worker, &WORKER), Vec::<String>::new(), "{worker}");
    let bridge = stage.bridge.metrics().await;
    assert_eq!(differences("Bridge", &bridge, &BRIDGE), Vec::<String>::new(), "{bridge}");

    for (page, told) in [
        (&worker, r#"provider_requests_total{provider="openai",kind="llm",outcome="ok"} 1"#),
        (&worker, r#"provider_requests_total{provider="openai",kind="llm",outcome="failed"} 0"#),
        (&worker, r#"llm_latency_seconds_count{provider="openai","#),
        (&bridge, r#"stt_latency_seconds_count{tenant="default",provider="deepgram"} 1"#),
        (&bridge, r#"call_duration_seconds_count{tenant="default",direction="incoming"} 1"#),
    ] {
        assert!(page.contains(told), "{told}\n{page}");
    }
    stage.end().await;
}
