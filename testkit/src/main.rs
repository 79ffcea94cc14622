//! `vox-testkit`: the test kit's servers as a program.

mod commands;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use commands::{carrier, serve};

/// Scripted vendors and a simulated carrier for telephone agents.
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
    /// Run the simulated carrier until it is told to stop.
    Carrier(carrier::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Carrier(arguments) => carrier::run(arguments).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            commands::complain(&error);
            ExitCode::FAILURE
        }
    }
}
