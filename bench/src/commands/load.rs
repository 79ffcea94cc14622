//! `vox-bench load`: talking callers against any server of a media protocol.

use std::{io::Write, path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use secrecy::SecretString;
use vox_bench::load::{BargeIn, Plan, Summary, Tickets, Voice, clips, drive};
use vox_caller::{Options, Protocol};

/// Callers that one process can make without its own timers being late.
const CALLERS_MAX: u32 = 2_000;
const SECONDS_MAX: u32 = 24 * 3_600;
/// Without --ramp the callers start over one second.
const RAMP_ALL: Duration = Duration::from_secs(1);

#[derive(Args)]
pub struct Arguments {
    /// ws, exotel, twilio, plivo, telnyx, vonage or talk, with a rate behind a colon (exotel:16000, vonage:8000).
    #[arg(long)]
    protocol: Protocol,
    /// The whole address (ws://host:port/ws/bot_1), or the server's with --bot.
    #[arg(long)]
    url: String,
    #[arg(long)]
    bot: Option<String>,
    /// Callers at once.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(CALLERS_MAX)))]
    calls: u32,
    /// How long each caller talks.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=i64::from(SECONDS_MAX)))]
    seconds: u32,
    /// Milliseconds between the first calls of two callers; by default all start within a second.
    #[arg(long)]
    ramp: Option<u32>,
    /// 16-bit PCM WAV files to say, one per turn. Without any the callers speak with --voice.
    #[arg(long, num_args = 1..)]
    speech: Vec<PathBuf>,
    /// What the callers speak with when no recordings are given. Synthetic speech has no words, and a voice
    /// activity detector may not take it for speech.
    #[arg(long, value_enum, default_value_t = VoiceName::Auto)]
    voice: VoiceName,
    /// Every third turn speaks over the bot.
    #[arg(long)]
    barge_in: bool,
    /// A ticket for /talk; good for one call.
    #[arg(long, conflicts_with = "tickets_from")]
    ticket: Option<SecretString>,
    /// Where each call's /talk ticket is asked for: POST {"bot_id"} with X-VoxCore-Secret, answered by {"ticket"}.
    #[arg(long, requires = "secret", requires = "bot")]
    tickets_from: Option<reqwest::Url>,
    /// The secret for --tickets-from.
    #[arg(long, env = "VOX_TOOLS_SECRET", hide_env_values = true)]
    secret: Option<SecretString>,
    /// A header of the upgrade, "Name: value"; may be repeated.
    #[arg(long)]
    header: Vec<String>,
    /// A query parameter, name=value; may be repeated. Exotel also delivers it as a custom parameter.
    #[arg(long)]
    param: Vec<String>,
    /// Beginning of the callers' numbers; each adds four digits of its own.
    #[arg(long, default_value = "+91980000")]
    caller_id: String,
    /// The number that is dialled.
    #[arg(long, default_value = "+918000000001")]
    did: String,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum VoiceName {
    Auto,
    Flite,
    Synthetic,
}

/// Drive the load and print what was heard. Fails when no call came about at all.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let prints_json = arguments.json;
    let summary = drive(plan(arguments).await?).await;
    print(&summary, prints_json)?;
    if summary.calls.completed == 0 {
        bail!("no call was completed: {}", reasons(&summary));
    }
    Ok(())
}

async fn plan(arguments: Arguments) -> anyhow::Result<Plan> {
    let options = options(&arguments)?;
    let voice = match arguments.voice {
        VoiceName::Auto => Voice::Auto,
        VoiceName::Flite => Voice::Flite,
        VoiceName::Synthetic => Voice::Synthetic,
    };
    let ramp = arguments.ramp.map_or(RAMP_ALL / arguments.calls, |ms| Duration::from_millis(u64::from(ms)));
    let tickets = match (arguments.ticket, arguments.tickets_from.zip(arguments.secret)) {
        (Some(ticket), _) => Tickets::One(ticket),
        (None, Some((url, secret))) => Tickets::From { url, secret },
        (None, None) => Tickets::None,
    };
    Ok(Plan {
        clips: clips(&arguments.speech, voice, options.protocol.rate_hz()).await?,
        options,
        callers: arguments.calls,
        duration: Duration::from_secs(u64::from(arguments.seconds)),
        ramp,
        barge_in: if arguments.barge_in { BargeIn::Often } else { BargeIn::Never },
        tickets,
    })
}

fn options(arguments: &Arguments) -> anyhow::Result<Options> {
    let mut options = Options::new(arguments.protocol, &arguments.url)?;
    options.bot_id.clone_from(&arguments.bot);
    options.caller_id.clone_from(&arguments.caller_id);
    options.did.clone_from(&arguments.did);
    for header in &arguments.header {
        let (name, value) =
            header.split_once(':').with_context(|| format!("--header {header:?} has no colon"))?;
        options.header(name.trim(), value.trim())?;
    }
    for parameter in &arguments.param {
        let (name, value) =
            parameter.split_once('=').with_context(|| format!("--param {parameter:?} has no ="))?;
        options.query.push((name.to_owned(), value.to_owned()));
    }
    // Before anything is dialled: a wrong address is told once and not per call.
    options.address()?;
    Ok(options)
}

fn print(summary: &Summary, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return Ok(super::announce(&serde_json::to_value(summary)?)?);
    }
    let mut out = std::io::stdout().lock();
    write!(out, "{summary}")?;
    Ok(out.flush()?)
}

fn reasons(summary: &Summary) -> String {
    let each = summary.calls.reasons.iter().map(|(reason, count)| format!("{count} x {reason}"));
    each.collect::<Vec<_>>().join(", ")
}
