//! Figure 47 of the dialler: thirty days of 100,000 people over six campaigns of one tenant, in virtual time, by the rules that campaigns go
//! by; and whether all of them were kept, by the journal alone. Ends with an error when one was broken.
//!
//! `cargo run --release -p vox-bridge --example month`

mod diary;
mod people;
mod plan;

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use clap::Parser;
use vox_testkit::campaign::journal::Journal;
use vox_testkit::campaign::judge::judge;

/// As long as it may take.
const WANTED: Duration = Duration::from_secs(60);

#[derive(Parser)]
struct Arguments {
    /// People on the lists of all campaigns; with fewer than 100,000 there are fewer numbers to call from.
    #[arg(long, default_value_t = plan::ALL)]
    people: usize,
    /// Of all that is by chance; the same seed plays the same month.
    #[arg(long, default_value_t = 47)]
    seed: u64,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let begun = Instant::now();
    let month = plan::month(arguments.people, arguments.seed)?;
    let made = begun.elapsed();
    let (outcome, journal) = diary::play(month, arguments.seed);
    let played = begun.elapsed();
    let verdict = judge(&journal);
    let judged = begun.elapsed();
    let mut out = std::io::stdout().lock();
    let days = journal.terms.until.duration_since(journal.terms.from).as_hours() / 24;
    let people = journal.terms.people.len();
    writeln!(out, "{people} people, {days} days, {} dials, {} answers", outcome.attempts, outcome.answers)?;
    writeln!(
        out,
        "{:.1} s to make the lists, {:.1} s to play, {:.1} s to judge ({} s for all of it are wanted)",
        made.as_secs_f64(),
        (played - made).as_secs_f64(),
        (judged - played).as_secs_f64(),
        WANTED.as_secs()
    )?;
    say_of_campaigns(&mut out, &journal)?;
    write!(out, "{verdict}")?;
    out.flush()?;
    let broken = verdict.broken();
    anyhow::ensure!(
        broken.is_empty(),
        "broken: {}; repeat with --seed {}",
        broken.join("; "),
        arguments.seed
    );
    anyhow::ensure!(judged <= WANTED, "it took {:.1} s", judged.as_secs_f64());
    Ok(())
}

/// Of each campaign: dials, when the last one was, and what they came to.
fn say_of_campaigns(out: &mut impl Write, journal: &Journal) -> std::io::Result<()> {
    for (at, campaign) in journal.terms.campaigns.iter().enumerate() {
        let its = || journal.dials.iter().filter(|dial| journal.terms.people[dial.person].campaign == at);
        let mut results = BTreeMap::<&str, u64>::new();
        for dial in its() {
            let result = dial.ended.as_ref().map_or("open", |(_, result)| result.as_str());
            *results.entry(result).or_default() += 1;
        }
        let last = its().map(|dial| dial.at).max().unwrap_or(journal.terms.from);
        let told: Vec<String> = results.iter().map(|(result, count)| format!("{result} {count}")).collect();
        writeln!(out, "{}: {} dials until {last}; {}", campaign.name, its().count(), told.join(", "))?;
    }
    Ok(())
}
