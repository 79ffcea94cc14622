//! What `vox-bridge` does beside serving.
#![expect(clippy::print_stdout, reason = "what a command found out goes to whoever called it")]

mod audit_check;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use vox_shared::clock::Clock;
use vox_shared::env::Env;

use self::audit_check::AuditCheckArguments;
use crate::config::{Config, Storage};
use crate::coordination;
use crate::copy::{Copied, copy};
use crate::deployment::Deployment;
use crate::store::{COLLECTIONS, Stores};
use crate::vault::rotation::{Rotating, Rotation, SETTLED, rotate};

/// The commands; without one the bridge serves.
#[derive(Subcommand)]
pub enum Command {
    /// Check every setting, and whether the stores that they name can be used. Documents are not changed.
    CheckConfig,
    /// Create what is missing in the stores and bring old documents up to date, as a start does, and end.
    Migrate,
    /// Copy a whole deployment, documents and recordings, into empty stores, and compare both sides.
    Copy(CopyArguments),
    /// Look at every tenant's audit log, entry by entry, and tell the last entry of each and the first that is not as it was
    /// written. Ends with 1 if there is one.
    AuditCheck(AuditCheckArguments),
    /// Wrap all data keys by the first master key, make new ones, and encrypt every secret anew. One that broke off is carried on.
    RotateKeys,
}

/// Which deployments.
#[derive(Args)]
pub struct CopyArguments {
    /// File of the settings that name the stores to copy from: lines of NAME=value.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// File of the settings that name the empty stores to copy into.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

impl Command {
    /// Do it and tell it on standard output.
    ///
    /// # Errors
    ///
    /// With what was wrong and what to do.
    pub async fn run(self, env: Env) -> anyhow::Result<()> {
        match self {
            Self::CheckConfig => check_config(env).await,
            Self::Migrate => migrate(env).await,
            Self::Copy(arguments) => copy_deployment(&arguments).await,
            Self::AuditCheck(arguments) => check_audit(&arguments, env).await,
            Self::RotateKeys => rotate_keys(env).await,
        }
    }
}

async fn check_config(env: Env) -> anyhow::Result<()> {
    let config = Config::from_env(env)?;
    let mut storage = config.storage.clone();
    // A check makes nothing that a start would find: what is not there yet is tried in a directory that goes again.
    let instead = match storage.data_dir.exists() {
        true => None,
        false => Some(stand_in(&storage.data_dir)?),
    };
    if let Some(instead) = &instead {
        storage.data_dir = instead.path().to_owned();
    }
    let deployment = Deployment::open(&storage).await?;
    // A start goes on without recordings for a while; whoever checks wants to know.
    let (documents, recordings) =
        (deployment.engine.check_writable().await, deployment.objects.check().await);
    let secrets = deployment.vault.check(&*deployment.engine).await;
    deployment.close().await;
    let coordination = coordination::open(&config.coordination, &Clock::system()).await?;
    coordination.check().await.context("other bridges cannot be reached")?;
    documents.context("the document store takes no writes")?;
    recordings.context("recordings cannot be stored")?;
    secrets.context("the secrets in the store cannot be opened")?;
    println!("the settings are sound, and the stores can be used: {}", config.storage.describe());
    Ok(())
}

/// A directory beside a data directory that is still to be made, which shows that one can be made there.
fn stand_in(data_dir: &Path) -> anyhow::Result<TempDir> {
    let data_dir = std::path::absolute(data_dir)?;
    let above = data_dir.ancestors().skip(1).find(|path| path.exists());
    let above = above.context("the data directory has nothing above it")?;
    tempfile::Builder::new().prefix(".vox-check-").tempdir_in(above).with_context(|| {
        format!(
            "the data directory '{}' cannot be made: '{}' takes none",
            data_dir.display(),
            above.display()
        )
    })
}

/// Only the settings of the stores are needed.
async fn migrate(mut env: Env) -> anyhow::Result<()> {
    let storage = Storage::from_env(&mut env);
    env.finish()?;
    let deployment = Deployment::open(&storage).await?;
    let opened = Stores::open(deployment.documents()).await;
    deployment.close().await;
    opened.context("the documents could not be brought up to date")?;
    println!("the stores are up to date: {}", storage.describe());
    Ok(())
}

/// Only the settings of the stores are needed.
async fn check_audit(arguments: &AuditCheckArguments, mut env: Env) -> anyhow::Result<()> {
    let storage = Storage::from_env(&mut env);
    env.finish()?;
    let noted = arguments.noted()?;
    let deployment = Deployment::open(&storage).await?;
    let checked = match Stores::open(deployment.documents()).await {
        Ok(stores) => audit_check::check(&stores, noted).await,
        Err(error) => Err(error.into()),
    };
    deployment.close().await;
    let checked = checked.context("the audit log could not be read")?;
    println!(
        "# the last sound entry of each tenant's audit log: tenant, number, hash. Keep this, and give it to the next check"
    );
    print!("{}", checked.told);
    if checked.broken.is_empty() {
        return Ok(());
    }
    bail!("the audit log is not as it was written: {}", checked.broken.join("; "))
}

/// Only the settings of the stores are needed.
async fn rotate_keys(mut env: Env) -> anyhow::Result<()> {
    let storage = Storage::from_env(&mut env);
    env.finish()?;
    let deployment = Deployment::open(&storage).await?;
    let rotated = rotate_keys_of(&deployment, &storage).await;
    deployment.close().await;
    let done = rotated.context("the rotation broke off; run it again to carry it on")?;
    println!(
        "rotation {}: {} data keys made, {} wrapped by the first master key, {} documents encrypted anew, {} with a secret that does not open",
        done.number, done.new_keys, done.rewrapped, done.sealed_anew, done.unopened
    );
    Ok(())
}

async fn rotate_keys_of(deployment: &Deployment, storage: &Storage) -> anyhow::Result<Rotation> {
    let (clock, vault) = (Clock::system(), &deployment.vault);
    Stores::open(deployment.documents()).await?;
    vault.begin_rotation(clock.now()).await?;
    // The embedded store is this process's alone; a server may have bridges that still use an old key.
    let settled = if storage.mongodb_uri.is_some() { SETTLED } else { Duration::ZERO };
    let stop = CancellationToken::new();
    let with = Rotating { vault, collections: COLLECTIONS, clock: &clock, settled, stop: &stop };
    rotate(&with).await?.context("it was begun, and there is no note of it")
}

async fn copy_deployment(arguments: &CopyArguments) -> anyhow::Result<()> {
    let (from, to) = (settings(&arguments.from)?, settings(&arguments.to)?);
    if from.mongodb_uri.is_none() && !Deployment::is_embedded_in(&from.data_dir) {
        bail!("there is no deployment in '{}'", from.data_dir.display());
    }
    if from.data_dir == to.data_dir {
        bail!(
            "both sides have the data directory '{}': give the target one of its own",
            to.data_dir.display()
        );
    }
    let source = Deployment::open(&from).await.context("the deployment to copy from cannot be opened")?;
    let target = Deployment::open(&to).await.context("the stores to copy into cannot be opened")?;
    let copied = copy(&source, &target).await;
    source.close().await;
    target.close().await;
    tell(&copied?, &from, &to);
    Ok(())
}

fn tell(copied: &Copied, from: &Storage, to: &Storage) {
    println!("{:<16} {:>10}  sha256 on both sides", "collection", "documents");
    for (name, digested) in &copied.collections {
        println!("{name:<16} {:>10}  {}", digested.documents, digested.sha256);
    }
    let recordings = copied.recordings;
    println!(
        "{:<16} {:>10}  {} bytes, read back and compared",
        "recordings", recordings.copied, recordings.bytes
    );
    if recordings.absent > 0 {
        println!("{:<16} {:>10}  named by calls and not in the source", "absent", recordings.absent);
    }
    println!("copied and the same: {} -> {}", from.describe(), to.describe());
}

/// The stores that a file of settings names. Its secrets stay out of the command line, which others can read.
fn settings(file: &Path) -> anyhow::Result<Storage> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read '{name}'"))?;
    let mut vars = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            bail!("{name}, line {number}: a line is NAME=value");
        };
        vars.push((key.trim().to_owned(), unquoted(value.trim()).to_owned()));
    }
    let mut env = Env::from_vars(vars);
    let storage = Storage::from_env(&mut env);
    env.finish().with_context(|| format!("in '{name}'"))?;
    Ok(storage)
}

fn unquoted(value: &str) -> &str {
    let inside = |mark: char| value.strip_prefix(mark)?.strip_suffix(mark);
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}
