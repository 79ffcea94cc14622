//! The subcommands, and how they speak to the terminal.

pub mod bad_day;
pub mod calls;
pub mod dialler;
pub mod kill;
pub mod livekit;
pub mod load;
pub mod vendors;

use std::io::Write;

/// Say what went wrong, with its causes, on one line of standard error.
pub fn complain(error: &anyhow::Error) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "vox-bench: {error:#}");
}

/// Say on standard error what is being done, for whoever waits.
pub fn progress(what: &str) {
    // A program that reports elsewhere may have closed it.
    let _ = writeln!(std::io::stderr(), "vox-bench: {what}");
}

/// Write one JSON value as a line of standard output.
pub fn announce(value: &serde_json::Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}
