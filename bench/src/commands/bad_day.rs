//! `vox-bench bad-day`: the part of the documentation about calls in virtual time whose vendors fail.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use vox_bench::bad_day::Counts;

#[derive(Args)]
pub struct Arguments {
    /// What the test has counted (`just bad-day`), JSON.
    #[arg(long)]
    counts: PathBuf,
    /// The page to put it into.
    #[arg(long)]
    markdown: PathBuf,
}

/// Put it there.
///
/// # Errors
/// When a file cannot be read or written, or holds no counts.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (from, to) = (&arguments.counts, &arguments.markdown);
    let text = fs::read_to_string(from).with_context(|| format!("read the counts {}", from.display()))?;
    let counts: Counts =
        serde_json::from_str(&text).with_context(|| format!("these are no counts: {}", from.display()))?;
    let page = fs::read_to_string(to).with_context(|| format!("read the page {}", to.display()))?;
    fs::write(to, counts.put_into(&page)).with_context(|| format!("write the page {}", to.display()))
}
