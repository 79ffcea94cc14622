//! What the operator has for adding a host and for taking one away.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::rule::{Outcome, is_host_name};

/// The variable that names the host to a command.
const HOST: &str = "VOX_SCALE_HOST";

/// Lines for `sh`.
#[derive(Clone, Debug)]
pub struct Commands {
    pub add: String,
    pub remove: String,
    /// A command that takes longer is killed.
    pub within: Duration,
}

/// Why a command did not do it.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("sh does not start: {0}")]
    Start(std::io::Error),
    #[error("the command ended with {0}")]
    Failed(std::process::ExitStatus),
    #[error(
        "a host calls itself {0:?}: names of letters, digits, '.', '_' and '-' only are given to a command; take it away by hand"
    )]
    Name(String),
    #[error("the command took more than {} s and was killed", .0.as_secs())]
    TooLong(Duration),
}

impl CommandError {
    /// What that means for the fleet.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Start(_) | Self::Failed(_) | Self::Name(_) => Outcome::Failed,
            Self::TooLong(_) => Outcome::Unknown,
        }
    }
}

impl Commands {
    pub async fn add(&self) -> Result<(), CommandError> {
        self.run(&self.add, None).await
    }

    /// The command is to let the host's calls end before it takes it away.
    pub async fn remove(&self, host: &str) -> Result<(), CommandError> {
        if !is_host_name(host) {
            return Err(CommandError::Name(host.to_owned()));
        }
        self.run(&self.remove, Some(host)).await
    }

    async fn run(&self, line: &str, host: Option<&str>) -> Result<(), CommandError> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line]).stdin(Stdio::null()).stdout(Stdio::inherit()).kill_on_drop(true);
        // A group of its own: ^C on a terminal does not reach it, and what it started ends with it.
        command.process_group(0);
        // The key of the API is nothing for it.
        command.env_remove("VOX_API_KEY").env_remove("VOX_API_KEY_FILE");
        match host {
            Some(host) => command.env(HOST, host),
            None => command.env_remove(HOST),
        };
        let mut child = command.spawn().map_err(CommandError::Start)?;
        let ended = timeout(self.within, child.wait()).await;
        match ended {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(CommandError::Failed(status)),
            Ok(Err(error)) => Err(CommandError::Start(error)),
            Err(_) => {
                kill_group(&mut child).await;
                Err(CommandError::TooLong(self.within))
            }
        }
    }
}

/// End a command with all that it started.
async fn kill_group(child: &mut Child) {
    // Not waited for yet, so that the number is still its own.
    let group = child.id().and_then(|id| rustix::process::Pid::from_raw(id.try_into().ok()?));
    if let Some(group) = group {
        let _it_may_have_ended = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _it_may_have_ended = child.kill().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(add: &str, remove: &str) -> Commands {
        Commands { add: add.into(), remove: remove.into(), within: Duration::from_secs(20) }
    }

    #[tokio::test]
    async fn a_command_knows_its_host_and_its_end_is_told() {
        let commands_of_a_host =
            commands("test -z \"${VOX_SCALE_HOST+x}\"", "test \"$VOX_SCALE_HOST\" = 'voice-2'");
        commands_of_a_host.add().await.unwrap();
        commands_of_a_host.remove("voice-2").await.unwrap();
        let failed = commands_of_a_host.remove("voice-1").await.unwrap_err().to_string();
        assert!(failed.contains("exit status: 1"), "{failed}");
        let named = commands_of_a_host.remove("-oProxyCommand=x").await.unwrap_err();
        assert!(matches!(named, CommandError::Name(_)) && named.outcome() == Outcome::Failed, "{named}");
    }

    #[tokio::test]
    async fn one_that_does_not_end_is_killed() {
        let hangs = Commands { within: Duration::from_millis(200), ..commands("exec sleep 100", "") };
        assert!(matches!(hangs.add().await, Err(CommandError::TooLong(_))));
    }

    #[tokio::test]
    async fn what_it_started_ends_with_it() {
        let place = tempfile::tempdir().unwrap();
        let held = std::fs::File::create(place.path().join("held")).unwrap();
        // The lock is held for as long as the program lives that the command started.
        let line =
            format!("(exec 9>'{}'; flock 9; exec sleep 1000) & wait", place.path().join("held").display());
        let hangs = Commands { within: Duration::from_secs(2), ..commands(&line, "") };
        let failed = hangs.add().await.unwrap_err();
        assert!(
            matches!(failed, CommandError::TooLong(_)) && failed.outcome() == Outcome::Unknown,
            "{failed}"
        );
        let waiting = tokio::task::spawn_blocking(move || {
            rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive)
        });
        timeout(Duration::from_secs(60), waiting).await.expect("it goes on").unwrap().unwrap();
    }
}
