//! The host's other workers, watched for their death: the kernel tells of it at once. Who they are says the names of their outboxes
//! ([`super::desk::Directories::own`]). One that cannot be watched (of another user or namespace) is found dead at the next look.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use futures_util::future::select_all;
use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Watched at most: each costs a file descriptor.
const MOST: usize = 512;

/// Processes that hold an outbox.
#[derive(Debug, Default)]
pub(super) struct Siblings(HashMap<PathBuf, Option<AsyncFd<OwnedFd>>>);

impl Siblings {
    /// These are held now. True when one of them has died since it was looked at.
    pub(super) fn watch(&mut self, held: Vec<PathBuf>) -> bool {
        self.0.retain(|dir, _| held.contains(dir));
        let mut is_dead = false;
        for dir in held {
            if self.0.len() < MOST && !self.0.contains_key(&dir) {
                let watched = pid_of(&dir).filter(|pid| *pid != getpid()).map(open);
                is_dead |= matches!(watched, Some(Err(rustix::io::Errno::SRCH)));
                let watched = watched.and_then(Result::ok);
                self.0
                    .insert(dir, watched.and_then(|fd| AsyncFd::with_interest(fd, Interest::READABLE).ok()));
            }
        }
        is_dead
    }

    /// Wait until one of them dies; for ever where none is watched. It is not watched any more then.
    pub(super) async fn died(&mut self) {
        let watched = self.0.iter().filter_map(|(dir, fd)| Some((dir, fd.as_ref()?)));
        let waiting: Vec<_> = watched
            .map(|(dir, fd)| Box::pin(async move { (dir.clone(), fd.readable().await.is_ok()) }))
            .collect();
        if waiting.is_empty() {
            return std::future::pending().await;
        }
        let ((dir, _), _, others) = select_all(waiting).await;
        drop(others);
        self.0.remove(&dir);
    }
}

fn open(pid: Pid) -> rustix::io::Result<OwnedFd> {
    pidfd_open(pid, PidfdFlags::empty())
}

/// `<worker>-<pid>-<ms>`; a worker's name may have lines of its own.
fn pid_of(dir: &Path) -> Option<Pid> {
    let pid = dir.file_name()?.to_str()?.rsplit('-').nth(1)?;
    Pid::from_raw(pid.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn the_death_of_a_process_is_known_at_once() {
        let mut child = Command::new("sleep").arg("600").stdout(Stdio::null()).spawn().unwrap();
        let own = PathBuf::from(format!("/x/w-1-{}-1700000000000", std::process::id()));
        let dir = PathBuf::from(format!("/x/w-2-{}-1700000000000", child.id()));
        let mut siblings = Siblings::default();
        assert!(!siblings.watch(vec![own.clone(), dir.clone(), "/x/no-number-here".into()]));
        assert!(timeout(Duration::from_millis(50), siblings.died()).await.is_err(), "it lives");
        child.kill().unwrap();
        let killed = Instant::now();
        timeout(Duration::from_secs(10), siblings.died()).await.expect("it died");
        println!("known after {:?}", killed.elapsed());
        child.wait().unwrap();
        assert!(siblings.watch(vec![own, dir]), "who is gone before it was watched is told as dead");
    }
}
