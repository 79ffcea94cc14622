//! What only a quiet machine can show. `scripts/test.sh` runs these by themselves; a failure here is of the machine or of our
//! timers, and never of what was said.

use std::time::Duration;

use vox_caller::{Protocol, Scenario, run};
use vox_testkit::vendor::openai::Script;

use crate::harness::vendors::Scripts;
use crate::harness::{Stage, assert_in_time, speech};

const QUIET: Duration = Duration::from_millis(300);
/// Of our own frames: beyond it nobody can be judged here.
const OWN_LATENESS_MS: f64 = 20.0;

#[tokio::test]
async fn frames_neither_starve_the_carrier_nor_flood_it() {
    let lines = [
        (Protocol::Ws, "ws"),
        (Protocol::Talk, "talk"),
        (Protocol::Exotel { rate_hz: 8_000 }, "exotel-8"),
        (Protocol::Exotel { rate_hz: 16_000 }, "exotel-16"),
        (Protocol::Exotel { rate_hz: 24_000 }, "exotel-24"),
    ];
    for (protocol, caller) in lines {
        let scripts =
            Scripts::new(["Where are you?"], Script::saying("We are in Maple Street, by the old mill."));
        let stage = Stage::start(scripts).await;
        let bot = stage.bot(|_| {}).await;
        let call = stage.dial(protocol, &bot, caller).await;
        let scenario = Scenario::new().await_reply(QUIET).say(speech(4)).await_reply(QUIET).hangup();
        let done = run(call, scenario).await;
        assert!(done.is_complete(), "{:?}", done.steps);
        let own = done.call.own_timing.frame_late_ms.p99;
        assert!(own < OWN_LATENESS_MS, "this machine is too busy to judge: our own frames are {own} ms late");
        assert_in_time(&done.call);
        stage.end().await;
    }
}
