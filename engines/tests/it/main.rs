//! The engines as their callers see them: real libraries, real processes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helpers too")]

mod a_broken_engine_is_reported;
mod flite_speaks;
mod frames_are_safe_to_parse;
mod pocketsphinx_recognises;

use std::time::Duration;

use vox_engines::EngineBinary;

/// No single answer of an engine takes this long, even on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

fn binary() -> EngineBinary {
    EngineBinary::at(env!("CARGO_BIN_EXE_vox-engine")).unwrap()
}

/// Await with a deadline, so that a lost event fails the test instead of hanging it.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, what).await.expect("the engine did not answer in time")
}
