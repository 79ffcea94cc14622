//! `vox doctor`: what is wrong with this machine or this platform, and how to mend it.

mod clock;
mod finding;
mod livekit;
mod machine;
mod ports;
mod running;
mod vendors;

use std::process::ExitCode;

use secrecy::SecretString;
use vox_shared::clock::Clock;
use vox_shared::egress::Policy;
use vox_shared::env::{Env, Faults};
use vox_shared::livekit::LiveKitSettings;

use crate::arguments::DoctorArguments;
use crate::bridge::Login;
use crate::platform::Platform;
use crate::terminal::Terminal;
pub use finding::{Finding, Level};

/// Why nothing could be examined.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    #[error(transparent)]
    Settings(#[from] Faults),
}

/// Examine everything; failure when something is broken.
pub async fn run(arguments: DoctorArguments, mut env: Env) -> Result<ExitCode, DoctorError> {
    let terminal = Terminal::stdout(&env);
    let policy = Policy::from_env(&mut env);
    let rooms = LiveKitSettings::from_env(&mut env);
    let chosen =
        ChosenLogin { email: env.text("VOX_ADMIN_EMAIL"), password: env.secret("VOX_ADMIN_PASSWORD") };
    env.finish()?;
    let mut report = Report { findings: Vec::new(), terminal: (!arguments.json).then(|| terminal.clone()) };
    examine(&mut report, &arguments, (policy, chosen)).await;
    report.add(livekit::check(rooms.as_ref(), &Clock::system()).await);
    let is_well = report.findings.iter().all(|finding| finding.level != Level::Fail);
    if arguments.json {
        terminal.line(&finding::to_json(&report.findings, is_well));
    } else {
        terminal.line(&finding::summary(&report.findings));
    }
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn examine(report: &mut Report, arguments: &DoctorArguments, (policy, chosen): (Policy, ChosenLogin)) {
    let clock = Clock::system();
    report.add(machine::programs());
    report.add([machine::models(arguments.models_dir.as_deref())]);
    report.add(machine::engines().await);
    report.add(machine::disk(&arguments.data_dir));
    report.add([machine::open_files(), clock::calendar(&clock, &arguments.data_dir), clock::timers().await]);
    let platform = running::find(&arguments.data_dir);
    report.add(ports::check(arguments, platform.as_ref().ok().and_then(Option::as_ref)));
    let login = platform.as_ref().ok().and_then(Option::as_ref).and_then(|p| chosen.or_first(p));
    let (findings, bridge) = running::check(platform).await;
    report.add(findings);
    if let Some(bridge) = bridge {
        report.add(vendors::check((&bridge, login.as_ref()), policy, &clock).await);
    }
}

/// Who asks for the vendors' keys, as the environment says.
struct ChosenLogin {
    email: Option<String>,
    password: Option<SecretString>,
}

impl ChosenLogin {
    /// What was chosen, completed by what the platform says of its first administrator. That password is known here until
    /// it is changed.
    fn or_first(self, platform: &Platform) -> Option<Login> {
        let email = self.email.unwrap_or_else(|| platform.admin_email.clone());
        let password = self.password.or_else(|| platform.admin_password.clone())?;
        Some(Login { email, password })
    }
}

/// Findings, shown as they come unless they are wanted as JSON.
struct Report {
    findings: Vec<Finding>,
    terminal: Option<Terminal>,
}

impl Report {
    fn add(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            if let Some(terminal) = &self.terminal {
                finding.show(terminal);
            }
            self.findings.push(finding);
        }
    }
}
