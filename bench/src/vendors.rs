//! Calls with each vendor in turn, the two other parts played by the usual ones: all of them over TLS, and the bot with tools and two
//! fall-backs for each part. What a vendor's protocol costs a worker is seen beside the others.

use serde::Serialize;
use serde_json::Value;

use crate::calls::{
    BenchError, Cast, Ground, Identity, Level, MODELS, Machine, Part, RECOGNISERS, Road, Settings, Table,
    VOICES, run_level, speech, two,
};

/// Of a core, mean of the calls of a row: `docs/benchmarks.md` has the same bar without TLS.
const MOST_CPU_PERCENT: f64 = 1.0;

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Recogniser,
    Model,
    Voice,
}

/// Calls with one vendor.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub kind: Kind,
    pub vendor: &'static str,
    #[serde(flatten)]
    pub level: Level,
}

/// Everything that was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub machine: Machine,
    pub calls: u32,
    pub rows: Vec<Row>,
}

/// Measure; `progress` is told what is being done. Of the settings' levels the first is taken. `only` names the vendors, if not all.
///
/// # Errors
/// When a program or the weights are missing, or something does not start. Calls that fail are figures, not errors.
pub async fn run(
    settings: &Settings,
    only: &[String],
    mut progress: impl FnMut(&str),
) -> Result<Report, BenchError> {
    let machine = Machine::here(&settings.programs);
    let calls = settings.levels.first().copied().unwrap_or(1);
    let (clips, _) = speech(settings.protocol.rate_hz()).await?;
    let identity = Identity::generate()?;
    let road = Road::Socket(settings.protocol);
    let mut rows = Vec::new();
    for (kind, part, cast) in
        casts().filter(|(_, part, _)| only.is_empty() || only.iter().any(|name| name == part.name))
    {
        progress(&format!("{}: {} calls at once", part.name, calls));
        let with = (cast, Some(&identity));
        let ground = Box::pin(Ground::with(settings, clips.clone(), with, Vec::new())).await?;
        Box::pin(ground.warm_up(&[&road])).await?;
        let level = Box::pin(run_level(&ground, &road, calls)).await?;
        rows.push(Row { kind, vendor: part.name, level });
    }
    Ok(Report { machine, calls, rows })
}

fn casts() -> impl Iterator<Item = (Kind, &'static Part, Cast)> {
    let of = |kind: Kind, parts: &'static [Part], put: fn(&'static Part) -> Cast| {
        parts.iter().map(move |part| (kind, part, put(part)))
    };
    of(Kind::Recogniser, &RECOGNISERS, |recogniser| Cast { recogniser, ..Cast::USUAL })
        .chain(of(Kind::Model, &MODELS, |model| Cast { model, ..Cast::USUAL }))
        .chain(of(Kind::Voice, &VOICES, |voice| Cast { voice, ..Cast::USUAL }))
}

impl Report {
    /// Everything as one JSON object.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The figures for a terminal.
    pub fn to_text(&self) -> String {
        let mut out = self.table().text();
        for row in &self.rows {
            for (reason, count) in &row.level.talk.reasons {
                out.push_str(&format!("{}: {count} x {reason}\n", row.vendor));
            }
        }
        out
    }

    /// `docs/benchmarks-vendors.md`.
    pub fn to_markdown(&self) -> String {
        let mut parts = vec![
            "# Benchmarks: calls by vendor\n\nWritten by `just bench vendors`; do not edit by hand.\n"
                .to_owned(),
            self.machine.surroundings("vendors"),
            format!("## {} calls at once\n\n{}", self.calls, self.table().markdown()),
            METHOD.to_owned(),
        ];
        if self.machine.profile != "release" {
            parts.push(
                "These figures are not of the release profile: they say nothing about production.\n"
                    .to_owned(),
            );
        }
        parts.join("\n")
    }

    fn table(&self) -> Table {
        let mut table = Table::new([
            "vendor",
            "part",
            "CPU per call, % of a core: mean (highest)",
            "private memory added by a call, MiB",
            "platform time per turn, ms, P50 / P99",
            "wire to ear, ms, P50 / P99",
            "turns",
            "calls failed",
            "turns unanswered / cut into",
            "CPU bar of 1 %",
        ]);
        for Row { kind, vendor, level } in &self.rows {
            let mean = level.cpu_mean_percent();
            let part = match kind {
                Kind::Recogniser => "recogniser",
                Kind::Model => "model",
                Kind::Voice => "voice",
            };
            let cells = [
                part.to_owned(),
                format!("{mean:.2} ({:.2})", level.cpu_percent.max),
                format!("{:.1}", level.added_private_mib.p50),
                two(&level.talk.platform_ms),
                two(&level.talk.wire_to_ear_ms),
                level.talk.platform_ms.count.to_string(),
                level.talk.failed.to_string(),
                format!("{} / {}", level.talk.unanswered, level.talk.cut_ins),
                if mean <= MOST_CPU_PERCENT { "met".to_owned() } else { "**missed**".to_owned() },
            ];
            table.row(vendor, cells);
        }
        table
    }
}

const METHOD: &str = "## How it is measured\n\n\
    As in `docs/benchmarks.md`, over `/ws`: a worker process for each call, callers that speak and interrupt, a control plane in memory, the \
    vendors' strict scripted servers in processes of their own. Here every vendor is reached over TLS (1.3, a certificate of the run's own, ended \
    by the benchmark's process), and the bot has two tools and two fall-backs for each part. A row's vendor plays its part, and Deepgram Nova, \
    OpenAI's Chat Completions and ElevenLabs the two others.\n\n\
    The scripts' delays are those of `docs/benchmarks.md`: the recogniser's 100 ms, the model's 200 ms and 20 ms a token, the voice's 120 ms. Where a \
    vendor ends a turn by its own judgement, *wire to ear* has its wait in it, which is the script's and says nothing about the vendor's \
    service. Vertex AI is Gemini's protocol with the tokens of a service account, which the same scripted server gives.\n";

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row is about its own vendor, and the two others are the usual ones.
    #[test]
    fn each_vendor_plays_its_part_once() {
        let mut names = Vec::new();
        for (kind, part, cast) in casts() {
            let parts = [cast.recogniser, cast.model, cast.voice];
            let usual = [Cast::USUAL.recogniser, Cast::USUAL.model, Cast::USUAL.voice];
            let at = kind as usize;
            assert!(std::ptr::eq(parts[at], part));
            let others_are_usual =
                (0..3).filter(|other| *other != at).all(|other| std::ptr::eq(parts[other], usual[other]));
            assert!(others_are_usual, "{}", part.name);
            names.push((at, part.name));
        }
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "a row for each");
    }
}
