//! `vox-testkit`: the test kit's servers and load generators as a program.

mod commands;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use commands::{bench, kill, load, serve};

/// Scripted vendors and load generators for telephone agents.
#[derive(Parser)]
#[command(name = "vox-testkit", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run one scripted vendor until it is told to stop.
    Serve(serve::Arguments),
    /// Talk to a server of a media protocol with many callers, and tell what they heard.
    Load(load::Arguments),
    /// Measure what calls cost and how fluent they are, with real workers at several levels of load.
    Bench(bench::Arguments),
    /// Kill the platform's processes in mid-call, again and again, and check that no call's record is lost or doubled.
    Kill(kill::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Load(arguments) => load::run(arguments).await,
        Command::Bench(arguments) => bench::run(arguments).await,
        Command::Kill(arguments) => kill::run(arguments).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            commands::complain(&error);
            ExitCode::FAILURE
        }
    }
}
