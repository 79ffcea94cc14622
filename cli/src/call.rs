//! `vox call`: a caller in the terminal. Plays its part in real time over any of the media protocols, shows the conversation
//! as it happens, and the record that the bridge keeps of it.

mod deployment;
mod drive;
mod live;
#[cfg(feature = "mic")]
mod microphone;
mod outcome;
mod record;
mod speech;
mod typed;
mod waterfall;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use vox_caller::{ClipError, ConnectError, Options, OptionsError, Protocol, Report, connect};
use vox_shared::env::Env;
use vox_shared::ids::SessionId;

use crate::arguments::CallArguments;
use crate::bridge::BridgeError;
use crate::platform::PlatformError;
use crate::terminal::{Style, Terminal};
use deployment::Deployment;
use outcome::Paths;
use speech::Script;

/// Why there was no call, or no record of it.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error(transparent)]
    Platform(#[from] PlatformError),
    #[error(transparent)]
    Bridge(#[from] BridgeError),
    #[error("there is no bot '{wanted}'; there are: {known}")]
    UnknownBot { wanted: String, known: String },
    #[error("{count} bots are called '{wanted}': use one of the ids {ids}")]
    Ambiguous { wanted: String, count: usize, ids: String },
    #[error("all workers are in a call: try again in a few seconds, or start `vox up` with more --workers")]
    Busy,
    #[error("the call could not be placed")]
    Connect(#[source] ConnectError),
    #[error("the call could not be placed")]
    Options(#[from] OptionsError),
    #[error("the recording cannot be played")]
    Clip(#[from] ClipError),
    #[error("the local voice cannot speak")]
    Voice(#[from] vox_engines::EngineError),
    #[error(
        "the local voice's program vox-engine is not beside this one: build it with `cargo build --release -p vox-engines`"
    )]
    NoEngine,
    #[error(
        "this program was built without the sound card: build it with `cargo build --release -p vox-cli --features mic` (Debian: install libasound2-dev first)"
    )]
    #[cfg(not(feature = "mic"))]
    NoMicrophone,
    #[error("the sound card cannot be used: {0}")]
    #[cfg(feature = "mic")]
    SoundCard(String),
    #[error("cannot write {path}")]
    Save { path: PathBuf, source: io::Error },
    #[error("the recording could not be kept: {0}")]
    NotRecorded(String),
}

/// Place one call and show it. The exit code is failure when the bridge has no terminal record of it.
pub async fn run(arguments: Box<CallArguments>, env: &Env) -> Result<ExitCode, CallError> {
    let terminal = if arguments.json { Terminal::stderr(env) } else { Terminal::stdout(env) };
    let deployment = Deployment::find(&arguments)?;
    let bot = deployment.bot(&arguments.bot).await?;
    let script = speech::prepare(&arguments).await?;
    let paths = Paths::prepare(arguments.save.as_deref())?;
    let options = options(&arguments, &deployment, &bot.id, &paths).await?;
    terminal.line(&format!("Calling {} over {}.", terminal.styled(Style::Strong, &bot.id), arguments.via));
    let stream_id = options.stream_id.clone().unwrap_or_default();
    let report = place(options, script, &terminal).await?;
    let search = record::Search { session_id: report.session_id.clone(), stream_id };
    let call = record::wait(&deployment.bridge, search, &terminal).await?;
    let paths = paths.keep(&deployment.bridge, &report, call.as_ref()).await?;
    if arguments.via != Protocol::Talk
        && let Some(call) = &call
    {
        record::show_conversation(&call.record, &terminal);
    }
    let outcome = outcome::Outcome::new(&bot.id, &report, call.as_ref(), paths);
    outcome.show(&deployment.bridge, call.as_ref(), &terminal);
    if arguments.json {
        Terminal::stdout(env).line(&outcome.to_json());
    }
    Ok(if outcome.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn options(
    arguments: &CallArguments,
    deployment: &Deployment,
    bot_id: &str,
    paths: &Paths,
) -> Result<Options, CallError> {
    let mut options = Options::new(arguments.via, &deployment.calls_url)?;
    options.bot_id = Some(bot_id.to_owned());
    options.stream_id = Some(new_stream_id());
    options.deadlines.call = arguments.timeout;
    options.hearing.save.clone_from(&paths.heard);
    options.deliver_audio = arguments.mic;
    if arguments.via == Protocol::Talk {
        options.ticket = Some(deployment.bridge.ticket(bot_id).await?);
    }
    Ok(options)
}

/// From the first ring to the hang-up. Ctrl-C hangs up; a second one leaves the program.
async fn place(options: Options, script: Script, terminal: &Terminal) -> Result<Report, CallError> {
    let mut call = connect(options).await.map_err(refused)?;
    let events = call.take_events().expect("nobody took them before");
    let (audio, loudspeaker) = mpsc::channel(live::MAX_AUDIO_PIECES);
    let elsewhere = Arc::new(Notify::new());
    let shown = tokio::spawn(live::show(events, terminal.clone(), audio, elsewhere.clone()));
    tokio::select! {
        driven = drive::drive(&call, script, loudspeaker, terminal) => driven?,
        // A dialler connects the caller there, and the bot's stream ends. A call that is over needs nothing of it.
        () = elsewhere.notified() => drop(call.take_over().await),
        _ = tokio::signal::ctrl_c() => terminal.line("Hanging up."),
    }
    let report = tokio::select! {
        report = call.finish() => report,
        _ = tokio::signal::ctrl_c() => std::process::exit(130),
    };
    // The events end with the call; what is left of them is shown.
    let _ = shown.await;
    Ok(report)
}

fn refused(error: ConnectError) -> CallError {
    match error {
        ConnectError::Refused { status: 503, .. } => CallError::Busy,
        other => CallError::Connect(other),
    }
}

/// Names the call on protocols that do not tell its session: the bridge keeps it with the call.
fn new_stream_id() -> String {
    SessionId::generate().as_str().replace(SessionId::PREFIX, "cli")
}
