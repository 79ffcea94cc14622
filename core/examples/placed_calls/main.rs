//! Calls that were placed, from the answer to the bot's first sound and to the end of its message, by the set of answering machines' clips.
//! `just bench amd-calls` runs it, and writes docs/benchmarks-amd-calls.md:
//!
//!     scripts/amd/install.sh
//!     cargo run --release -p vox-core --example placed_calls -- --markdown docs/benchmarks-amd-calls.md
//!
//! Arguments: `--markdown FILE` writes the figures there; `--part tuning` or `--part held-out` takes one part alone; `--of N` every Nth clip.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod call;
mod tally;

// The set is the detector's own benchmark's, of which not everything is wanted here.
#[path = "../../../amd/examples/amd_bench/asked.rs"]
mod asked;
#[allow(dead_code, reason = "shared with the detector's benchmark")]
#[path = "../../../amd/examples/amd_bench/figures.rs"]
mod figures;
#[allow(dead_code, reason = "shared with the detector's benchmark")]
#[path = "../../../amd/examples/amd_bench/hearing.rs"]
mod hearing;
#[allow(dead_code, reason = "shared with the detector's benchmark")]
#[path = "../../../amd/examples/amd_bench/line.rs"]
mod line;
#[allow(dead_code, reason = "shared with the detector's benchmark")]
#[path = "../../../amd/examples/amd_bench/random.rs"]
mod random;
#[allow(dead_code, reason = "shared with the detector's benchmark")]
#[path = "../../../amd/examples/amd_bench/recipe.rs"]
mod recipe;
#[allow(dead_code, reason = "shared with the detector's benchmark")]
#[path = "../../../amd/examples/amd_bench/texts.rs"]
mod texts;
#[allow(dead_code, reason = "shared with the detector's benchmark")]
#[path = "../../../amd/examples/amd_bench/tones.rs"]
mod tones;
#[allow(dead_code, reason = "shared with the detector's benchmark")]
#[path = "../../../amd/examples/amd_bench/voices.rs"]
mod voices;

use std::path::Path;

use anyhow::{Context, ensure};

use asked::Asked;
use recipe::{KINDS, Recipe};
use tally::Tally;
use texts::Part;
use voices::Voices;

/// Of everything here.
pub const RATE_HZ: u32 = 8_000;

fn main() -> anyhow::Result<()> {
    let asked = asked()?;
    let mut voices = Voices::new(Path::new("target/amd-voices"))?;
    let mut tally = Tally::default();
    for part in &asked.parts {
        take(*part, &asked, &mut voices, &mut tally)?;
    }
    asked.publish(&tally.page())
}

fn asked() -> anyhow::Result<Asked> {
    let mut given = std::env::args().skip(1);
    let mut asked = Asked::default();
    while let Some(name) = given.next() {
        let value = || given.next().with_context(|| format!("{name} wants a value"));
        ensure!(asked.takes(&name, value)?, "{name} is no argument: {}", Asked::NAMES);
    }
    Ok(asked)
}

fn take(part: Part, asked: &Asked, voices: &mut Voices, tally: &mut Tally) -> anyhow::Result<()> {
    let texts = texts::of(part)?;
    let mut recipe = Recipe { part, texts, voices, babble: Vec::new() }.with_babble()?;
    for (kind, count, class) in KINDS {
        for number in asked.numbers(part, *count) {
            tally.take(&recipe.clip(kind, *class, number)?);
        }
    }
    Ok(())
}
