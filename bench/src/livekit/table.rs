//! Figures in rows and columns.

use vox_caller::Spread;

use super::{AgentLevel, Impaired, Kept, Pair, Report};
use crate::calls::{Level, Table, two};

/// What calls in rooms cost and were like, beside those over sockets: two columns a level.
pub(super) fn pairs(report: &Report) -> Table {
    let heads = report.pairs.iter().flat_map(|pair| {
        [format!("{} over `/{}`", pair.calls, report.protocol), format!("{} in rooms", pair.calls)]
    });
    let mut table = Table::new(std::iter::once("calls at once".to_owned()).chain(heads));
    let mut row = |name: &str, cell: fn(&Level) -> String| {
        table.row(name, report.pairs.iter().flat_map(|pair| [cell(&pair.socket), cell(&pair.room)]));
    };
    row("CPU of workers per call, % of a core: mean (highest)", |level| {
        format!("{:.2} ({:.2})", per_call(level, level.machine.workers), level.cpu_percent.max)
    });
    row("CPU of the LiveKit server per call, % of a core", |level| {
        format!("{:.2}", per_call(level, level.machine.server))
    });
    row("private memory of an idle worker, MiB", |level| format!("{:.1}", level.idle_private_mib.p50));
    row("added by its call, MiB: median (most)", |level| {
        format!("{:.1} ({:.1})", level.added_private_mib.p50, level.added_private_mib.max)
    });
    row("turns measured", |level| level.talk.wire_to_ear_ms.count.to_string());
    row("caller's ear: end of speech to answer, ms, P50 / P99", |level| two(&level.talk.wire_to_ear_ms));
    row("the same without the known delays, P50 / P99", |level| two(&level.talk.platform_by_ear_ms));
    row("worker's account of the same, P50 / P99", |level| two(&level.talk.platform_by_delays_ms));
    row("call begun to first audio, ms, P50 / P99", |level| two(&level.talk.answer_to_first_audio_ms));
    row("barge-in to silence, ms: from the caller's onset, P50", |level| {
        one(&level.talk.barge_in_from_onset_ms)
    });
    row("frames late at the worker, ms, worst call's P99", |level| {
        format!("{:.1}", level.talk.worker_frame_lateness_p99_ms.max)
    });
    row("underruns", |level| level.talk.underruns.to_string());
    row("holes heard in speech", |level| level.talk.gaps.to_string());
    row("calls failed", |level| level.talk.failed.to_string());
    row("turns unanswered / cut into", |level| format!("{} / {}", level.talk.unanswered, level.talk.cut_ins));
    table
}

/// How many times as much a call in a room costs.
pub(super) fn ratios(report: &Report) -> Table {
    let mut table = levels("a call in a room, times one over the socket", report);
    let mut row = |name: &str, of: fn(&Level) -> f64| {
        let cell = |pair: &Pair| times(of(&pair.room), of(&pair.socket));
        table.row(name, report.pairs.iter().map(cell));
    };
    row("CPU of the worker", |level| level.machine.workers);
    row("CPU of worker and LiveKit server", |level| level.machine.workers + level.machine.server);
    row("private memory, idle and added", |level| level.idle_private_mib.p50 + level.added_private_mib.p50);
    row("end of speech to answer, P50", |level| level.talk.wire_to_ear_ms.p50);
    table
}

/// How calls in rooms came about.
pub(super) fn entries(report: &Report) -> Table {
    let mut table = levels("in rooms; ms, P50 / P99", report);
    let mut row = |name: &str, cell: fn(&Pair) -> String| table.row(name, report.pairs.iter().map(cell));
    row("the visitor: first request to media", |pair| two(&pair.entries.visitor_ms));
    row("order to the worker's answer", |pair| two(&pair.entries.accepted_ms));
    row("order to the bot seen in the room", |pair| two(&pair.entries.joined_ms));
    row("order to its voice received", |pair| two(&pair.entries.voice_ms));
    row("from there to the greeting heard", |pair| two(&pair.entries.greeting_ms));
    row("order to the greeting heard", |pair| two(&pair.entries.order_to_greeting_ms));
    row("packets for callers", |pair| pair.entries.packets.to_string());
    row("of these late / missing when due", |pair| format!("{} / {}", pair.entries.late, pair.entries.lost));
    row("frames invented / left out", |pair| format!("{} / {}", pair.entries.invented, pair.entries.skipped));
    table
}

/// The vendor's agent, beside ours in rooms.
pub(super) fn agents(report: &Report, levels: &[AgentLevel]) -> Table {
    let ours = |calls: u32| report.pairs.iter().find(|pair| pair.calls == calls);
    let heads = levels.iter().flat_map(|level| {
        [format!("{} of Vox", level.calls), format!("{} of the vendor's", level.calls), "times".to_owned()]
    });
    let mut table = Table::new(std::iter::once("calls at once, in rooms".to_owned()).chain(heads));
    let mut row = |name: &str, vox: fn(&Pair) -> f64, theirs: fn(&AgentLevel) -> f64| {
        let cells = levels.iter().flat_map(|level| {
            let (ours, theirs) = (ours(level.calls).map(vox), theirs(level));
            let cell = ours.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
            [cell, format!("{theirs:.2}"), times(theirs, ours.unwrap_or_default())]
        });
        table.row(name, cells);
    };
    row(
        "CPU per call, % of a core, all their processes",
        |pair| per_call(&pair.room, pair.room.machine.workers),
        |level| level.cpu_per_call,
    );
    row(
        "private memory per idle slot, MiB",
        |pair| pair.room.idle_private_mib.p50,
        |level| level.idle_private_mib,
    );
    row(
        "private memory per call, MiB",
        |pair| pair.room.idle_private_mib.p50 + pair.room.added_private_mib.p50,
        |level| level.busy_private_mib,
    );
    row(
        "bot seen in the room, ms, P50",
        |pair| pair.entries.joined_ms.p50,
        |level| level.entries.joined_ms.p50,
    );
    row(
        "greeting heard, ms, P50",
        |pair| pair.entries.order_to_greeting_ms.p50,
        |level| level.entries.order_to_greeting_ms.p50,
    );
    row(
        "end of speech to answer, ms, P50",
        |pair| pair.room.talk.wire_to_ear_ms.p50,
        |level| level.talk.wire_to_ear_ms.p50,
    );
    row("the same, P99", |pair| pair.room.talk.wire_to_ear_ms.p99, |level| level.talk.wire_to_ear_ms.p99);
    row(
        "turns measured",
        |pair| pair.room.talk.wire_to_ear_ms.count as f64,
        |level| level.talk.wire_to_ear_ms.count as f64,
    );
    row("turns unanswered", |pair| pair.room.talk.unanswered as f64, |level| level.talk.unanswered as f64);
    row("calls failed", |pair| pair.room.talk.failed as f64, |level| level.talk.failed as f64);
    table
}

/// Who used the machine.
pub(super) fn machine(report: &Report) -> Table {
    let heads = report.pairs.iter().flat_map(|pair| {
        [format!("{} over `/{}`", pair.calls, report.protocol), format!("{} in rooms", pair.calls)]
    });
    let mut table = Table::new(std::iter::once("% of one core".to_owned()).chain(heads));
    let mut row = |name: &str, cell: fn(&Level) -> f64| {
        let cells = report.pairs.iter().flat_map(|pair| [cell(&pair.socket), cell(&pair.room)]);
        table.row(name, cells.map(|value| format!("{value:.1}")));
    };
    row("all workers", |level| level.machine.workers);
    row("the LiveKit server", |level| level.machine.server);
    row("callers and control plane", |level| level.machine.callers);
    row("scripted vendors", |level| level.machine.vendors);
    row("everything else on the machine", |level| level.machine.others);
    row("taken by the host of this virtual machine", |level| level.machine.stolen);
    row("of", |level| f64::from(level.machine.cores * 100));
    row("lateness of the callers' own timers, ms, worst call's P99", |level| {
        level.talk.caller_timer_lateness_p99_ms.max
    });
    table
}

/// What became of calls on bad networks.
pub(super) fn impaired(impaired: &Impaired) -> Table {
    let mut table = Table::new([
        "trouble",
        "caller's words understood",
        "bot's words understood",
        "packets for the caller missing",
        "frames invented",
        "pauses within speech",
        "longest silence, s",
        "the caller lost the room: resumed, begun anew",
        "the worker lost the room",
        "the caller's end of it",
        "the record",
    ]);
    for row in &impaired.rows {
        let cells = [
            kept(row.to_bot),
            kept(row.to_caller),
            format!("{} of {}", row.lost, row.packets + row.lost),
            row.invented.to_string(),
            row.holes.to_string(),
            format!("{:.1}", row.longest_silence_ms / 1_000.0),
            format!("{}: {}, {}", row.caller_lost, row.caller_resumed, row.caller_rejoined),
            row.worker_lost.to_string(),
            row.ended.clone(),
            row.record.clone(),
        ];
        table.row(&row.trouble, cells);
    }
    table
}

fn levels(name: &str, report: &Report) -> Table {
    let heads = report.pairs.iter().map(|pair| format!("{} at once", pair.calls));
    Table::new(std::iter::once(name.to_owned()).chain(heads))
}

fn per_call(level: &Level, percent: f64) -> f64 {
    percent / f64::from(level.calls.max(1))
}

fn times(of: f64, one: f64) -> String {
    if one > 0.0 { format!("{:.1}", of / one) } else { "-".to_owned() }
}

fn one(spread: &Spread) -> String {
    if spread.count == 0 { "-".to_owned() } else { format!("{:.1}", spread.p50) }
}

fn kept(words: Kept) -> String {
    match words.percent() {
        Some(percent) => format!("{percent:.0} % of {}", words.said),
        None => "-".to_owned(),
    }
}

impl Report {
    /// The figures for a terminal.
    pub fn to_text(&self) -> String {
        let mut tables = vec![pairs(self), ratios(self), entries(self), machine(self)];
        if let Some(theirs) = &self.agents {
            tables.push(agents(self, &theirs.levels));
        }
        let mut out: Vec<String> = tables.iter().map(Table::text).collect();
        let faults = self.pairs.iter().flat_map(|pair| {
            let socket = pair.socket.talk.reasons.iter().map(|reason| ("socket", reason));
            let room = pair.room.talk.reasons.iter().map(|reason| ("room", reason));
            socket
                .chain(room)
                .map(|(road, (reason, count))| format!("{} calls, {road}: {count} x {reason}\n", pair.calls))
        });
        out.extend(faults);
        let theirs = self.agents.iter().flat_map(|agents| &agents.levels);
        out.extend(theirs.flat_map(|level| {
            level.talk.reasons.iter().map(|(reason, count)| {
                format!("{} calls, the vendor's agent: {count} x {reason}\n", level.calls)
            })
        }));
        out.join("\n")
    }
}

impl Impaired {
    /// The figures for a terminal.
    pub fn to_text(&self) -> String {
        impaired(self).text()
    }
}
