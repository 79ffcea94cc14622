//! The subcommand, and how it speaks to the terminal.

pub mod serve;

use std::io::Write;

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
