//! `vox-gateway`: the stand-in as a program, for tests.

use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use vox_gateway::{Gateway, Reasons, Settings};

/// A stand-in for LiveKit's SIP gateway, for tests. It is not the vendor's.
#[derive(Parser)]
#[command(name = "vox-gateway", version)]
struct Arguments {
    /// The LiveKit server's Redis: redis://HOST:PORT
    #[arg(long)]
    redis: String,
    /// The LiveKit server: ws://HOST:PORT
    #[arg(long)]
    livekit: String,
    /// The server's key
    #[arg(long)]
    key: String,
    /// A file that holds the key's secret
    #[arg(long)]
    secret_file: PathBuf,
    /// Where telephones reach it; port 0 is a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Which reasons participants of failed calls leave with
    #[arg(long, value_enum, default_value = "new")]
    reasons: ReasonsArgument,
    /// Hang up on a line that is silent for so many seconds from its beginning
    #[arg(long, default_value_t = 30)]
    first_sound_within: u64,
    /// And for so many later
    #[arg(long, default_value_t = 15)]
    sound_within: u64,
    /// End with standard input too: a parent that is killed leaves nothing behind
    #[arg(long)]
    until_eof: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum ReasonsArgument {
    Old,
    New,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("vox-gateway: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let secret = std::fs::read_to_string(&arguments.secret_file)
        .with_context(|| format!("cannot read {}", arguments.secret_file.display()))?;
    let mut settings = Settings::new(&arguments.redis, &arguments.livekit, &arguments.key, secret.trim());
    settings.listen = arguments.listen;
    settings.first_sound_within = Duration::from_secs(arguments.first_sound_within);
    settings.sound_within = Duration::from_secs(arguments.sound_within);
    settings.reasons = match arguments.reasons {
        ReasonsArgument::Old => Reasons::Old,
        ReasonsArgument::New => Reasons::New,
    };
    let gateway = Gateway::start(settings).await.context("the gateway does not start")?;
    say(&format!("ready sip:{}", gateway.address()))?;
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        () = end_of_input(), if arguments.until_eof => {}
        _ = terminated.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    gateway.stop().await;
    Ok(())
}

/// A line on standard output, for who started this.
fn say(line: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

async fn end_of_input() {
    // A thread that waits for the end does not hold the process up: it ends with it.
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 64];
        while matches!(std::io::stdin().read(&mut bytes), Ok(read) if read > 0) {}
        let _gone = ended.send(());
    });
    let _gone = end.await;
}
