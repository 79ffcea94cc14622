//! `vox campaign`: a campaign from a file of people to a file of what became of each call, over the public API of any bridge.

mod client;
mod follow;
pub(crate) mod words;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use vox_shared::env::{Env, Faults};

use crate::arguments::{BridgeArguments, CampaignArguments, CampaignCommand, CampaignName, RunArguments};
use crate::platform::{Platform, PlatformError};
use crate::terminal::{Terminal, plain};
pub use client::ApiError;
pub(crate) use client::{Client, Login};
use follow::Ended;

const LAST_LINES: Duration = Duration::from_secs(1);

/// Why there is no campaign, or no word of it.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    #[error(transparent)]
    Platform(#[from] PlatformError),
    #[error(transparent)]
    Settings(#[from] Faults),
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(
        "the first password of this platform was changed: make a key with the scopes bots:read, campaigns:read and campaigns:write, give it in VOX_API_KEY and the address with --bridge"
    )]
    NoPassword,
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path} is no JSON object of settings of a campaign")]
    NoSettings { path: PathBuf },
    #[error("cannot write {path}")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("the file was not taken: {0}")]
    Import(String),
    #[error("none of its rows can be called: --errors FILE keeps why; the campaign {campaign} is a draft")]
    Nobody { campaign: String },
    #[error("cannot listen for signals")]
    Signals(#[source] std::io::Error),
}

/// Do what the arguments say.
///
/// # Errors
/// When the bridge cannot be asked or says no, or a file cannot be read or written.
pub async fn run(arguments: CampaignArguments, env: Env) -> Result<ExitCode, CampaignError> {
    let terminal = Terminal::stdout(&env);
    let done = match arguments.command {
        CampaignCommand::Run(run) => {
            let client = connect(&run.bridge, env).await?;
            whole(&client, &run, &terminal).await
        }
        CampaignCommand::Follow(name) => {
            let client = connect(&name.bridge, env).await?;
            Ok(follow::to_its_end(&client, &name.campaign, &terminal).await?.exit_code())
        }
        CampaignCommand::Status(name) => {
            let client = connect(&name.bridge, env).await?;
            status(&client, &name, &terminal).await
        }
        CampaignCommand::Report(report) => {
            let client = connect(&report.name.bridge, env).await?;
            let campaign = &report.name.campaign;
            attempts(&client, campaign, &report.file, &terminal).await?;
            terminal.line(&format!("The attempts are in {}.", report.file.display()));
            Ok(ExitCode::SUCCESS)
        }
        CampaignCommand::Pause(name) => verb(&name, "pause", env, &terminal).await,
        CampaignCommand::Resume(name) => verb(&name, "resume", env, &terminal).await,
        CampaignCommand::Stop(name) => verb(&name, "stop", env, &terminal).await,
    };
    terminal.finish(LAST_LINES);
    done
}

/// The bridge that is named, with a key; else the platform that runs on the data directory, as its first administrator.
async fn connect(arguments: &BridgeArguments, mut env: Env) -> Result<Client, CampaignError> {
    if let Some(url) = &arguments.bridge {
        let key = env.secret("VOX_API_KEY").unwrap_or_default();
        if key.expose_secret().is_empty() {
            env.fault(
                "VOX_API_KEY: a key of the API with the scopes campaigns:read and campaigns:write is needed; an admin makes one (docs/api.md)",
            );
        }
        env.finish()?;
        return Ok(Client::with_key(url.as_str(), key)?);
    }
    let platform = Platform::find(&arguments.data_dir)?;
    let password = platform.admin_password.ok_or(CampaignError::NoPassword)?;
    let login = Login { email: platform.admin_email, password };
    Ok(Client::log_in(&platform.bridge_url, &login).await?)
}

/// From the file to the report.
async fn whole(client: &Client, run: &RunArguments, terminal: &Terminal) -> Result<ExitCode, CampaignError> {
    let settings = settings(run)?;
    let name = run.name.clone().unwrap_or_else(|| {
        run.file.file_stem().map_or_else(|| "campaign".to_owned(), |stem| stem.to_string_lossy().into_owned())
    });
    let body = json!({"name": name, "bot_id": run.bot, "settings": settings});
    let made = client.post("/api/v1/campaigns", &body, "make the campaign").await?;
    let campaign = words::text(&made, "id");
    terminal.line(&format!("Campaign {campaign} ({}).", plain(&name)));
    let import = import(client, run, &campaign, terminal).await?;
    if import == 0 {
        return Err(CampaignError::Nobody { campaign });
    }
    client.tell(&campaign, "start").await?;
    if run.detach {
        terminal.line(&format!("It runs. `vox campaign follow {campaign}` shows how it goes."));
        return Ok(ExitCode::SUCCESS);
    }
    let ended = follow::to_its_end(client, &campaign, terminal).await?;
    if let (Ended::Over { .. }, Some(path)) = (&ended, &run.report) {
        attempts(client, &campaign, path, terminal).await?;
        terminal.line(&format!("What became of each call is in {}.", path.display()));
    }
    Ok(ended.exit_code())
}

/// The settings' file, with what the options say.
fn settings(run: &RunArguments) -> Result<Value, CampaignError> {
    let mut settings = match &run.settings {
        None => json!({}),
        Some(path) => {
            let text =
                std::fs::read(path).map_err(|source| CampaignError::Read { path: path.clone(), source })?;
            let read = serde_json::from_slice(&text).ok().filter(Value::is_object);
            read.ok_or_else(|| CampaignError::NoSettings { path: path.clone() })?
        }
    };
    if let Some(region) = &run.region {
        settings["region"] = json!(region);
    }
    if !run.from.is_empty() {
        settings["numbers"]["from"] = json!(run.from);
    }
    Ok(settings)
}

/// Send the file, and wait until it is read; how many of its people can be called.
async fn import(
    client: &Client,
    run: &RunArguments,
    campaign: &str,
    terminal: &Terminal,
) -> Result<u64, CampaignError> {
    let path = &run.file;
    let file = tokio::fs::File::open(path).await;
    let file = file.map_err(|source| CampaignError::Read { path: path.clone(), source })?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let import = client.import(campaign, &name, file).await?;
    let seen = follow::import(client, campaign, &import, terminal).await?;
    if words::text(&seen, "state") != "done" {
        return Err(CampaignError::Import(plain(&words::text(&seen, "error"))));
    }
    terminal.line(&words::import(&seen["counts"]));
    if let Some(path) = &run.errors {
        let at = format!("/api/v1/campaigns/{campaign}/imports/{import}/errors");
        save(client, &at, path, terminal).await?;
        terminal.line(&format!("The rows that were not taken are in {}.", path.display()));
    }
    let count = |name: &str| seen["counts"][name].as_u64().unwrap_or_default();
    Ok(count("created") + count("updated") + count("unchanged"))
}

async fn attempts(
    client: &Client,
    campaign: &str,
    path: &Path,
    terminal: &Terminal,
) -> Result<(), CampaignError> {
    save(client, &format!("/api/v1/campaigns/{campaign}/attempts.csv"), path, terminal).await
}

/// Write what is there into a file, as it comes.
async fn save(client: &Client, at: &str, path: &Path, terminal: &Terminal) -> Result<(), CampaignError> {
    let failed = |source| CampaignError::Write { path: path.to_owned(), source };
    let mut answer = follow::answered(async || client.stream(at).await, |text| terminal.line(text)).await?;
    let mut file = tokio::fs::File::create(path).await.map_err(failed)?;
    while let Some(piece) = client.next(&mut answer).await? {
        file.write_all(&piece).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)
}

async fn status(
    client: &Client,
    name: &CampaignName,
    terminal: &Terminal,
) -> Result<ExitCode, CampaignError> {
    let campaign = client.campaign(&name.campaign).await?;
    terminal.line(&words::progress(&campaign));
    let at = format!("/api/v1/campaigns/{}/status", name.campaign);
    let status: Value = client.get(&at, "say how it goes").await?;
    for line in words::fields(&status) {
        terminal.line(&line);
    }
    Ok(ExitCode::SUCCESS)
}

async fn verb(
    name: &CampaignName,
    verb: &str,
    env: Env,
    terminal: &Terminal,
) -> Result<ExitCode, CampaignError> {
    let client = connect(&name.bridge, env).await?;
    let campaign = client.tell(&name.campaign, verb).await?;
    terminal.line(&format!("Campaign {} is {}.", name.campaign, words::state(&campaign)));
    Ok(ExitCode::SUCCESS)
}
