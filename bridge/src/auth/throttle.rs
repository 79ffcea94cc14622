//! The limit on login attempts, over all bridges. Attempts are counted per client and account, and per client: nobody can lock
//! another person out from elsewhere, and one client cannot try many accounts. Codes of a second factor are counted per account over
//! all clients too: only who has the password gets as far, and addresses cost nothing.

use std::net::IpAddr;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::coordination::{Limiter, Rate, Taken};

/// Attempts on one account from one client before it must wait.
const PER_ACCOUNT: u32 = 5;
/// Attempts from one client, whatever the account.
const PER_CLIENT: u32 = 30;
/// Codes for one account from all clients together. With three codes good at a time of a million, the 120 guesses of a day find one
/// with a chance of one in 2,800.
const CODES: u32 = 30;
/// How long codes count.
const CODES_WINDOW: Duration = Duration::from_secs(6 * 60 * 60);
/// How long attempts count.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Counts login attempts. They may be forgotten, which at worst gives five more tries.
#[derive(Clone)]
pub struct Throttle(Limiter);

impl Throttle {
    pub fn new(limiter: Limiter) -> Self {
        Self(limiter)
    }

    /// Count an attempt before the password is looked at, so that many at once cannot slip through. `Err` is the time to
    /// wait, seconds.
    pub async fn attempt(&self, client: IpAddr, account: &str) -> Result<(), u64> {
        self.take(rates(client, account).into()).await
    }

    /// As [`Self::attempt`], for a code of the second factor.
    pub async fn attempt_code(&self, client: IpAddr, account: &str) -> Result<(), u64> {
        let [one, two] = rates(client, account);
        let of_all = Rate { key: of_codes(account), most: CODES, window: CODES_WINDOW };
        self.take(vec![one, two, of_all]).await
    }

    async fn take(&self, rates: Vec<Rate>) -> Result<(), u64> {
        match self.0.take(rates).await {
            Taken::Allowed(_) => Ok(()),
            Taken::Refused(standing) => Err(standing.wait_seconds()),
        }
    }

    /// The password was right: the attempts on this account are forgiven, and this one does not count for the client.
    pub async fn succeeded(&self, client: IpAddr, account: &str) {
        self.0.forget(&of_account(client, account)).await;
        self.0.give_back(&of_client(client)).await;
    }

    /// The code was right. Those that were not still count for the account: its owner may log in while somebody else guesses.
    pub async fn succeeded_with_code(&self, client: IpAddr, account: &str) {
        self.succeeded(client, account).await;
        self.0.give_back(&of_codes(account)).await;
    }
}

fn rates(client: IpAddr, account: &str) -> [Rate; 2] {
    let rate = |key, most| Rate { key, most, window: WINDOW };
    [rate(of_account(client, account), PER_ACCOUNT), rate(of_client(client), PER_CLIENT)]
}

fn of_client(client: IpAddr) -> String {
    format!("login:{}", network(client))
}

fn of_account(client: IpAddr, account: &str) -> String {
    format!("{}:{}", of_client(client), hashed(account))
}

fn of_codes(account: &str) -> String {
    format!("codes:{}", hashed(account))
}

/// The account as a hash: addresses of people have no place in a server of counters, and some are long.
fn hashed(account: &str) -> String {
    Sha256::digest(account.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::SignedDuration;
    use vox_shared::clock::Clock;

    use super::*;
    use crate::coordination::InProcess;
    use crate::metrics::Metrics;

    const ATTACKER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));
    const VICTIM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));

    fn throttle() -> (Throttle, Clock) {
        let clock = Clock::manual("2026-11-20T10:00:00Z".parse().unwrap());
        let engine = Arc::new(InProcess::new(clock.clone()));
        (Throttle::new(Limiter::new(engine.clone(), engine, Arc::new(Metrics::new(true)))), clock)
    }

    #[tokio::test]
    async fn an_attacker_locks_out_only_himself() {
        let (throttle, clock) = throttle();
        for _ in 0..5 {
            throttle.attempt(ATTACKER, "a@x").await.unwrap();
        }
        clock.advance(SignedDuration::from_secs(10));
        assert_eq!(throttle.attempt(ATTACKER, "a@x").await, Err(890));
        assert!(throttle.attempt(VICTIM, "a@x").await.is_ok());
        clock.advance(SignedDuration::from_secs(890));
        assert!(throttle.attempt(ATTACKER, "a@x").await.is_ok(), "the window is over");
    }

    #[tokio::test]
    async fn many_accounts_from_one_client_are_limited_too() {
        let (throttle, _) = throttle();
        let mut tries = 0;
        for n in 0..40 {
            tries += u32::from(throttle.attempt(ATTACKER, &format!("{n}@x")).await.is_ok());
        }
        assert_eq!(tries, 30);
    }

    #[tokio::test]
    async fn success_forgives() {
        let (throttle, _) = throttle();
        for _ in 0..100 {
            throttle.attempt(VICTIM, "a@x").await.unwrap();
            throttle.succeeded(VICTIM, "a@x").await;
        }
    }

    /// A success gave two attempts back, so whoever had one account of his own could guess on others without an end.
    #[tokio::test]
    async fn success_gives_back_one_attempt_of_the_client_and_no_more() {
        let (throttle, _) = throttle();
        let mut guesses = 0;
        for n in 0..40 {
            if throttle.attempt(ATTACKER, "own@x").await.is_ok() {
                throttle.succeeded(ATTACKER, "own@x").await;
            }
            guesses += u32::from(throttle.attempt(ATTACKER, &format!("{n}@x")).await.is_ok());
        }
        assert_eq!(guesses, 30);
    }

    /// A /48 has 65,536 networks of one household each: five guesses from each of them find a code of six digits.
    #[tokio::test]
    async fn codes_are_limited_for_an_account_whatever_the_address_and_a_right_one_forgives_only_itself() {
        let (throttle, clock) = throttle();
        let guess = async |n: u32| {
            let client = format!("2001:db8:0:{n:x}::1").parse().unwrap();
            throttle.attempt_code(client, "a@x").await.is_ok()
        };
        let mut guesses = 0;
        for n in 0..100 {
            guesses += u32::from(guess(n).await);
            if n == 10 {
                assert!(throttle.attempt_code(VICTIM, "a@x").await.is_ok());
                throttle.succeeded_with_code(VICTIM, "a@x").await;
            }
        }
        assert_eq!(guesses, CODES);
        assert!(throttle.attempt_code(ATTACKER, "b@x").await.is_ok(), "another account");
        assert!(throttle.attempt(VICTIM, "a@x").await.is_ok(), "a password");
        clock.advance(SignedDuration::from_hours(6));
        assert!(guess(200).await);
    }

    #[tokio::test]
    async fn neighbours_in_a_slash_64_are_one_client() {
        let (throttle, _) = throttle();
        for n in 0..5 {
            throttle.attempt(format!("2001:db8::{n}").parse().unwrap(), "a@x").await.unwrap();
        }
        assert!(throttle.attempt("2001:db8::99".parse().unwrap(), "a@x").await.is_err());
    }
}
