//! The short form of `vox-bench kill`: real processes, killed at random instants, and books that are in order.

use std::path::Path;

use vox_bench::kill::{Plan, run};

const ROUNDS: u32 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_record_per_call_whoever_died() {
    let seed = rand::random();
    let bin_dir = Path::new(env!("CARGO_BIN_EXE_vox-bench")).parent().unwrap().to_owned();
    let models_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    let summary = run(Plan { rounds: ROUNDS, seed, bin_dir, models_dir }).await.unwrap();
    assert!(summary.is_in_order(), "{summary}");
    let kills = summary.kills;
    assert_eq!((kills.worker_in_mid_call, kills.worker_as_calls_begin_and_end), (3, 2));
    assert_eq!((kills.bridge_in_mid_call, kills.bridge_before_delivery), (3, 2));
    assert!(summary.calls_killed > 0 && summary.worker_lost > 0, "a kill fell into a call: {summary}");
    assert!(summary.calls_accepted > summary.calls_killed + 5, "the others went on: {summary}");
}
