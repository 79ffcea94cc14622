//! The voice activity detector against the published model, and against bad weight files.

mod golden;
mod published_numbers;
mod reset;
mod signal;
mod weight_file;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use vox_core::media::silero::{Activity, Silero, Weights};

/// `VOX_MODELS_DIR`, or `models/` at the root of the repository.
#[expect(clippy::disallowed_methods, reason = "the settings of a test run have no config module")]
fn weights_path() -> PathBuf {
    let directory = std::env::var_os("VOX_MODELS_DIR").map(PathBuf::from);
    directory
        .unwrap_or_else(|| [env!("CARGO_MANIFEST_DIR"), "..", "models"].iter().collect())
        .join("silero_vad_v6.bin")
}

/// The weights, mapped once for all tests. Without them a test fails and says which script fetches them.
fn weights() -> Arc<Weights> {
    static WEIGHTS: OnceLock<Arc<Weights>> = OnceLock::new();
    let open = || Arc::new(Weights::open(weights_path()).unwrap_or_else(|error| panic!("{error}")));
    WEIGHTS.get_or_init(open).clone()
}

/// Push all of `pcm` in chunks of `size` samples and collect the probabilities; the line counts as `activity` all along.
fn probabilities(silero: &mut Silero, pcm: &[i16], size: usize, activity: Activity) -> Vec<f32> {
    let mut found = Vec::new();
    for chunk in pcm.chunks(size) {
        silero.push(chunk, &mut |probability| {
            found.push(probability);
            activity
        });
    }
    found
}
