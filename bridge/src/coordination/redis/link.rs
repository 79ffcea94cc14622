//! The one connection for commands. It is given up with the first failure, and made anew in the background: whoever asks meanwhile
//! hears so at once, and waits for nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, cmd};
use tokio::time::{sleep, timeout};

use super::super::CoordinationError;

/// Longest wait for an answer: what is asked here stands before the answer of every request.
const COMMAND_DEADLINE: Duration = Duration::from_secs(1);
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// Pause between two looks at the connection.
const PAUSE: Duration = Duration::from_secs(1);

/// The connection, while there is one.
pub struct Link {
    client: Client,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<MultiplexedConnection>,
    /// Which life of the server it is connected to.
    run: String,
    /// Counts connections, so that a late failure of one does not end the next.
    number: u64,
    /// That the server is away is logged once.
    told: bool,
    /// Something was perhaps not published, and nobody has been told yet.
    lost: bool,
}

impl Link {
    pub fn new(client: Client) -> Self {
        Self { client, state: Mutex::default() }
    }

    /// Ask one thing.
    pub async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, CoordinationError> {
        self.run(|mut on| async move { command.query_async(&mut on).await }).await
    }

    /// Ask for something.
    pub async fn run<T, W>(
        &self,
        ask: impl FnOnce(MultiplexedConnection) -> W,
    ) -> Result<T, CoordinationError>
    where
        W: Future<Output = RedisResult<T>>,
    {
        self.run_knowing(|on, _| ask(on)).await
    }

    /// Ask for something that depends on the life of the server that is asked.
    pub async fn run_knowing<T, W>(
        &self,
        ask: impl FnOnce(MultiplexedConnection, &str) -> W,
    ) -> Result<T, CoordinationError>
    where
        W: Future<Output = RedisResult<T>>,
    {
        let (connection, run, number) =
            self.connection().ok_or_else(|| unavailable("there is no connection"))?;
        let ask = |on| ask(on, &run);
        let failed = match timeout(COMMAND_DEADLINE, ask(connection)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", COMMAND_DEADLINE.as_secs()),
        };
        self.give_up(number, &failed);
        Err(unavailable(failed))
    }

    /// Make a connection, in the runtime of whoever calls: it lives as long as that.
    pub async fn connect(&self) -> RedisResult<()> {
        match self.connected().await {
            Ok((connection, run)) => {
                let mut state = self.state();
                if state.told {
                    tracing::info!("Redis answers again");
                }
                let (number, lost) = (state.number + 1, state.lost);
                *state = State { open: Some(connection), run, number, told: false, lost };
                Ok(())
            }
            Err(error) => {
                let number = self.state().number;
                self.give_up(number, &error.to_string());
                Err(error)
            }
        }
    }

    /// A connection that answers, and which life of the server it is to. One without a login is refused with the first command only.
    async fn connected(&self) -> RedisResult<(MultiplexedConnection, String)> {
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_DEADLINE))
            .set_response_timeout(Some(COMMAND_DEADLINE));
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&settings).await?;
        cmd("PING").query_async::<()>(&mut connection).await?;
        let run = match cmd("INFO").arg("server").query_async::<String>(&mut connection).await {
            Ok(told) => told
                .lines()
                .find_map(|line| line.strip_prefix("run_id:"))
                .unwrap_or_default()
                .trim()
                .to_owned(),
            // A login that may not ask. Permits are given to none of whose life nothing is known.
            Err(error) if is_refusal(&error) => String::new(),
            Err(error) => return Err(error),
        };
        Ok((connection, run))
    }

    /// Which life of the server it is connected to; empty when that is not known.
    pub fn life(&self) -> Result<String, CoordinationError> {
        let connection = self.connection().ok_or_else(|| unavailable("there is no connection"))?;
        Ok(connection.1)
    }

    /// Whether there is a connection.
    pub fn is_open(&self) -> bool {
        self.state().open.is_some()
    }

    fn connection(&self) -> Option<(MultiplexedConnection, String, u64)> {
        let state = self.state();
        state.open.clone().map(|connection| (connection, state.run.clone(), state.number))
    }

    fn give_up(&self, number: u64, error: &str) {
        let mut state = self.state();
        if state.number != number {
            return;
        }
        state.open = None;
        if !state.told {
            state.told = true;
            tracing::warn!(
                error,
                "Redis cannot be used: limits are counted by this bridge alone, nobody gets a lease, and other bridges are not heard"
            );
        }
    }

    /// Something was perhaps not published: those who listen are told with the next beat. A limit that could not be counted is no loss of
    /// theirs.
    pub fn lose(&self) {
        self.state().lost = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is published instead of a beat when something was perhaps not published before.
pub const LOST: &str = "lost";

/// Look after the connection for ever: make one where there is none, and publish a beat to this channel, by which those who listen
/// know that they still do.
pub async fn keep(link: Arc<Link>, channel: String) {
    loop {
        sleep(PAUSE).await;
        if link.connection().is_none() {
            // It was told, once.
            let _ = link.connect().await;
        }
        let lost = link.state().lost;
        let beat = if lost { LOST } else { "" };
        let heard: Result<(), _> = link.ask(cmd("PUBLISH").arg(&channel).arg(beat)).await;
        if lost && heard.is_ok() {
            link.state().lost = false;
        }
    }
}

/// Whether the server refuses whoever asks, and will go on refusing.
pub fn is_refusal(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"))
}

fn unavailable(why: impl Into<String>) -> CoordinationError {
    CoordinationError::Unavailable(why.into())
}
