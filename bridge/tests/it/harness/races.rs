//! How long the tests race in which twenty tasks at two bridges want what one of them gets.

use vox_shared::env::Env;

use super::servers::over_servers;

/// How often the stores are raced for where a race over HTTP is run once, in a long run.
const STEPS_FOR_A_REQUEST: usize = 4;

/// What the tasks of a race do.
#[derive(Clone, Copy)]
pub enum By {
    /// They send requests.
    Requests,
    /// They call the bridges' stores: cheaper by far.
    Steps,
}

/// Rounds of a race: so many over the embedded engines, and so many over servers, which are on the same machine. With
/// `VOX_TEST_RACES=n`, for a long run (`just races`), n by requests and four times as many by steps.
pub fn rounds(by: By, embedded: usize, servers: usize) -> usize {
    match (Env::of_process().parsed::<usize>("VOX_TEST_RACES"), by) {
        (Some(long), By::Requests) => long,
        (Some(long), By::Steps) => long * STEPS_FOR_A_REQUEST,
        (None, _) if over_servers() => servers,
        (None, _) => embedded,
    }
}
