//! Rows of figures, with their targets beside them.

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Documents;

/// One figure, with what belongs to it.
pub struct Row {
    pub what: String,
    pub figures: Vec<(&'static str, f64)>,
    pub target: Option<Target>,
}

/// What the first figure of that name should be.
pub struct Target {
    pub name: &'static str,
    pub is: Bound,
}

pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

#[derive(Default)]
pub struct Report(Vec<Row>);

impl Row {
    /// Times of requests, in milliseconds.
    pub fn of_times(what: &str, mut times: Vec<Duration>) -> Self {
        times.sort();
        let at = |share: f64| match times.len() {
            0 => f64::NAN,
            n => times[((n - 1) as f64 * share) as usize].as_secs_f64() * 1e3,
        };
        let figures = vec![
            ("p50_ms", at(0.5)),
            ("p99_ms", at(0.99)),
            ("most_ms", at(1.0)),
            ("requests", times.len() as f64),
        ];
        Self { what: what.into(), figures, target: None }
    }

    pub fn aims(mut self, name: &'static str, is: Bound) -> Self {
        self.target = Some(Target { name, is });
        self
    }

    fn verdict(&self) -> String {
        let Some(Target { name, is }) = &self.target else { return String::new() };
        let value = self.figures.iter().find(|(n, _)| n == name).map_or(f64::NAN, |(_, v)| *v);
        let (sign, bound, is_met) = match is {
            Bound::AtMost(most) => ("<=", most, value <= *most),
            Bound::AtLeast(least) => (">=", least, value >= *least),
        };
        format!("{name} {sign} {bound}: {}", if is_met { "met" } else { "**missed**" })
    }
}

impl Report {
    pub fn add(&mut self, row: Row) {
        eprint_row(&row);
        self.0.push(row);
    }

    pub fn print(&self, engine: Documents, as_json: bool) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if as_json {
            let rows: Vec<Value> = self
                .0
                .iter()
                .map(|row| {
                    let figures: serde_json::Map<String, Value> =
                        row.figures.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
                    json!({ "what": row.what, "figures": figures, "verdict": row.verdict() })
                })
                .collect();
            return Ok(writeln!(
                out,
                "{}",
                json!({ "engine": format!("{engine:?}").to_lowercase(), "rows": rows })
            )?);
        }
        writeln!(out, "| on {engine:?} | figures | target |\n| --- | --- | --- |")?;
        for row in &self.0 {
            writeln!(out, "| {} | {} | {} |", row.what, figures_of(row), row.verdict())?;
        }
        Ok(())
    }
}

fn figures_of(row: &Row) -> String {
    let figures: Vec<String> = row.figures.iter().map(|(name, value)| format!("{name} {value:.1}")).collect();
    figures.join(", ")
}

/// Progress, for whoever waits: filling a store takes minutes.
fn eprint_row(row: &Row) {
    let _ = writeln!(std::io::stderr(), "{}: {}", row.what, figures_of(row));
}
