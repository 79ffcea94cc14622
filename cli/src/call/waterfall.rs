//! The delay of one reply as bars: each part begins where the one before it ended. Pure.

/// Width of the whole, columns.
const COLUMNS: f64 = 40.0;

/// The lines of a turn. `parts` in the order in which they happen; empty ones are left out.
pub fn draw(turn: u64, parts: &[(&str, f64)], total_ms: f64) -> Vec<String> {
    let mut lines = vec![format!(
        "{:>16}turn {turn}: {total_ms:.0} ms from the caller's last sound to the bot's first",
        ""
    )];
    let whole = parts.iter().map(|(_, ms)| ms.max(0.0)).sum::<f64>().max(f64::MIN_POSITIVE);
    let mut before = 0.0;
    for (name, ms) in parts.iter().filter(|(_, ms)| *ms >= 0.05) {
        let bar = bar(before / whole, (before + ms) / whole);
        lines.push(format!("{:>18}{name:<10}{bar} {ms:>6.0}", ""));
        before += ms;
    }
    lines
}

/// A bar from one share of the width to another; always at least a sliver.
fn bar(from: f64, to: f64) -> String {
    let (from, to) = ((from * COLUMNS).round() as usize, (to * COLUMNS).round() as usize);
    let columns = COLUMNS as usize;
    let from = from.min(columns - 1);
    let body = if to > from { "█".repeat(to - from) } else { "▏".to_owned() };
    let rest = columns - from - body.chars().count();
    format!("{}{body}{}", " ".repeat(from), " ".repeat(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_begins_where_the_one_before_ended() {
        let lines = draw(2, &[("endpoint", 300.0), ("rag", 0.0), ("llm", 100.0), ("platform", 0.4)], 400.4);
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(lines[0].contains("turn 2: 400 ms"));
        let columns = |line: &str| {
            let from = line.chars().position(|c| c == '█' || c == '▏').unwrap();
            (from - 28, line.chars().filter(|c| *c == '█' || *c == '▏').count())
        };
        assert_eq!(columns(&lines[1]), (0, 30));
        assert_eq!(columns(&lines[2]), (30, 10));
        assert_eq!(columns(&lines[3]), (39, 1));
        let width = lines[1].chars().count();
        assert!(lines[1..].iter().all(|line| line.chars().count() == width), "{lines:#?}");
    }

    #[test]
    fn nonsense_is_drawn_without_a_panic() {
        draw(1, &[], 0.0);
        draw(1, &[("llm", f64::NAN), ("tts", -5.0), ("stt", f64::INFINITY)], f64::NAN);
    }
}
