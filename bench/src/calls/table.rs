//! Figures in rows and columns, for a terminal and for Markdown.

use std::fmt::Write as _;

use super::{Bar, Level, Report};
use vox_caller::Spread;

/// Cells as text; the first column is the row's name.
pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { head: head.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, name: &str, cells: impl IntoIterator<Item = String>) {
        self.rows.push(std::iter::once(name.to_owned()).chain(cells).collect());
    }

    /// Columns set by spaces.
    pub(crate) fn text(&self) -> String {
        let lines = || std::iter::once(&self.head).chain(&self.rows);
        let width = |column: usize| {
            lines().filter_map(|cells| cells.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let mut out = String::new();
        for cells in lines() {
            let mut line = String::new();
            for (cell, width) in cells.iter().zip(&widths) {
                let gap = width - cell.chars().count() + 2;
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', gap));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// A Markdown table.
    pub(crate) fn markdown(&self) -> String {
        let mut out = String::new();
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        out.push_str(&line(&self.head));
        out.push_str(&format!("|{}\n", " --- |".repeat(self.head.len())));
        self.rows.iter().for_each(|cells| out.push_str(&line(cells)));
        out
    }
}

/// Targets, figures and verdicts.
pub(super) fn bars(bars: &[Bar]) -> Table {
    let mut table = Table::new(["what", "target", "measured", "verdict"]);
    for bar in bars {
        table.row(&bar.name, [bar.target.clone(), bar.measured.clone(), bar.verdict.to_string()]);
    }
    table
}

/// What each level cost and was like.
pub(super) fn levels(report: &Report) -> Table {
    let mut table = Table::new(
        std::iter::once("calls at once".to_owned())
            .chain(report.levels.iter().map(|level| level.calls.to_string())),
    );
    let mut row = |name: &str, cell: fn(&Level) -> String| table.row(name, report.levels.iter().map(cell));
    row("CPU per call, % of a core: mean (highest)", |level| {
        format!("{:.2} ({:.2})", level.cpu_mean_percent(), level.cpu_percent.max)
    });
    row("private memory of an idle worker, MiB", |level| format!("{:.1}", level.idle_private_mib.p50));
    row("added by its call, MiB: median (most)", |level| {
        format!("{:.1} ({:.1})", level.added_private_mib.p50, level.added_private_mib.max)
    });
    row("shared memory of a worker, MiB", |level| format!("{:.1}", level.shared_mib.p50));
    row("turns measured", |level| level.talk.platform_ms.count.to_string());
    row("platform time per turn, ms: worker's account, P50 / P99", |level| two(&level.talk.platform_ms));
    row("same, by the known delays, P50 / P99", |level| two(&level.talk.platform_by_delays_ms));
    row("same, at the caller's ear, P50 / P99", |level| two(&level.talk.platform_by_ear_ms));
    row("wire to ear, ms, P50 / P99", |level| two(&level.talk.wire_to_ear_ms));
    row("end of turn decided, ms after its end, P50 / P99", |level| two(&level.talk.endpoint_ms));
    row("frame lateness at the caller, ms, P99 (most)", |level| {
        format!("{:.1} ({:.1})", level.talk.frame_lateness_ms.p99, level.talk.frame_lateness_ms.max)
    });
    row("same, P99.9", |level| format!("{:.1}", level.talk.frame_lateness_ms.p999));
    row("frame lateness at the worker, ms, worst call's P99", |level| {
        format!("{:.1}", level.talk.worker_frame_lateness_p99_ms.max)
    });
    row("underruns", |level| level.talk.underruns.to_string());
    row("holes heard in speech (longest, ms)", |level| {
        format!("{} ({:.0})", level.talk.gaps, level.talk.gap_longest_ms)
    });
    row("answer to first audio, ms, P50 / P99", |level| two(&level.talk.answer_to_first_audio_ms));
    row("barge-in to silence, ms: from the caller's onset, P50 / P99", |level| {
        two(&level.talk.barge_in_from_onset_ms)
    });
    row("same, from the worker's decision, P50 / P99", |level| two(&level.talk.barge_in_from_decision_ms));
    row("calls failed", |level| level.talk.failed.to_string());
    row("turns unanswered / cut into", |level| format!("{} / {}", level.talk.unanswered, level.talk.cut_ins));
    row("broken rules of the line's protocol", |level| level.talk.violations.to_string());
    table
}

/// Who used the machine.
pub(super) fn machine(report: &Report) -> Table {
    let mut table = Table::new(
        std::iter::once("% of one core, calls at once:".to_owned())
            .chain(report.levels.iter().map(|level| level.calls.to_string())),
    );
    let mut row = |name: &str, cell: fn(&Level) -> String| table.row(name, report.levels.iter().map(cell));
    row("all workers", |level| format!("{:.1}", level.machine.workers));
    row("callers and control plane", |level| format!("{:.1}", level.machine.callers));
    row("scripted vendors", |level| format!("{:.1}", level.machine.vendors));
    row("everything else on the machine", |level| format!("{:.1}", level.machine.others));
    row("taken by the host of this virtual machine", |level| format!("{:.1}", level.machine.stolen));
    row("of", |level| format!("{}", level.machine.cores * 100));
    row("lateness of the callers' own timers, ms, worst call's P99", |level| {
        format!("{:.1}", level.talk.caller_timer_lateness_p99_ms.max)
    });
    table
}

pub(crate) fn two(spread: &Spread) -> String {
    if spread.count == 0 { "-".to_owned() } else { format!("{:.1} / {:.1}", spread.p50, spread.p99) }
}

impl Report {
    /// The figures for a terminal.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for table in [bars(&self.bars()), levels(self), machine(self)] {
            out.push_str(&table.text());
            out.push('\n');
        }
        for level in &self.levels {
            for (reason, count) in &level.talk.reasons {
                let _infallible = writeln!(out, "{} calls: {count} x {reason}", level.calls);
            }
        }
        out
    }
}
