//! The limit on login attempts. Attempts are counted per client and account, and per client: nobody can lock another
//! person out from elsewhere, and one client cannot try many accounts.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Attempts on one account from one client before it must wait.
const PER_ACCOUNT: u32 = 5;
/// Attempts from one client, whatever the account.
const PER_CLIENT: u32 = 30;
/// How long attempts count.
const WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// Windows kept; when there are more, those that ended are dropped, then the oldest.
const MAX_WINDOWS: usize = 50_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Client(IpAddr),
    Account(IpAddr, String),
}

#[derive(Clone, Copy, Debug)]
struct Window {
    began: Timestamp,
    attempts: u32,
}

/// Counts login attempts. In memory: a restart forgets them, which at worst gives five more tries.
#[derive(Debug, Default)]
pub struct Throttle {
    windows: Mutex<HashMap<Key, Window>>,
}

impl Throttle {
    /// Count an attempt before the password is looked at, so that many at once cannot slip through. `Err` is the time to
    /// wait, seconds.
    pub fn attempt(&self, client: IpAddr, account: &str, now: Timestamp) -> Result<(), u64> {
        let client = network(client);
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut windows, now);
        let keys =
            [(Key::Account(client, account.to_owned()), PER_ACCOUNT), (Key::Client(client), PER_CLIENT)];
        for (key, most) in &keys {
            if let Some(window) = windows.get(key).filter(|w| w.runs(now) && w.attempts >= *most) {
                return Err(window.ends_in(now));
            }
        }
        for (key, _) in keys {
            let window = windows.entry(key).or_insert(Window { began: now, attempts: 0 });
            if !window.runs(now) {
                *window = Window { began: now, attempts: 0 };
            }
            window.attempts += 1;
        }
        Ok(())
    }

    /// The password was right: the attempts on this account are forgiven, and this one does not count for the client.
    pub fn succeeded(&self, client: IpAddr, account: &str) {
        let client = network(client);
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.remove(&Key::Account(client, account.to_owned()));
        if let Some(window) = windows.get_mut(&Key::Client(client)) {
            window.attempts = window.attempts.saturating_sub(1);
        }
    }
}

impl Window {
    fn runs(&self, now: Timestamp) -> bool {
        now.duration_since(self.began) < WINDOW
    }

    fn ends_in(&self, now: Timestamp) -> u64 {
        let left = WINDOW - now.duration_since(self.began);
        u64::try_from(left.as_secs()).unwrap_or(0) + 1
    }
}

/// A household has a whole /64 of IPv6.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

fn make_room(windows: &mut HashMap<Key, Window>, now: Timestamp) {
    if windows.len() < MAX_WINDOWS {
        return;
    }
    windows.retain(|_, w| w.runs(now));
    if windows.len() >= MAX_WINDOWS {
        let mut ages: Vec<Timestamp> = windows.values().map(|w| w.began).collect();
        let (_, median, _) = ages.select_nth_unstable(MAX_WINDOWS / 2);
        let median = *median;
        windows.retain(|_, w| w.began > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATTACKER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));
    const VICTIM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn an_attacker_locks_out_only_himself() {
        let throttle = Throttle::default();
        for _ in 0..5 {
            throttle.attempt(ATTACKER, "a@x", at(0)).unwrap();
        }
        assert_eq!(throttle.attempt(ATTACKER, "a@x", at(10)), Err(891));
        assert!(throttle.attempt(VICTIM, "a@x", at(10)).is_ok());
        assert!(throttle.attempt(ATTACKER, "a@x", at(900)).is_ok(), "the window is over");
    }

    #[test]
    fn many_accounts_from_one_client_are_limited_too() {
        let throttle = Throttle::default();
        let tries = (0..40).filter(|n| throttle.attempt(ATTACKER, &format!("{n}@x"), at(0)).is_ok()).count();
        assert_eq!(tries, 30);
    }

    #[test]
    fn success_forgives() {
        let throttle = Throttle::default();
        for _ in 0..100 {
            throttle.attempt(VICTIM, "a@x", at(0)).unwrap();
            throttle.succeeded(VICTIM, "a@x");
        }
    }

    #[test]
    fn neighbours_in_a_slash_64_are_one_client() {
        let throttle = Throttle::default();
        for n in 0..5 {
            throttle.attempt(format!("2001:db8::{n}").parse().unwrap(), "a@x", at(0)).unwrap();
        }
        assert!(throttle.attempt("2001:db8::99".parse().unwrap(), "a@x", at(0)).is_err());
    }
}
