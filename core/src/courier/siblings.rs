//! The host's other workers, watched for their death: the kernel tells of it at once. Who they are says the names of their outboxes
//! ([`super::desk::Directories::own`]). One that cannot be watched (of another user or namespace) is found dead at the next look.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

/// Watched at most: each costs a file descriptor.
const MOST: usize = 512;

/// Processes that hold an outbox.
#[derive(Debug, Default)]
pub(super) struct Siblings(HashMap<PathBuf, Option<Arc<OwnedFd>>>);

impl Siblings {
    /// These are held now. True when one of them has died since it was looked at.
    pub(super) fn watch(&mut self, held: Vec<PathBuf>) -> bool {
        self.0.retain(|dir, _| held.contains(dir));
        let mut is_dead = false;
        for dir in held {
            if self.0.len() < MOST && !self.0.contains_key(&dir) {
                let watched = pid_of(&dir).filter(|pid| *pid != getpid()).map(open);
                is_dead |= matches!(watched, Some(Err(rustix::io::Errno::SRCH)));
                self.0.insert(dir, watched.and_then(Result::ok).map(Arc::new));
            }
        }
        is_dead
    }

    /// Wait until one of them dies, for so long. Whoever died is not watched any more.
    pub(super) async fn wait(&mut self, longest: Duration) {
        let watched = self.0.iter().filter_map(|(dir, fd)| Some((dir.clone(), fd.clone()?)));
        let (dirs, fds): (Vec<_>, Vec<_>) = watched.unzip();
        // On a thread, as the look itself; should there be none the time passes all the same.
        let waiting = spawn_blocking(move || dead_among(&fds, longest));
        match timeout(longest, waiting).await {
            Ok(Ok(Ok(dead))) => {
                for place in dead {
                    self.0.insert(dirs[place].clone(), None);
                }
            }
            // They cannot be watched: the next look is in its time.
            Ok(_) => sleep(longest).await,
            Err(_) => {}
        }
    }
}

/// Which of these processes is dead, as soon as one is.
fn dead_among(processes: &[Arc<OwnedFd>], longest: Duration) -> rustix::io::Result<Vec<usize>> {
    let mut polled: Vec<PollFd<'_>> = processes.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    let longest = Timespec::try_from(longest).ok();
    poll(&mut polled, longest.as_ref())?;
    let dead = polled.iter().enumerate().filter(|(_, fd)| !fd.revents().is_empty());
    Ok(dead.map(|(place, _)| place).collect())
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
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn the_death_of_a_process_is_known_at_once() {
        let mut child = Command::new("sleep").arg("600").stdout(Stdio::null()).spawn().unwrap();
        let own = PathBuf::from(format!("/x/w-1-{}-1700000000000", std::process::id()));
        let dir = PathBuf::from(format!("/x/w-2-{}-1700000000000", child.id()));
        let mut siblings = Siblings::default();
        assert!(!siblings.watch(vec![own.clone(), dir.clone(), "/x/no-number-here".into()]));
        siblings.wait(Duration::from_millis(50)).await;
        assert!(siblings.0[&dir].is_some(), "it lives");
        child.kill().unwrap();
        let killed = Instant::now();
        siblings.wait(Duration::from_secs(60)).await;
        println!("known after {:?}", killed.elapsed());
        assert!(siblings.0[&dir].is_none(), "it is known to be dead");
        assert!(killed.elapsed() < Duration::from_secs(30), "and at once");
        child.wait().unwrap();
        assert!(
            Siblings::default().watch(vec![own, dir]),
            "who is gone before it was watched is told as dead"
        );
    }
}
