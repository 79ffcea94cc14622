//! A campaign that is watched until it ends, or until whoever watches goes away: it goes on without them.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};

use super::client::{ApiError, Client};
use super::{CampaignError, words};
use crate::terminal::{Style, Terminal};

/// A person or a key may ask a hundred times a minute, and has other things to ask.
const LOOK: Duration = Duration::from_secs(2);
/// A bridge that is started again, or has trouble, is waited for so long.
const LONGEST_AWAY: Duration = Duration::from_secs(600);

/// How the watching ended.
pub enum Ended {
    /// The campaign is over, or stands and does not go on by itself.
    Over { well: bool },
    /// Whoever watched went away.
    Left,
}

impl Ended {
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Over { well: false } => ExitCode::FAILURE,
            Self::Over { well: true } | Self::Left => ExitCode::SUCCESS,
        }
    }
}

/// Show how it goes until it is completed, paused or failed.
pub async fn to_its_end(
    client: &Client,
    campaign: &str,
    terminal: &Terminal,
) -> Result<Ended, CampaignError> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CampaignError::Signals)?;
    let mut end = signal(SignalKind::terminate()).map_err(CampaignError::Signals)?;
    tokio::select! {
        ended = watch(client, campaign, terminal) => ended,
        _ = interrupt.recv() => Ok(left(campaign, terminal)),
        _ = end.recv() => Ok(left(campaign, terminal)),
    }
}

fn left(campaign: &str, terminal: &Terminal) -> Ended {
    terminal.line(&format!(
        "The campaign goes on. `vox campaign follow {campaign}` shows it again, `vox campaign stop {campaign}` ends it."
    ));
    Ended::Left
}

/// Ask until there is an answer. A bridge that is away for a while is waited for, and that is said.
pub(super) async fn answered<T>(
    mut ask: impl AsyncFnMut() -> Result<T, ApiError>,
    mut say: impl FnMut(&str),
) -> Result<T, ApiError> {
    let mut away: Option<Instant> = None;
    loop {
        match ask().await {
            Err(error) if error.passes() && away.is_none_or(|since| since.elapsed() < LONGEST_AWAY) => {
                if away.is_none() {
                    away = Some(Instant::now());
                    let what = "It is waited for, ten minutes at most; the campaign goes on without this";
                    say(&format!("{what}: {error}"));
                }
                sleep(LOOK).await;
            }
            Ok(answer) => {
                if away.is_some() {
                    say("The bridge answers again.");
                }
                return Ok(answer);
            }
            failed => return failed,
        }
    }
}

async fn watch(client: &Client, campaign: &str, terminal: &Terminal) -> Result<Ended, CampaignError> {
    let mut said = String::new();
    loop {
        let seen = answered(async || client.campaign(campaign).await, |text| terminal.line(text)).await?;
        let line = words::progress(&seen);
        if line != said {
            terminal.fleeting(&line);
            said = line;
        }
        if seen["state"] == "running" {
            sleep(LOOK).await;
            continue;
        }
        let well = has_called_all(&seen);
        let style = if well { Style::Good } else { Style::Warning };
        terminal.line(&terminal.styled(style, &said));
        return Ok(Ended::Over { well });
    }
}

/// Whether a campaign came to its end, and was not ended before.
fn has_called_all(seen: &Value) -> bool {
    seen["state"] == "completed" && seen["why"] != "stopped"
}

/// Wait until a file is read; the import as it stands then.
pub async fn import(
    client: &Client,
    campaign: &str,
    import: &str,
    terminal: &Terminal,
) -> Result<Value, CampaignError> {
    loop {
        let at = format!("/api/v1/campaigns/{campaign}/imports/{import}");
        let ask = async || client.get(&at, "say how far the import is").await;
        let seen = answered(ask, |text| terminal.line(text)).await?;
        if words::text(&seen, "state") != "reading" {
            return Ok(seen);
        }
        terminal.fleeting(&words::import(&seen["counts"]));
        sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn failing() -> ApiError {
        let status = reqwest::StatusCode::SERVICE_UNAVAILABLE;
        ApiError::Failing { what: "show the campaign", status, code: "store_unavailable".into() }
    }

    #[test]
    fn a_campaign_that_was_stopped_is_none_that_called_everybody() {
        assert!(has_called_all(&json!({"state": "completed", "why": null})));
        for short in [
            json!({"state": "completed", "why": "stopped"}),
            json!({"state": "paused"}),
            json!({"state": "failed"}),
        ] {
            assert!(!has_called_all(&short), "{short}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bridge_that_is_away_is_waited_for_and_that_is_said_once() {
        let (mut asked, mut said) = (0, Vec::new());
        let ask = async || {
            asked += 1;
            if asked < 100 { Err(failing()) } else { Ok(json!({"state": "running"})) }
        };
        let seen = answered(ask, |text| said.push(text.to_owned())).await.unwrap();
        assert_eq!(seen["state"], "running");
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains("store_unavailable") && said[1].contains("again"), "{said:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever_nor_for_what_does_not_pass() {
        let began = Instant::now();
        let gone = answered(async || Err::<Value, _>(failing()), |_| {}).await.unwrap_err();
        assert!(gone.passes() && began.elapsed() >= LONGEST_AWAY, "{gone}");
        let mut asked = 0;
        let ask = async || {
            asked += 1;
            Err::<Value, _>(ApiError::Key { what: "show the campaign" })
        };
        answered(ask, |_| {}).await.unwrap_err();
        assert_eq!(asked, 1);
    }
}
