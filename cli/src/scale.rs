//! `vox scale`: add a host when the fleet is nearly full, and take one away when it is nearly empty. The commands that do it are the
//! operator's own; this looks, decides by [`rule`], and waits for them.

mod command;
mod fleet;
pub mod rule;

use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior, interval};
use vox_shared::env::{Env, Faults};

use crate::arguments::ScaleArguments;
use crate::terminal::Terminal;
use command::{CommandError, Commands};
use fleet::Fleet;
use rule::{Load, Outcome, Rule, Scaler, Step};

/// Why nothing is scaled.
#[derive(Debug, thiserror::Error)]
pub enum ScaleError {
    #[error(transparent)]
    Settings(#[from] Faults),
    #[error("{0}")]
    Arguments(String),
    #[error("'{0}' is not an address: write http://HOST:PORT")]
    Address(String),
    #[error("cannot listen for signals")]
    Signals(#[source] std::io::Error),
    #[error(transparent)]
    Fleet(#[from] fleet::FleetError),
}

/// Look again and again, until a signal comes; once with `--once`.
pub async fn run(arguments: ScaleArguments, mut env: Env) -> Result<ExitCode, ScaleError> {
    // Whoever reads the lines may be slow; nothing here waits for it.
    let terminal = Terminal::stdout(&env).in_background();
    let key = env.secret("VOX_API_KEY").unwrap_or_default();
    if secrecy::ExposeSecret::expose_secret(&key).is_empty() {
        env.fault("VOX_API_KEY: a key of the API with the scope fleet:read is needed; an admin makes one (docs/api.md)");
    }
    env.finish()?;
    let rule = rule_of(&arguments)?;
    let fleet = Fleet::new(arguments.url.as_str(), key)?;
    let [add, remove] = [arguments.add, arguments.remove].map(Option::unwrap_or_default);
    let commands = Commands { add, remove, within: arguments.command_timeout };
    if arguments.once {
        let load = fleet.load().await?;
        terminal.line(&shown(&load));
        terminal.finish(Duration::from_secs(1));
        return Ok(ExitCode::SUCCESS);
    }
    // Both are kept for whoever asks later: one that comes while a command runs is seen after it.
    let mut end = signal(SignalKind::terminate()).map_err(ScaleError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ScaleError::Signals)?;
    let mut looks = interval(arguments.every);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut following = Following {
        scaler: Scaler::new(rule),
        fleet,
        commands,
        terminal: terminal.clone(),
        said: String::new(),
    };
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            _ = end.recv() => break,
            _ = interrupt.recv() => break,
        }
        // A command that runs is waited for, also by a signal: half a host is worse than a late end.
        following.look().await;
    }
    terminal.finish(Duration::from_secs(1));
    Ok(ExitCode::SUCCESS)
}

/// What the arguments say, if it makes sense together.
fn rule_of(arguments: &ScaleArguments) -> Result<Rule, ScaleError> {
    let (above, below) = (f64::from(arguments.above) / 100.0, f64::from(arguments.below) / 100.0);
    if below >= above {
        return Err(ScaleError::Arguments("--below must be less than --above, or hosts come and go".into()));
    }
    if arguments.min > arguments.max {
        return Err(ScaleError::Arguments("--min must not be more than --max".into()));
    }
    Ok(Rule {
        above,
        below,
        least_hosts: usize::from(arguments.min),
        most_hosts: usize::from(arguments.max),
        holds: arguments.holds,
        after_add: arguments.after_add,
        after_remove: arguments.after_remove,
        kept: arguments.keep.clone(),
    })
}

struct Following {
    scaler: Scaler,
    fleet: Fleet,
    commands: Commands,
    terminal: Terminal,
    /// Told last, so that a fleet that stays as it is fills no log.
    said: String,
}

impl Following {
    async fn look(&mut self) {
        let load = match self.fleet.load().await {
            Ok(load) => load,
            Err(error) => {
                // What is not seen is not judged: the fleet may be full or empty.
                self.scaler.blind();
                self.say(format!("not seen: {error}"));
                return;
            }
        };
        let now = Instant::now();
        let step = self.scaler.look(now, &load);
        let missing = match self.scaler.never_came(now) {
            0 => String::new(),
            count => {
                format!("; {count} added and never seen: look at what became of it, they count for --max")
            }
        };
        self.say(shown(&load) + &missing);
        match &step {
            Step::Stay => {}
            Step::Add => self.act("adding a host", &step).await,
            Step::Remove { host } => self.act(&format!("removing {host}"), &step).await,
        }
    }

    async fn act(&mut self, what: &str, step: &Step) {
        self.say(what.to_owned());
        let done = match step {
            Step::Stay => return,
            Step::Add => self.commands.add().await,
            Step::Remove { host } => self.commands.remove(host).await,
        };
        let outcome = done.as_ref().map_or_else(CommandError::outcome, |()| Outcome::Done);
        // One that failed has its pause too, which keeps it from being repeated at each look.
        match done {
            Ok(()) => self.say(format!("done: {what}")),
            Err(error) => self.say(format!("failed: {what}: {error}")),
        }
        self.scaler.acted(Instant::now(), step, outcome);
    }

    fn say(&mut self, text: String) {
        if text != self.said {
            self.terminal.line(&text);
            self.said = text;
        }
    }
}

fn shown(load: &Load) -> String {
    let hosts: Vec<String> = load
        .hosts
        .iter()
        .map(|host| {
            let state = if host.takes_calls { "" } else { ", takes none" };
            format!("{} {}/{}{state}", host.name, host.used, host.slots)
        })
        .collect();
    let percent = load.used_share().map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", share * 100.0));
    format!("used {percent}: {}", if hosts.is_empty() { "no host".to_owned() } else { hosts.join("; ") })
}
