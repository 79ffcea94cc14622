//! A process that dies without warning has lost nothing that it was told is durable.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use vox_harness::Random;
use vox_shared::env::Env;
use vox_shared::outbox::{Entry, Outbox, Seq};

use crate::outbox_rig::settings;

const DIR_VAR: &str = "VOX_TEST_OUTBOX_DIR";
const KILLS: usize = 15;

/// What the child said before it died.
#[derive(Default)]
struct Heard {
    appended: BTreeMap<Seq, String>,
    acknowledged: BTreeSet<Seq>,
}

impl Heard {
    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["appended", seq, payload] => {
                self.appended.insert(seq.parse().unwrap(), payload.to_owned());
            }
            ["acknowledged", seq] => {
                self.acknowledged.insert(seq.parse().unwrap());
            }
            _ => {}
        }
    }
}

#[test]
fn kill_9_at_any_instant_loses_no_acknowledged_record() {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Random::new(11);
    let mut heard = Heard::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for round in 0..KILLS {
        let before = heard.appended.len();
        run_and_kill(dir.path(), 1 + dice.index(120), &mut heard);
        assert!(heard.appended.len() > before, "round {round}: the child got something done");

        let (outbox, found) = Outbox::open(dir.path(), settings()).unwrap();
        runtime.block_on(outbox.close());
        assert_eq!(found.quarantined, 0, "round {round}");
        let kept: BTreeMap<Seq, String> =
            found.records.iter().map(|r| (r.seq, String::from_utf8(r.payload.clone()).unwrap())).collect();
        let last = heard.appended.last_key_value().map(|(seq, _)| *seq);
        for (seq, payload) in &heard.appended {
            if kept.get(seq) == Some(payload) || heard.acknowledged.contains(seq) {
                continue;
            }
            // The child may have acknowledged its last record and died before it could say so.
            assert!(last == Some(*seq) && is_acknowledged(payload), "round {round}: record {seq} is lost");
            heard.acknowledged.insert(*seq);
        }
        for (seq, payload) in kept {
            assert!(!heard.acknowledged.contains(&seq), "round {round}: record {seq} came back");
            assert!(payload.starts_with("fact-"), "round {round}: {payload}");
            // Durable, though the child died before it could say so.
            heard.appended.entry(seq).or_insert(payload);
        }
    }
}

/// A third of the records is acknowledged as soon as it is durable.
fn is_acknowledged(payload: &str) -> bool {
    let number = payload.split('-').nth(1).and_then(|n| n.parse::<u64>().ok());
    number.is_some_and(|n| n % 3 == 1)
}

/// Start this very test binary as the child, hear so many lines, kill it, hear the rest.
fn run_and_kill(dir: &Path, lines: usize, heard: &mut Heard) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "outbox_kill::child_appends_until_killed", "--nocapture"])
        .env(DIR_VAR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut left = lines;
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
        // A line that was cut by the kill is not heard: every whole one ends with a full stop.
        let Some(line) = line.strip_suffix('.') else { continue };
        heard.line(line);
        left = left.saturating_sub(1);
        if left == 0 {
            // Ignored: it was killed a line ago.
            let _ = child.kill();
        }
    }
    child.wait().unwrap();
    assert_eq!(left, 0, "the child ended by itself");
}

/// Not a test of its own: without the variable there is nothing to do.
#[test]
fn child_appends_until_killed() {
    let Some(dir) = Env::of_process().path(DIR_VAR) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (outbox, _) = Outbox::open(&dir, settings()).unwrap();
    let say = |line: String| std::io::stdout().write_all(line.as_bytes()).unwrap();
    runtime.block_on(async {
        for n in 0u64.. {
            let payload = format!("fact-{n}-{}", "x".repeat(usize::try_from(n % 700).unwrap()));
            let seq = outbox.append(Entry::new(1, payload.clone())).await.unwrap();
            say(format!("appended {seq} {payload}.\n"));
            if is_acknowledged(&payload) {
                outbox.acknowledge(seq).await.unwrap();
                say(format!("acknowledged {seq}.\n"));
            }
        }
    });
}
