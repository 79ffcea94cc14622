//! The subcommands, and what they have in common: how they read, speak to the terminal and end.

pub mod carrier;
pub mod serve;

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Context as _;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, stdin};
use tokio::signal::unix::{SignalKind, signal};

/// Say what went wrong, with its causes, on one line of standard error.
pub fn complain(error: &anyhow::Error) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "vox-testkit: {error:#}");
}

/// Write one JSON value as a line of standard output.
pub fn announce(value: &serde_json::Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}

/// Read a file of JSON; `what` names it in errors, as 'the script'.
pub fn read_json<T: DeserializeOwned>(path: &Path, what: &str) -> anyhow::Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("read {what} {}", path.display()))?;
    let mut json = serde_json::Deserializer::from_str(&text);
    let read = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| anyhow::anyhow!("at '{}': {}", error.path(), error.inner()))
        .with_context(|| format!("{what} {} is wrong", path.display()))?;
    json.end().with_context(|| format!("{what} {} goes on after its end", path.display()))?;
    Ok(read)
}

/// Until SIGTERM, SIGINT or, where it is asked for, the end of standard input.
pub async fn until_told(until_eof: bool) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = end_of_input(), if until_eof => {}
    }
    Ok(())
}

async fn end_of_input() {
    let mut input = stdin();
    let mut ignored = [0; 256];
    while input.read(&mut ignored).await.is_ok_and(|count| count > 0) {}
}
