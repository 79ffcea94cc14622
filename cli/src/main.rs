//! `vox`: read the arguments, do what they say, tell what went wrong.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use vox_cli::arguments::{Arguments, Command};
use vox_cli::terminal::Terminal;
use vox_cli::{call, campaign, doctor, scale, up};
use vox_shared::env::Env;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let env = Env::of_process();
    let errors = Terminal::stderr(&env);
    let outcome = run(arguments, env);
    outcome.unwrap_or_else(|error| {
        errors.error(&format!("{error:#}"));
        ExitCode::FAILURE
    })
}

/// On one thread: the kernel ends the children of `vox up` when the thread that started them ends, so it must be one that
/// lasts. Nothing here is heavy enough to need another.
fn run(arguments: Arguments, env: Env) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let outcome = runtime.block_on(async {
        match arguments.command {
            Command::Up(arguments) => Ok(up::run(arguments, &env).await?),
            Command::Call(arguments) => Ok(call::run(arguments, &env).await?),
            Command::Doctor(arguments) => Ok(doctor::run(arguments, env).await?),
            Command::Scale(arguments) => Ok(scale::run(arguments, env).await?),
            Command::Campaign(arguments) => Ok(campaign::run(*arguments, env).await?),
        }
    });
    // A thread that still waits for the keyboard must not hold up the end.
    runtime.shutdown_background();
    outcome
}
