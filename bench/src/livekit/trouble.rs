//! What a call in a room is put through.

use std::time::Duration;

use vox_livekit::Impairment;

use super::relay::Side;

/// How long the signalling is away.
pub(super) const AWAY: Duration = Duration::from_secs(5);

/// One kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    None,
    /// All the while packets of media are lost or late, both ways, on these lines.
    BadLine {
        caller: Option<Bad>,
        worker: Option<Bad>,
    },
    /// In the middle of the call the signalling of one side is away for [`AWAY`].
    SignallingAway(Side),
    /// The server is killed, and started again with the same keys.
    ServerRestarts,
    /// One side is on another network: its signalling is cut, its media comes from another address, and what is sent to the old one is
    /// lost.
    NetworkChanges(Side),
}

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bad {
    pub(super) loss_percent: u8,
    pub(super) jitter_ms: u64,
}

impl Bad {
    /// Each line loses other packets.
    pub(super) fn on(self, side: Side) -> Impairment {
        let seed = match side {
            Side::Caller => 7,
            Side::Worker => 11,
        };
        Impairment { loss_percent: self.loss_percent, jitter: Duration::from_millis(self.jitter_ms), seed }
    }
}

/// All that is tried, in the order of the table.
pub(super) fn all() -> Vec<Trouble> {
    let loses = |percent| Some(Bad { loss_percent: percent, jitter_ms: 0 });
    let late = Some(Bad { loss_percent: 0, jitter_ms: 200 });
    let line = |caller, worker| Trouble::BadLine { caller, worker };
    vec![
        Trouble::None,
        line(loses(1), None),
        line(loses(5), None),
        line(loses(20), None),
        line(None, loses(20)),
        line(loses(20), loses(20)),
        line(late, None),
        line(None, late),
        Trouble::SignallingAway(Side::Caller),
        Trouble::SignallingAway(Side::Worker),
        Trouble::NetworkChanges(Side::Caller),
        Trouble::NetworkChanges(Side::Worker),
        Trouble::ServerRestarts,
    ]
}

impl Trouble {
    /// The row's name.
    pub(super) fn name(self) -> String {
        match self {
            Self::None => "nothing".to_owned(),
            Self::BadLine { caller, worker } => {
                let both = [("the caller's line", caller), ("the worker's line", worker)];
                let lines = both.iter().filter_map(|(name, bad)| Some(format!("{name}: {}", words((*bad)?))));
                lines.collect::<Vec<_>>().join("; ")
            }
            Self::SignallingAway(side) => format!("{} signalling away for {} s", whose(side), AWAY.as_secs()),
            Self::NetworkChanges(side) => format!("{} network changes", whose(side)),
            Self::ServerRestarts => "the server is killed and started again".to_owned(),
        }
    }

    /// Each side's line: the caller's, the worker's.
    pub(super) fn lines(self) -> [Option<Impairment>; 2] {
        match self {
            Self::BadLine { caller, worker } => {
                [caller.map(|bad| bad.on(Side::Caller)), worker.map(|bad| bad.on(Side::Worker))]
            }
            _ => [None, None],
        }
    }
}

fn words(bad: Bad) -> String {
    if bad.jitter_ms > 0 {
        return format!("0 to {} ms late", bad.jitter_ms);
    }
    format!("{} % lost", bad.loss_percent)
}

fn whose(side: Side) -> &'static str {
    match side {
        Side::Caller => "the caller's",
        Side::Worker => "the worker's",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let mut names: Vec<String> = all().into_iter().map(Trouble::name).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(names.contains(&"the caller's line: 20 % lost; the worker's line: 20 % lost".to_owned()));
        assert!(names.contains(&"the worker's line: 0 to 200 ms late".to_owned()));
    }

    #[test]
    fn two_lines_do_not_lose_the_same_packets() {
        let bad = Some(Bad { loss_percent: 20, jitter_ms: 0 });
        let [caller, worker] = Trouble::BadLine { caller: bad, worker: bad }.lines();
        assert_ne!(caller.unwrap().seed, worker.unwrap().seed);
    }
}
