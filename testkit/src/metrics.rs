//! The catalogue of metrics as `docs/metrics.md` has it, beside what processes, rules and dashboards say.

use std::collections::{BTreeMap, BTreeSet};

const CATALOGUE: &str = include_str!("../../docs/metrics.md");
/// The mark of a metric that appears with its first occurrence.
const RARE: &str = "†";
/// Ends of the names of a family's samples.
const SAMPLES: [&str; 4] = ["_total", "_bucket", "_sum", "_count"];
/// Labels that a histogram's samples and the scraper add.
const GIVEN: [&str; 3] = ["le", "job", "instance"];

/// A metric by its name, as the catalogue has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metric {
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    pub labels: BTreeSet<String>,
    pub is_rare: bool,
}

/// Metrics by name.
pub type Metrics = BTreeMap<String, Metric>;

/// The catalogue's metrics of a process: `Worker`, `Bridge` or `Dialler`.
///
/// # Panics
///
/// When the page has no such section.
pub fn catalogue(process: &str) -> Metrics {
    let title = format!("## {process} ");
    let section = CATALOGUE.split("\n## ").map(|section| format!("## {section}"));
    let section = section.into_iter().find(|section| section.starts_with(&title));
    let section = section.unwrap_or_else(|| panic!("docs/metrics.md has no section '{process}'"));
    section.lines().filter(|line| line.starts_with("| `")).map(row).collect()
}

/// All of it.
pub fn whole_catalogue() -> Metrics {
    let mut all = catalogue("Worker");
    for (name, metric) in catalogue("Bridge").into_iter().chain(catalogue("Dialler")) {
        all.entry(name).or_default().labels.extend(metric.labels);
    }
    all
}

/// What no process tells yet and a rule may name all the same: the section "Not there yet".
pub fn to_come() -> Metrics {
    catalogue("Not")
}

fn row(line: &str) -> (String, Metric) {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let words =
        |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let name = words(cells[1]).remove(0);
    let labels = words(cells[3]).into_iter().collect();
    (name, Metric { kind: cells[2].to_owned(), labels, is_rare: cells[1].contains(RARE) })
}

/// What a page of metrics tells.
pub fn page(text: &str) -> Metrics {
    let mut metrics = Metrics::new();
    for line in text.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').unwrap_or((family, ""));
            let end = if kind == "counter" { "_total" } else { "" };
            metrics.entry(format!("{name}{end}")).or_default().kind = kind.to_owned();
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap_or_default();
            let labels = labels(line).into_iter().filter(|label| !GIVEN.contains(&label.as_str()));
            let of = [name, base(name)].into_iter().find(|name| metrics.contains_key(*name));
            if let Some(metric) = of.and_then(|name| metrics.get_mut(name)) {
                metric.labels.extend(labels);
            }
        }
    }
    metrics
}

fn base(name: &str) -> &str {
    SAMPLES.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

/// The labels between the first braces of a text.
fn labels(text: &str) -> BTreeSet<String> {
    let inside =
        text.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or("", |(inside, _)| inside);
    let pairs = inside.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(label, _)| label.trim_end_matches('!').trim().to_owned()).collect()
}

/// Names that a program registers, by its sources: without `_total`, as they are written there.
pub fn registered(sources: &[&str]) -> BTreeSet<String> {
    let calls = sources.iter().flat_map(|source| source.split("register(").skip(1));
    let names = calls.filter_map(|call| call.trim_start().strip_prefix('"')?.split_once('"'));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// What is wrong with what a process tells: it lacks what it should have, or it has what the catalogue does not.
pub fn differences(process: &str, page_text: &str, sources: &[&str]) -> Vec<String> {
    let (wanted, told) = (catalogue(process), page(page_text));
    let mut wrong = Vec::new();
    for (name, metric) in &wanted {
        match told.get(name) {
            None if metric.is_rare => {}
            None => wrong.push(format!("{name} is documented and not told")),
            Some(told) if (&told.kind, &told.labels) != (&metric.kind, &metric.labels) => {
                wrong.push(format!("{name} is documented as {metric:?} and told as {told:?}"));
            }
            Some(_) => {}
        }
    }
    let unknown = told.keys().filter(|name| !wanted.contains_key(*name));
    wrong.extend(unknown.map(|name| format!("{name} is told and not documented")));
    let documented: BTreeSet<String> =
        wanted.keys().map(|name| name.strip_suffix("_total").unwrap_or(name).to_owned()).collect();
    let written = registered(sources);
    let apart = written.symmetric_difference(&documented);
    wrong.extend(apart.map(|name| format!("{name} is only in the sources or only in the catalogue")));
    wrong
}

/// What is wrong with an expression of a rule or a dashboard: it names a metric or a label that the catalogue does not have, not even
/// among those to come. Every metric of ours stands before braces there.
pub fn unknown_in(expression: &str) -> Vec<String> {
    let mut all = whole_catalogue();
    all.extend(to_come());
    let mut wrong = Vec::new();
    for (at, _) in expression.match_indices('{') {
        let before = &expression[..at];
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = &before[before.trim_end_matches(is_part).len()..];
        if name.is_empty() || ["up", "ALERTS"].contains(&name) {
            continue;
        }
        let metric = all.get(name).or_else(|| all.get(base(name)));
        let Some(metric) = metric else {
            wrong.push(format!("{name} is no metric"));
            continue;
        };
        let unknown = labels(&expression[at..]).into_iter();
        let unknown = unknown.filter(|l| !metric.labels.contains(l) && !GIVEN.contains(&l.as_str()));
        wrong.extend(unknown.map(|label| format!("{name} has no label {label}")));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_with_its_labels() {
        let text = "# HELP calls Calls.\n# TYPE calls counter\ncalls_total{tenant=\"a\",status=\"b\"} 1\n\
                    # TYPE took histogram\ntook_sum 1\ntook_bucket{le=\"1.0\",path=\"/x\"} 1\n# EOF\n";
        let told = page(text);
        let names: Vec<_> = told.iter().map(|(name, metric)| (name.as_str(), metric.labels.len())).collect();
        assert_eq!(names, [("calls_total", 2), ("took", 1)]);
    }

    #[test]
    fn what_the_catalogue_does_not_have_is_found() {
        assert_eq!(
            unknown_in("rate(calls_total{job=\"x\",status!=\"failed\"}[5m]) > 1"),
            Vec::<String>::new()
        );
        assert_eq!(unknown_in("sum(call_total{a=\"b\"})"), ["call_total is no metric"]);
        assert_eq!(unknown_in("slots{colour=~\"red\"}"), ["slots has no label colour"]);
        assert_eq!(
            unknown_in("gpu_memory_bytes{state=\"used\",card=\"0\"}"),
            ["gpu_memory_bytes has no label card"]
        );
        let told: BTreeSet<String> = whole_catalogue().into_keys().collect();
        assert!(to_come().keys().all(|name| !told.contains(name)), "what is told is not to come");
        let wrong =
            differences("Worker", "# TYPE invented gauge\ninvented 1\n", &["register(\n \"made_up\","]);
        for part in ["calls_total is documented and not told", "invented is told", "made_up is only in"] {
            assert!(wrong.iter().any(|line| line.starts_with(part)), "{part}: {wrong:?}");
        }
    }
}
