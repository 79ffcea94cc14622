//! The set of answering machines: made, heard, and counted. `just bench amd` runs it.
//!
//!     scripts/amd/install.sh
//!     cargo run --release -p vox-amd --example amd_bench -- --markdown docs/benchmarks-amd.md
//!
//! Everything is made here from texts, voices and seeds; what voices spoke once is kept in `target/amd-voices`. Arguments:
//! `--markdown FILE` writes the figures there; `--errors` prints each clip of the tuning part that was judged wrongly; `--settings FILE`
//! takes the detector's settings from JSON; `--part tuning` or `--part held-out` makes one part alone; `--of N` takes every Nth clip; `--quick` compares
//! fewer detectors.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod asked;
mod document;
mod figures;
mod hearing;
mod line;
mod random;
mod recipe;
mod report;
mod texts;
mod tones;
mod trial;
mod voices;

use std::path::Path;

use anyhow::{Context, ensure};
use vox_amd::{Class, News, Settings};

use asked::Asked;
use document::{Cost, Judged};
use hearing::Ear;
use recipe::{KINDS, Recipe};
use report::Label;
use texts::Part;
use trial::{Case, Outcome};
use voices::Voices;

/// Of everything here.
pub const RATE_HZ: u32 = 8_000;
/// Samples of 10, 20 and 60 ms.
const PIECES: [usize; 3] = [80, 160, 480];
/// Every so manieth clip is heard in all pieces.
const PIECES_OF: usize = 5;

struct Arguments {
    asked: Asked,
    errors: bool,
    settings: Settings,
    quick: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = arguments()?;
    let mut cases = cases(&arguments.settings);
    if arguments.quick {
        cases.retain(|case| case.name == document::CHOSEN || case.model.is_some());
    }
    let mut voices = Voices::new(Path::new("target/amd-voices"))?;
    let mut parts = Vec::new();
    for part in &arguments.asked.parts {
        parts.push(judge(*part, &arguments, &cases, &mut voices)?);
    }
    arguments.asked.publish(&document::of(&mut parts, &cases))
}

fn arguments() -> anyhow::Result<Arguments> {
    let mut given = std::env::args().skip(1);
    let mut arguments =
        Arguments { asked: Asked::default(), errors: false, settings: Settings::default(), quick: false };
    while let Some(name) = given.next() {
        let mut value = || given.next().with_context(|| format!("{name} wants a value"));
        match name.as_str() {
            "--errors" => arguments.errors = true,
            "--quick" => arguments.quick = true,
            "--settings" => arguments.settings = serde_json::from_str(&std::fs::read_to_string(value()?)?)?,
            other => {
                let is_known = arguments.asked.takes(other, &mut value)?;
                ensure!(is_known, "{other} is no argument: {}, --errors, --settings, --quick", Asked::NAMES);
            }
        }
    }
    Ok(arguments)
}

/// The detectors that are compared. The one by which errors are told is [`document::CHOSEN`].
fn cases(settings: &Settings) -> Vec<Case> {
    let old = |arguments| Settings::from_old(arguments).expect("the arguments stand here");
    let hears = |errors, unknown| Ear::Hears { errors, unknown };
    let case = |name, ear, model| Case { name, settings: settings.clone(), ear, model, rings: false };
    vec![
        Case { settings: old(""), ..case("Asterisk's AMD(), its defaults", Ear::None, None) },
        Case {
            settings: old("2000,2000,1000,5000,120,50,4,256"),
            ..case("VICIdial's habit", Ear::None, None)
        },
        case("no recogniser", Ear::None, None),
        case("words, 12 % wrong", hears(0.12, 0.0), None),
        case("… wording known for 80 % of calls", hears(0.12, 0.2), None),
        case(document::CHOSEN, hears(0.12, 0.4), None),
        Case { rings: true, ..case("… 60 %, and how long it rang", hears(0.12, 0.4), None) },
        case(
            "… 60 %, and a model: 93 % of machines, 98 % of people right",
            hears(0.12, 0.4),
            Some((0.93, 0.98)),
        ),
        case("… 60 %, and a model: 90 %, 99 %", hears(0.12, 0.4), Some((0.90, 0.99))),
        case("words, 25 % wrong", hears(0.25, 0.0), None),
        case(document::EMPTY, Ear::Empty, None),
        case(document::DEAD, Ear::Dead, None),
    ]
}

fn judge(part: Part, arguments: &Arguments, cases: &[Case], voices: &mut Voices) -> anyhow::Result<Judged> {
    let texts = texts::of(part)?;
    let mut recipe = Recipe { part, texts, voices, babble: Vec::new() }.with_babble()?;
    let mut judged =
        Judged { part, labels: Vec::new(), outcomes: vec![Vec::new(); cases.len()], cost: Cost::default() };
    for (kind, count, class) in KINDS {
        eprint_kind(part, kind);
        for number in arguments.asked.numbers(part, *count) {
            let clip = recipe.clip(kind, *class, number)?;
            for (case, outcomes) in cases.iter().zip(&mut judged.outcomes) {
                let outcome = trial::run(&clip, case, PIECES[1])?;
                if arguments.errors && part == Part::Tuning && case.name == document::CHOSEN {
                    complain(&clip, &outcome);
                }
                if case.name == document::CHOSEN {
                    judged.cost.take(&outcome, &clip.name);
                    if number % PIECES_OF == 0 {
                        let others =
                            [trial::run(&clip, case, PIECES[0])?, trial::run(&clip, case, PIECES[2])?];
                        judged.cost.compare(&outcome, &others);
                    }
                }
                outcomes.push(Outcome { news: Vec::new(), ..outcome });
            }
            judged.labels.push(Label::of(&clip));
        }
    }
    Ok(judged)
}

#[expect(clippy::print_stderr, reason = "whoever waits sees where it is")]
fn eprint_kind(part: Part, kind: &str) {
    eprintln!("amd_bench: {}: {kind}", part.name());
}

fn complain(clip: &recipe::Clip, outcome: &Outcome) {
    let missed = clip.beep.filter(|(_, end)| !outcome.beeps.iter().any(|told| told.abs_diff(*end) <= 250));
    if let Some((beeping, end)) = missed {
        println!(
            "NO BEEP {} at {end}, {}: {}; told {:?}",
            clip.name,
            beeping.name(),
            clip.beep_is,
            outcome.beeps
        );
    }
    let said = outcome.last.map_or(Class::Unsure, |(class, _)| class);
    if said.is_machine() != clip.class.is_machine() && clip.class != Class::Silent {
        let trail: Vec<String> = outcome
            .news
            .iter()
            .filter_map(|news| match news {
                News::Verdict(v) | News::Corrected(v) => {
                    Some(format!("{} {:?} {:?}", v.at_ms, v.class, v.because))
                }
                News::Beep { ended_ms, hertz, length_ms } => {
                    Some(format!("beep {ended_ms} {hertz} {length_ms}"))
                }
                _ => None,
            })
            .collect();
        println!(
            "WRONG {} onset {} end {}: {:?}: {}",
            clip.name,
            clip.onset_ms,
            clip.greeting_end_ms,
            clip.text,
            trail.join("; ")
        );
    }
}
