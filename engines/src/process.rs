//! One engine process as its client sees it: requests in, replies out, both bounded.
//!
//! A task owns the child and its pipes. It ends, and the child with it, when the client is dropped, when
//! the child ends, or when the child sends something that is no message.

use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::binary::{EngineBinary, failed};
use crate::error::EngineError;
use crate::frame::FrameParser;
use crate::kind::EngineKind;
use crate::message::{MessageError, Readiness, Reply, Request};

/// Requests waiting for the pipe: five seconds of 20 ms audio frames.
const REQUEST_QUEUE: usize = 256;

/// Replies waiting for the client. An engine that is further ahead waits in its pipe.
const REPLY_QUEUE: usize = 64;

/// From spawn to `Ready`: the large language model takes most of a second on an idle core.
const START_DEADLINE: Duration = Duration::from_secs(15);

/// How long a request may wait for room in a full queue.
const SEND_DEADLINE: Duration = Duration::from_secs(2);

/// How long a child may take to end once its stdin is closed, before it is killed.
const EXIT_DEADLINE: Duration = Duration::from_secs(2);

/// Bytes read from the pipe at once.
const READ_BYTES: usize = 16 * 1024;

/// The client's end of a running engine process.
#[derive(Debug)]
pub(crate) struct EngineProcess {
    kind: EngineKind,
    requests: mpsc::Sender<Request>,
    replies: mpsc::Receiver<Result<Reply, EngineError>>,
}

impl EngineProcess {
    /// Start the process; `command` comes from [`EngineBinary::command`].
    pub(crate) fn spawn(
        binary: &EngineBinary,
        kind: EngineKind,
        mut command: Command,
    ) -> Result<Self, EngineError> {
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|source| EngineError::Spawn { path: binary.path().to_owned(), source })?;
        let stdin = child.stdin.take().expect("stdin was asked to be a pipe");
        let stdout = child.stdout.take().expect("stdout was asked to be a pipe");
        let (requests, incoming) = mpsc::channel(REQUEST_QUEUE);
        let (outgoing, replies) = mpsc::channel(REPLY_QUEUE);
        tokio::spawn(async move {
            let end = serve(kind, (stdin, stdout), incoming, &outgoing).await;
            if let Some(error) = last_words(kind, &mut child, end).await {
                // The client may be gone, and a full queue already holds what it has to read first.
                let _ = timeout(EXIT_DEADLINE, outgoing.send(Err(error))).await;
            }
        });
        Ok(Self { kind, requests, replies })
    }

    /// Wait until the engine has loaded what it needs.
    pub(crate) async fn ready(&mut self) -> Result<Readiness, EngineError> {
        let reply = timeout(START_DEADLINE, self.next())
            .await
            .map_err(|_| EngineError::StartDeadline { kind: self.kind, within: START_DEADLINE })?;
        match reply {
            Some(Ok(Reply::Ready(readiness))) => Ok(readiness),
            Some(Ok(Reply::Failed(failure))) => Err(failed(self.kind, failure)),
            Some(Ok(_)) | None => Err(EngineError::Exited { kind: self.kind, status: None }),
            Some(Err(error)) => Err(error),
        }
    }

    pub(crate) async fn send(&self, request: Request) -> Result<(), EngineError> {
        match self.requests.send_timeout(request, SEND_DEADLINE).await {
            Ok(()) => Ok(()),
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
                Err(EngineError::Stalled { kind: self.kind, within: SEND_DEADLINE })
            }
            Err(mpsc::error::SendTimeoutError::Closed(_)) => {
                Err(EngineError::Exited { kind: self.kind, status: None })
            }
        }
    }

    /// The next reply; an error at most once, then `None`. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Option<Result<Reply, EngineError>> {
        self.replies.recv().await
    }
}

/// Why the pipes are no longer served.
enum End {
    ClientGone,
    ChildClosed,
    Broken(EngineError),
}

async fn serve(
    kind: EngineKind,
    (stdin, stdout): (ChildStdin, ChildStdout),
    requests: mpsc::Receiver<Request>,
    replies: &mpsc::Sender<Result<Reply, EngineError>>,
) -> End {
    let feed = async {
        write_requests(stdin, requests).await;
        sleep(EXIT_DEADLINE).await;
    };
    tokio::select! {
        end = read_replies(kind, stdout, replies) => end,
        () = replies.closed() => End::ClientGone,
        () = feed => End::Broken(EngineError::Stalled { kind, within: EXIT_DEADLINE }),
    }
}

/// Write until the client drops its end or the pipe breaks; closes stdin, which tells the engine to end.
async fn write_requests(mut stdin: ChildStdin, mut requests: mpsc::Receiver<Request>) {
    while let Some(request) = requests.recv().await {
        let Ok(wire) = request.encode() else { return };
        // A broken pipe means that the child ended: the reader sees that too and knows its status.
        if stdin.write_all(&wire).await.is_err() {
            return;
        }
    }
}

async fn read_replies(
    kind: EngineKind,
    mut stdout: ChildStdout,
    replies: &mpsc::Sender<Result<Reply, EngineError>>,
) -> End {
    let mut parser = FrameParser::default();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match stdout.read(&mut buffer).await {
            Ok(0) => return End::ChildClosed,
            Ok(count) => parser.push(&buffer[..count]),
            Err(source) => return End::Broken(EngineError::Pipe { kind, source }),
        }
        loop {
            match next_reply(&mut parser) {
                Ok(None) => break,
                Ok(Some(reply)) => {
                    if replies.send(Ok(reply)).await.is_err() {
                        return End::ClientGone;
                    }
                }
                Err(source) => return End::Broken(EngineError::Protocol { kind, source }),
            }
        }
    }
}

fn next_reply(parser: &mut FrameParser) -> Result<Option<Reply>, MessageError> {
    parser.next_frame()?.map(|frame| Reply::decode(&frame)).transpose()
}

/// End the child and say what the client has to be told about it.
async fn last_words(kind: EngineKind, child: &mut Child, end: End) -> Option<EngineError> {
    match end {
        End::ClientGone => {
            kill(child).await;
            None
        }
        End::ChildClosed => Some(EngineError::Exited { kind, status: exit_status(child).await }),
        End::Broken(error) => {
            kill(child).await;
            Some(error)
        }
    }
}

async fn exit_status(child: &mut Child) -> Option<ExitStatus> {
    match timeout(EXIT_DEADLINE, child.wait()).await {
        Ok(status) => status.ok(),
        Err(_) => {
            kill(child).await;
            None
        }
    }
}

async fn kill(child: &mut Child) {
    // Fails only if the child has ended already, which is what was wanted.
    let _ = child.start_kill();
    let _ = timeout(EXIT_DEADLINE, child.wait()).await;
}
