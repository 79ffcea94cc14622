//! What the service manager of the host (systemd, with `Type=notify` and `WatchdogSec=`) is told: that the process serves, what it is
//! doing, that it lives, that it stops. Without one nothing of this has an effect. The protocol is that of `sd_notify(3)`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};

/// A process that stops is not watched by the manager any more: one whose loop stands still for so long ends itself.
const STILL: Duration = Duration::from_secs(30);
/// It is looked at this often.
const LOOK: Duration = Duration::from_secs(5);

/// It serves.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// What it is doing, for whoever looks at the unit.
pub fn status(status: &str) {
    tell(&[NotifyState::Status(status)]);
}

/// It lets what runs end, and takes nothing new.
pub fn stopping(status: &str) {
    tell(&[NotifyState::Stopping, NotifyState::Status(status)]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

/// Say that this process lives, twice as often as the manager asks for, while the runtime that polls this does its work. Ends at once
/// where nobody asks.
pub async fn say_alive() {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    let mut beats = interval((patience / 2).max(Duration::from_millis(1)));
    beats.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        beats.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

/// Watch the end of a process from a thread of its own: if the runtime that polls the answer stands still for thirty seconds, the
/// process is aborted. The manager's own watchdog is off once a unit stops.
pub fn watch_the_end() -> impl Future<Output = ()> {
    watch(STILL, LOOK, || std::process::abort())
}

fn watch(
    still: Duration,
    look: Duration,
    stands_still: impl FnOnce() + Send + 'static,
) -> impl Future<Output = ()> {
    let beats = Arc::new(AtomicU64::new(0));
    let seen = Arc::downgrade(&beats);
    let watching = std::thread::Builder::new().name("watch".into()).spawn(move || {
        let (mut last, mut since) = (0, std::time::Instant::now());
        // Whoever beats is gone when nobody waits for the end any more.
        while let Some(beats) = seen.upgrade() {
            let now = beats.load(Ordering::Relaxed);
            drop(beats);
            if now != last {
                (last, since) = (now, std::time::Instant::now());
            }
            if since.elapsed() >= still {
                return stands_still();
            }
            std::thread::sleep(look);
        }
    });
    if let Err(error) = watching {
        tracing::warn!(%error, "nobody watches whether the end hangs");
    }
    async move {
        let mut every = interval(look);
        loop {
            every.tick().await;
            beats.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const STILL: Duration = Duration::from_millis(400);
    const LOOK: Duration = Duration::from_millis(10);

    #[tokio::test]
    async fn a_loop_that_stands_still_is_seen_and_one_that_goes_on_is_not() {
        let (tells, told) = mpsc::sync_channel(1);
        let beating = tokio::spawn(watch(STILL, LOOK, move || tells.send(()).unwrap()));
        tokio::time::sleep(STILL * 3).await;
        assert!(told.try_recv().is_err(), "it went on");
        // The runtime of this test is the loop.
        std::thread::sleep(STILL * 3);
        told.recv_timeout(Duration::from_secs(10)).unwrap();
        beating.abort();
    }

    #[tokio::test]
    async fn nobody_is_aborted_once_the_end_is_over() {
        let (tells, told) = mpsc::sync_channel::<()>(1);
        drop(watch(STILL, LOOK, move || tells.send(()).unwrap()));
        assert_eq!(told.recv_timeout(STILL * 20), Err(mpsc::RecvTimeoutError::Disconnected));
    }
}
