//! A Redis that is killed and comes back empty: nothing is dialled meanwhile, and afterwards no call more than before.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use rustix::process::Signal;
use serde_json::json;
use tokio::time::sleep;
use vox_harness::RedisServer;
use vox_shared::wire::dialler::attempt::Ending;
use vox_shared::wire::dialler::claim::{Claim, Reason};

use super::floor::Floor;
use super::{CALLEE, OTHER};
use crate::harness::TestBridge;

const RECOVERY: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_redis_that_comes_back_empty_is_told_what_runs_before_it_gives_permits() {
    let server = RedisServer::start();
    let (port, url) = (server.port, server.url());
    let bridge = TestBridge::start_with(|config| config.coordination.redis_url = Some(url.into())).await;
    let floor = Floor::over(bridge).await;
    let campaign = floor.campaign(json!({"pacing": {"max_lines": 1}})).await;
    let [first, second] =
        [floor.contact(&campaign, &[CALLEE]).await, floor.contact(&campaign, &[OTHER]).await];
    let running = floor.dial(&campaign, &first).await;
    server.signal(Signal::KILL);
    drop(server);
    assert_eq!(floor.refused(&campaign, &second).await.reason, Reason::PermitsUnavailable);
    let _again = RedisServer::on(port);
    let since = Instant::now();
    let reason = loop {
        match floor.refused(&campaign, &second).await.reason {
            Reason::PermitsUnavailable => {}
            reason => break reason,
        }
        assert!(since.elapsed() < RECOVERY, "not back after {:?}", since.elapsed());
        sleep(LOOK_AGAIN).await;
    };
    assert_eq!(reason, Reason::CampaignFull, "the call that runs counts");
    assert_eq!(floor.lines(&campaign).await, [1, 1, 1]);
    floor.ended(&running, Ending::NoAnswer).await;
    floor.pass(SignedDuration::from_secs(1));
    assert!(matches!(floor.try_claim(&campaign, &second).await, Claim::Claimed(_)));
}
