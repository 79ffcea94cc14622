//! What a telephone says in words: the product's own voice, at a telephone's rate.

use tokio::time::timeout;
use vox_engines::{EngineBinary, FliteVoice, synthesise_to_pcm};

use crate::harness::PATIENCE;

/// This text, spoken: 8 kHz, 16-bit.
pub async fn spoken(text: &str) -> Vec<i16> {
    let engine = EngineBinary::beside_current_exe().expect("build it first: cargo build -p vox-engines");
    let speech = timeout(PATIENCE, synthesise_to_pcm(&engine, FliteVoice::Kal8k, text)).await;
    speech.expect("the voice is slow").expect("scripts/install-engines.sh installs the voice").pcm
}
