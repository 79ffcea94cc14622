//! The short form of `vox-bench dialler`: a campaign of a hundred on real programs, and an order that anybody can check.

use std::path::Path;
use std::time::Duration;

use vox_bench::dialler::{Plan, Troubles, import_list, run};
use vox_testkit::exchange::callees::Law;

fn plan() -> Plan {
    // Nobody dead and no congestion: those are tried again a minute later.
    let law = Law { dead: 0.0, congestion: 0.0, ..Law::default() };
    Plan {
        contacts: 100,
        asleep: 5,
        diallers: 2,
        workers: 60,
        seed: rand::random(),
        speed: 60.0,
        law,
        mute: 0.0,
        canary: 0,
        ring_secs: 30,
        faults: 0.0,
        troubles: Troubles { pause: true, ..Troubles::default() },
        cps: 40,
        channels: 60,
        within: Duration::from_secs(60),
        servers: false,
        bin_dir: Path::new(env!("CARGO_BIN_EXE_vox-bench")).parent().map(Path::to_owned).unwrap_or_default(),
        keep: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_people_are_called_once_each() {
    let summary = run(plan()).await.unwrap();
    assert!(summary.is_in_order(), "{summary}");
    assert_eq!((summary.report.invites, summary.report.numbers), (100, 100), "{summary}");
    assert!(summary.report.answered > 30 && summary.workers.delivered >= 100, "{summary}");
}

/// A list of a thousand people by `vox-bench dialler --import`: every row is where it belongs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_comes_in_whole() {
    let imported = import_list(plan(), 1_000).await.unwrap();
    assert!(imported.is_in_order(), "{imported}");
    assert!(imported.requests > 0, "{imported}");
}
