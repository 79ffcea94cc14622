//! The figures of a part, as a document.

use std::collections::BTreeMap;
use std::fmt::Write;

use vox_amd::Class;

use crate::figures::{Share, percentile};
use crate::recipe::{Clip, KINDS};
use crate::tones::Beeping;
use crate::trial::Outcome;

/// What is kept of a clip.
#[derive(Clone)]
pub struct Label {
    pub kind: &'static str,
    pub class: Class,
    pub onset_ms: u32,
    pub greeting_end_ms: u32,
    pub beep: Option<(Beeping, u32)>,
    pub sit: Option<vox_amd::SitKind>,
    pub fax_ms: Option<u32>,
    pub mobile: bool,
}

impl Label {
    pub fn of(clip: &Clip) -> Self {
        Self {
            kind: clip.kind,
            class: clip.class,
            onset_ms: clip.onset_ms,
            greeting_end_ms: clip.greeting_end_ms,
            beep: clip.beep,
            sit: clip.sit,
            fax_ms: clip.fax_ms,
            mobile: clip.mobile,
        }
    }
}

/// A clip and what came of it.
pub type Row<'a> = (&'a Label, &'a Outcome);

/// A beep was found if one was told so near its end, ms.
const SAME_BEEP_MS: u32 = 250;
/// Classes of the columns.
const COLUMNS: [Class; 8] = Class::ALL;

fn class_of(verdict: Option<(Class, u32)>) -> Class {
    verdict.map_or(Class::Unsure, |(class, _)| class)
}

/// One row of the table of detectors.
pub fn line(name: &str, rows: &[Row<'_>]) -> String {
    let scored: Vec<&Row<'_>> = rows.iter().filter(|(label, _)| label.class != Class::Silent).collect();
    let people: Vec<&Row<'_>> =
        scored.iter().copied().filter(|(label, _)| label.class == Class::Human).collect();
    let machines: Vec<&Row<'_>> =
        scored.iter().copied().filter(|(label, _)| label.class != Class::Human).collect();
    let figures = |verdict: fn(&Outcome) -> Option<(Class, u32)>| {
        let is_machine = move |row: &&Row<'_>| class_of(verdict(row.1)).is_machine();
        let right = Share::of(&scored, |row| is_machine(row) == row.0.class.is_machine());
        let lost = Share::of(&people, is_machine);
        let missed = Share::of(&machines, |row| !is_machine(row));
        (right, lost, missed)
    };
    let short = |share: Share| {
        let (low, high) = share.interval();
        format!("{:.1} ({low:.1}–{high:.1})", share.percent())
    };
    let (first, last) = (figures(|outcome| outcome.first), figures(|outcome| outcome.last));
    format!(
        "| {name} | {:.3} | {} | {} | {:.3} | {} | {} |",
        first.0.percent() / 100.0,
        short(first.1),
        short(first.2),
        last.0.percent() / 100.0,
        short(last.1),
        short(last.2)
    )
}

/// Rows: who it is. Columns: what was said in the end.
pub fn confusion(rows: &[Row<'_>]) -> String {
    let mut text = String::from("| | ");
    let _ = writeln!(text, "{} |", COLUMNS.map(Class::as_str).join(" | "));
    let _ = writeln!(text, "| --- |{}", " ---: |".repeat(COLUMNS.len()));
    for class in COLUMNS.into_iter().filter(|class| *class != Class::Unsure) {
        let of_class: Vec<&Row<'_>> = rows.iter().filter(|(label, _)| label.class == class).collect();
        let count = |said: Class| {
            let count = of_class.iter().filter(|row| class_of(row.1.last) == said).count();
            if count == 0 { "·".to_owned() } else { count.to_string() }
        };
        let _ = writeln!(text, "| {} | {} |", class.as_str(), COLUMNS.map(count).join(" | "));
    }
    text
}

/// By kind: right at first, right in the end (person or machine), and of the right class in the end.
pub fn kinds(rows: &[Row<'_>]) -> String {
    let mut text =
        String::from("| kind | clips | first | in the end | class |\n| --- | ---: | ---: | ---: | ---: |\n");
    for (kind, _, class) in KINDS {
        let of_kind: Vec<&Row<'_>> = rows.iter().filter(|(label, _)| label.kind == *kind).collect();
        let is_right = |verdict: Option<(Class, u32)>| class_of(verdict).is_machine() == class.is_machine();
        let share =
            |is_one: &dyn Fn(&&Row<'_>) -> bool| format!("{:.1} %", Share::of(&of_kind, is_one).percent());
        let first = share(&|row| is_right(row.1.first));
        let last = share(&|row| is_right(row.1.last));
        let exact = share(&|row| class_of(row.1.last) == *class);
        let _ = writeln!(text, "| {kind} | {} | {first} | {last} | {exact} |", of_kind.len());
    }
    text
}

/// Latencies, ms.
pub fn latencies(rows: &[Row<'_>]) -> String {
    let from = |is_one: &dyn Fn(&Label) -> bool, since: &dyn Fn(&Label) -> u32, machine: bool| {
        let mut all: Vec<u32> = rows
            .iter()
            .filter(|(label, outcome)| {
                is_one(label)
                    && class_of(outcome.last).is_machine() == machine
                    && (machine || outcome.first == outcome.last)
            })
            .filter_map(|(label, outcome)| Some(outcome.last?.1.saturating_sub(since(label))))
            .collect();
        let mut at = |percent| percentile(&mut all, percent).map_or("–".to_owned(), |ms| ms.to_string());
        format!("{} | {} | {}", at(50), at(90), at(95))
    };
    let is_short = |label: &Label| label.kind == "human short";
    let is_human = |label: &Label| label.class == Class::Human && label.kind != "human after silence";
    let is_machine = |label: &Label| label.class.is_machine();
    let onset = |label: &Label| label.onset_ms;
    let end = |label: &Label| label.greeting_end_ms;
    let mut text =
        String::from("| from … to … | p50, ms | p90, ms | p95, ms |\n| --- | ---: | ---: | ---: |\n");
    let _ = writeln!(
        text,
        "| people: onset of speech to the first verdict | {} |",
        from(&is_human, &onset, false)
    );
    let _ = writeln!(
        text,
        "| short greetings: onset to the first verdict | {} |",
        from(&is_short, &onset, false)
    );
    let _ =
        writeln!(text, "| short greetings: end to the first verdict | {} |", from(&is_short, &end, false));
    let _ = writeln!(
        text,
        "| machines: onset to the verdict that stayed | {} |",
        from(&is_machine, &onset, true)
    );
    text
}

/// Beeps: found by line and by how they sound, false ones, and how far their ends are off.
pub fn beeps(rows: &[Row<'_>]) -> String {
    let mut text = String::from("| beep | G.711 | through GSM |\n| --- | --- | --- |\n");
    let found = |row: &&Row<'_>| {
        row.0.beep.is_some_and(|(_, end)| row.1.beeps.iter().any(|told| told.abs_diff(end) <= SAME_BEEP_MS))
    };
    for beeping in [Beeping::One, Beeping::Two, Beeping::Glide] {
        let share = |mobile: bool| {
            let all: Vec<&Row<'_>> = rows
                .iter()
                .filter(|(label, _)| {
                    label.mobile == mobile && label.beep.is_some_and(|(how, _)| how == beeping)
                })
                .collect();
            Share::of(&all, found)
        };
        let _ = writeln!(text, "| {} | {} | {} |", beeping.name(), share(false), share(true));
    }
    let mut off: Vec<u32> = rows
        .iter()
        .filter_map(|(label, outcome)| {
            let (_, end) = label.beep?;
            outcome.beeps.iter().map(|told| told.abs_diff(end)).filter(|off| *off <= SAME_BEEP_MS).min()
        })
        .collect();
    let false_in = |is_one: &dyn Fn(&Label) -> bool| {
        let all: Vec<&Row<'_>> = rows.iter().filter(|(label, _)| is_one(label)).collect();
        let is_false = |row: &&Row<'_>| {
            let end = row.0.beep.map(|(_, end)| end);
            row.1.beeps.iter().any(|told| end.is_none_or(|end| told.abs_diff(end) > SAME_BEEP_MS))
        };
        Share::of(&all, is_false)
    };
    let _ = writeln!(
        text,
        "\nClips with a false beep: of people {}; of machines that speak {}; of music and tones {}.",
        false_in(&|label| label.class == Class::Human),
        false_in(&|label| label.class.is_machine() && !is_tones(label)),
        false_in(&is_tones)
    );
    let (median, most) = (percentile(&mut off, 50), percentile(&mut off, 95));
    let _ = writeln!(text, "End of the beep: off by {} ms (p50), {} ms (p95).", ms(median), ms(most));
    text
}

fn is_tones(label: &Label) -> bool {
    matches!(label.kind, "music" | "fax" | "ringing and busy" | "carrier's tones" | "silence")
}

fn ms(value: Option<u32>) -> String {
    value.map_or("–".to_owned(), |ms| ms.to_string())
}

/// Carriers' tones and faxes.
pub fn tones(rows: &[Row<'_>]) -> String {
    let sits: Vec<&Row<'_>> = rows.iter().filter(|(label, _)| label.sit.is_some()).collect();
    let seen = Share::of(&sits, |row| row.1.sit.is_some());
    let right = Share::of(&sits, |row| row.1.sit == row.0.sit);
    let faxes: Vec<&Row<'_>> = rows.iter().filter(|(label, _)| label.kind == "fax").collect();
    let fax = Share::of(&faxes, |row| class_of(row.1.last) == Class::Tone);
    let mut after: Vec<u32> = faxes
        .iter()
        .filter_map(|row| {
            Some(row.1.last.filter(|(class, _)| *class == Class::Tone)?.1.saturating_sub(row.0.fax_ms?))
        })
        .collect();
    let (median, most) = (percentile(&mut after, 50), percentile(&mut after, 100));
    format!(
        "Special information tones: {seen} seen, of the right kind {right}.\nFaxes: {fax}; the called one's tone is known after {} ms (p50), {} ms at most.\n",
        ms(median),
        ms(most)
    )
}

/// What was decided, and why, of people who were lost and of machines that were missed: by reason.
pub fn reasons(rows: &[Row<'_>]) -> String {
    let mut reasons = BTreeMap::<String, usize>::new();
    for (label, outcome) in rows.iter().filter(|(label, _)| label.class != Class::Silent) {
        let said = class_of(outcome.last);
        if said.is_machine() != label.class.is_machine() {
            let reason = outcome.because.split([' ', '(', '{']).next().unwrap_or_default().to_owned();
            *reasons.entry(format!("{}: {} by {reason}", label.kind, said.as_str())).or_default() += 1;
        }
    }
    reasons.iter().fold(String::new(), |mut text, (reason, count)| {
        let _ = writeln!(text, "* {reason}: {count}");
        text
    })
}
