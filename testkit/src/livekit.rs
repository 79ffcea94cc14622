//! A real LiveKit server, started by `scripts/livekit/run.sh`. It ends with the value that it is.

use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use thiserror::Error;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, ChildStdin, Command},
    time::timeout,
};

/// The server answers within this, on a machine that is busy.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// Why there is no server.
#[derive(Debug, Error)]
pub enum LiveKitError {
    #[error("{script} could not be started")]
    Spawn { script: PathBuf, source: io::Error },
    #[error("no LiveKit server within {0:?}")]
    Deadline(Duration),
    #[error("no LiveKit server; install one with scripts/livekit/install.sh. Its script says: {0}")]
    Refused(String),
}

/// A running server.
#[derive(Debug)]
pub struct LiveKit {
    /// `ws://127.0.0.1:PORT`
    pub url: String,
    pub key: String,
    pub secret: String,
    /// The server's own process, which its script started.
    pub pid: u32,
    script: PathBuf,
    options: Vec<String>,
    /// Its end is the server's.
    stdin: Option<ChildStdin>,
    child: Child,
}

impl LiveKit {
    /// Start one with these options of `script`, `scripts/livekit/run.sh`.
    ///
    /// # Errors
    /// When the script is not there, or the server is not installed or does not answer.
    pub async fn start(script: &Path, options: &[String]) -> Result<Self, LiveKitError> {
        let mut child = Command::new(script)
            .arg("--until-eof")
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| LiveKitError::Spawn { script: script.to_owned(), source })?;
        let stdin = child.stdin.take();
        let output = child.stdout.take().expect("it is piped");
        let told = timeout(START_DEADLINE, told(output)).await;
        let Some(told) = told.map_err(|_| LiveKitError::Deadline(START_DEADLINE))? else {
            return Err(LiveKitError::Refused(complaint(&mut child).await));
        };
        let Told { pid, key, secret, url } = told;
        Ok(Self { url, key, secret, pid, script: script.to_owned(), options: options.to_vec(), stdin, child })
    }

    /// End it without a word, and start another one at the same address with the same keys: all rooms are gone. Its UDP port is the same if
    /// it was named.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn restart(self) -> Result<Self, LiveKitError> {
        let port = self.url.rsplit(':').next().unwrap_or_default().to_owned();
        let again = [("--port", port), ("--secret", self.secret.clone())];
        let mut options = self.options.clone();
        options.extend(again.into_iter().flat_map(|(name, value)| [name.to_owned(), value]));
        let script = self.script.clone();
        self.stop().await;
        Self::start(&script, &options).await
    }

    /// End it, and wait until it has ended.
    pub async fn stop(mut self) {
        drop(self.stdin.take());
        // A script that cannot be waited for has ended.
        let _ended = self.child.wait().await;
    }
}

struct Told {
    pid: u32,
    key: String,
    secret: String,
    url: String,
}

/// The script's three lines: `pids livekit=N`, `keys KEY SECRET`, `ready URL`.
async fn told(output: impl tokio::io::AsyncRead + Unpin) -> Option<Told> {
    let mut lines = BufReader::new(output).lines();
    let mut next = async || lines.next_line().await.ok().flatten();
    let (pids, keys, ready) = (next().await?, next().await?, next().await?);
    let (key, secret) = keys.strip_prefix("keys ")?.split_once(' ')?;
    Some(Told {
        pid: pids.strip_prefix("pids livekit=")?.parse().ok()?,
        key: key.to_owned(),
        secret: secret.to_owned(),
        url: ready.strip_prefix("ready ")?.to_owned(),
    })
}

/// What a script that ended said.
async fn complaint(child: &mut Child) -> String {
    let mut words = String::new();
    if let Some(stderr) = &mut child.stderr {
        // What can be read is told.
        let _cut = timeout(Duration::from_secs(2), stderr.read_to_string(&mut words)).await;
    }
    words.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_scripts_lines_are_read_and_nothing_else_is() {
        let lines = b"pids livekit=77\nkeys vox 5ecret\nready ws://127.0.0.1:7880\n";
        let read = told(&lines[..]).await.unwrap();
        assert_eq!((read.pid, read.key.as_str(), read.secret.as_str()), (77, "vox", "5ecret"));
        assert_eq!(read.url, "ws://127.0.0.1:7880");
        assert!(told(&b"pids livekit=77\n"[..]).await.is_none());
        assert!(told(&b"a\nb\nc\n"[..]).await.is_none());
    }

    #[tokio::test]
    async fn a_script_that_refuses_is_repeated() {
        let refused = LiveKit::start(Path::new("/bin/sh"), &[]).await.unwrap_err();
        assert!(matches!(&refused, LiveKitError::Refused(_)), "{refused:?}");
        let missing = LiveKit::start(Path::new("/nowhere/run.sh"), &[]).await.unwrap_err();
        assert!(matches!(&missing, LiveKitError::Spawn { .. }), "{missing:?}");
    }
}
