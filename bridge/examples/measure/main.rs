//! Measures a bridge over HTTP, on either engine: config fetches at a steady rate, results stored durably, lists, searches and sums over
//! many calls, webhooks beside dead endpoints, a flood of logins. Without a bridge: numbers of lists that are read, and permits of calls.
//! Prints a table with the targets beside it, or JSON.
//!
//! `cargo run --release -p vox-bridge --example measure -- --engine embedded --calls 1000000`

mod bridge;
mod configs;
mod lists;
mod logins;
mod permits;
mod phones;
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
    /// Nothing but these, in their own order; `sums` and `lists` need the calls that they find.
    #[arg(long, value_enum, num_args = 1..)]
    only: Vec<Part>,
    #[arg(long)]
    json: bool,
}

/// What may be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Results,
    Configs,
    Webhooks,
    Lists,
    Sums,
    Phones,
    /// Of this process and of a Redis server, which must be installed: only where it is named.
    Permits,
}

impl Part {
    /// Whether a bridge is asked.
    fn asks_a_bridge(self) -> bool {
        !matches!(self, Self::Phones | Self::Permits)
    }
}

impl Arguments {
    fn has(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    fn has_one_of_a_bridge(&self) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| part.asks_a_bridge())
    }
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
    let mut report = Report::default();
    if arguments.has(Part::Phones) {
        report.add(phones::read(time));
    }
    if arguments.only.contains(&Part::Permits) {
        permits::given(time).await?.into_iter().for_each(|row| report.add(row));
    }
    if arguments.has_one_of_a_bridge() {
        of_a_bridge(&arguments, time, &mut report).await?;
    }
    report.print(arguments.engine, arguments.json)
}

/// What a bridge is asked over HTTP.
async fn of_a_bridge(arguments: &Arguments, time: Duration, report: &mut Report) -> anyhow::Result<()> {
    let bridge = Bridge::start(arguments).await?;
    if arguments.has(Part::Results) {
        report.add(results::stored(&bridge, time).await?);
    }
    if arguments.has(Part::Configs) {
        report.add(configs::fetched(&bridge, time).await?);
        let (configs, logins) =
            tokio::try_join!(configs::fetched(&bridge, time), logins::flood(&bridge, time))?;
        report.add(Row { what: "config fetch during a flood of logins".into(), ..configs });
        report.add(logins);
    }
    if arguments.has(Part::Webhooks) {
        report.add(webhooks::delivered(&bridge).await?);
    }
    of_calls(&bridge, arguments, report).await?;
    bridge.stop().await
}

/// What is asked of very many calls.
async fn of_calls(bridge: &Bridge, arguments: &Arguments, report: &mut Report) -> anyhow::Result<()> {
    if arguments.has(Part::Lists) || arguments.has(Part::Sums) {
        report.add(seed::fill(bridge, arguments.calls).await?);
    }
    if arguments.has(Part::Lists) {
        lists::read(bridge).await?.into_iter().for_each(|row| report.add(row));
        search::found(bridge).await?.into_iter().for_each(|row| report.add(row));
    }
    if arguments.has(Part::Sums) {
        report.add(seed::count(bridge, arguments.calls).await?);
        sums::asked(bridge).await?.into_iter().for_each(|row| report.add(row));
    }
    Ok(())
}
