//! `vox-bench`: measures calls, makes many of them, and kills the platform under them.

mod commands;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use commands::{bad_day, calls, dialler, kill, livekit, load, vendors};

/// What calls cost, how fluent they are, and whether their records survive.
#[derive(Parser)]
#[command(name = "vox-bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure what calls cost and how fluent they are, with real workers at several levels of load.
    Calls(Box<calls::Arguments>),
    /// Measure calls in LiveKit rooms, beside the same over a WebSocket, or on bad networks.
    Livekit(Box<livekit::Arguments>),
    /// Measure calls with each vendor in turn, over TLS, with tools and fall-backs.
    Vendors(Box<vendors::Arguments>),
    /// Talk to a server of a media protocol with many callers, and tell what they heard.
    Load(Box<load::Arguments>),
    /// Write what `just bad-day` has counted into a page of the documentation.
    BadDay(bad_day::Arguments),
    /// Kill the platform's processes in mid-call, again and again, and check that no call's record is lost or doubled.
    Kill(kill::Arguments),
    /// Run a campaign against a simulated carrier, kill and pause what runs, and check that nobody was rung twice.
    Dialler(dialler::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Calls(arguments) => calls::run(*arguments).await,
        Command::Livekit(arguments) => livekit::run(*arguments).await,
        Command::Vendors(arguments) => vendors::run(*arguments).await,
        Command::Load(arguments) => load::run(*arguments).await,
        Command::BadDay(arguments) => bad_day::run(&arguments),
        Command::Kill(arguments) => kill::run(arguments).await,
        Command::Dialler(arguments) => dialler::run(arguments).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            commands::complain(&error);
            ExitCode::FAILURE
        }
    }
}
