//! What the operator has for adding a host and for taking one away.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

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
    #[error("the command took more than {} s and was killed", .0.as_secs())]
    TooLong(Duration),
}

impl Commands {
    pub async fn add(&self) -> Result<(), CommandError> {
        self.run(&self.add, None).await
    }

    /// The command is to let the host's calls end before it takes it away.
    pub async fn remove(&self, host: &str) -> Result<(), CommandError> {
        self.run(&self.remove, Some(host)).await
    }

    async fn run(&self, line: &str, host: Option<&str>) -> Result<(), CommandError> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line]).stdin(Stdio::null()).stdout(Stdio::inherit()).kill_on_drop(true);
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
                let _it_may_have_ended = child.kill().await;
                Err(CommandError::TooLong(self.within))
            }
        }
    }
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
            commands("test -z \"${VOX_SCALE_HOST+x}\"", "test \"$VOX_SCALE_HOST\" = 'voice 2'");
        commands_of_a_host.add().await.unwrap();
        commands_of_a_host.remove("voice 2").await.unwrap();
        let failed = commands_of_a_host.remove("voice-1").await.unwrap_err().to_string();
        assert!(failed.contains("exit status: 1"), "{failed}");
    }

    #[tokio::test]
    async fn one_that_does_not_end_is_killed() {
        let hangs = Commands { within: Duration::from_millis(200), ..commands("exec sleep 100", "") };
        assert!(matches!(hangs.add().await, Err(CommandError::TooLong(_))));
    }
}
