//! Measures a bridge over HTTP, on either engine: config fetches at a steady rate, results stored durably, lists, searches and sums over
//! many calls, webhooks beside dead endpoints, a flood of logins. Prints a table with the targets beside it, or JSON.
//!
//! `cargo run --release -p vox-bridge --example measure -- --engine embedded --calls 1000000`

mod bridge;
mod configs;
mod lists;
mod logins;
mod report;
mod results;
mod search;
mod seed;
mod sums;
mod webhooks;

use std::time::Duration;

use clap::{Parser, ValueEnum};

use bridge::Bridge;
use report::{Report, Row};

/// What is measured, and on what.
#[derive(Clone, Debug, Parser)]
struct Arguments {
    #[arg(long, value_enum, default_value_t = Documents::Embedded)]
    engine: Documents,
    /// Of the server for `--engine mongodb`: a database of a fresh name is made there, and stays.
    #[arg(long, env = "TEST_MONGODB_URI")]
    mongodb_uri: Option<String>,
    /// Calls that are there when lists are read.
    #[arg(long, default_value_t = 1_000_000)]
    calls: usize,
    /// How long each rate is held.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    #[arg(long)]
    json: bool,
}

/// Where the documents are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Documents {
    Embedded,
    Mongodb,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Fails only if a provider was chosen before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    let time = Duration::from_secs(arguments.seconds);
    let bridge = Bridge::start(&arguments).await?;
    let mut report = Report::default();
    report.add(results::stored(&bridge, time).await?);
    report.add(configs::fetched(&bridge, time).await?);
    let (configs, logins) = tokio::try_join!(configs::fetched(&bridge, time), logins::flood(&bridge, time))?;
    report.add(Row { what: "config fetch during a flood of logins".into(), ..configs });
    report.add(logins);
    report.add(webhooks::delivered(&bridge).await?);
    report.add(seed::fill(&bridge, arguments.calls).await?);
    for row in lists::read(&bridge).await? {
        report.add(row);
    }
    for row in search::found(&bridge).await? {
        report.add(row);
    }
    report.add(seed::count(&bridge, arguments.calls).await?);
    for row in sums::asked(&bridge).await? {
        report.add(row);
    }
    bridge.stop().await?;
    report.print(arguments.engine, arguments.json)
}
