//! Slots that are promised and not taken yet. They stand in the document of the worker or host that has the slots, so that
//! a promise is one compare-and-set on the same document that says how many are free.

use serde::{Deserialize, Serialize};
use vox_shared::ids::ReservationId;

use super::stamp::Stamp;

/// One promised slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub id: ReservationId,
    /// From then on it counts no more, whoever made it.
    pub expires_at: Stamp,
}

/// How many count at this instant.
pub fn live(holds: &[Hold], now: Stamp) -> u32 {
    u32::try_from(holds.iter().filter(|hold| hold.expires_at > now).count()).unwrap_or(u32::MAX)
}

/// Take out what expired, and the oldest of the rest for calls that began since the last report: those calls count as
/// calls from now on. Answers whose promise was kept.
pub fn settle(holds: &mut Vec<Hold>, began: u32, now: Stamp) -> Vec<ReservationId> {
    holds.retain(|hold| hold.expires_at > now);
    let kept = holds.len().min(usize::try_from(began).unwrap_or(usize::MAX));
    holds.drain(..kept).map(|hold| hold.id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_began_take_the_oldest_and_what_expired_goes() {
        let at = |second: u32| Stamp(format!("2026-11-20T10:00:{second:02}Z").parse().unwrap());
        let hold = |second| Hold { id: ReservationId::generate(), expires_at: at(second) };
        let mut holds = vec![hold(5), hold(20), hold(30)];
        let (second, third) = (holds[1].clone(), holds[2].clone());
        assert_eq!((live(&holds, at(0)), live(&holds, at(5)), live(&holds, at(30))), (3, 2, 0));
        assert_eq!(settle(&mut holds, 1, at(10)), [second.id]);
        assert_eq!(holds, std::slice::from_ref(&third));
        assert_eq!(settle(&mut holds, 0, at(10)), []);
        assert_eq!(settle(&mut holds, 7, at(10)), [third.id]);
    }
}
