//! What is broken: a carrier that answers everything with 503, and a bot that never speaks. Nobody may pay for it who is on the list
//! (figures 39 and 40 of the dialler).

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};
use vox_shared::clock::Clock;
use vox_testkit::exchange::callees::Law;
use vox_testkit::exchange::journal::What;

use super::stage::Stage;
use super::{DiallerError, Plan, people, prepare};

const LOOK: Duration = Duration::from_millis(100);
/// A carrier that is dead is looked at for so long: less than a breaker's first pause.
const DEAD_FOR: Duration = Duration::from_secs(25);
/// For the first call, and for a bot's campaign to be paused.
const PATIENCE: Duration = Duration::from_secs(90);
const MOST_DIALS: usize = 20;
const MOST_ANSWERS: usize = 10;
/// As a campaign has it where nobody says anything else: without it all lines ring before the first bot has been silent.
const CANARY: u32 = 5;

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Broken {
    pub seed: u64,
    /// INVITEs to the dead carrier, and attempts that counted against somebody.
    pub dials: usize,
    pub counted: usize,
    /// People who had answered the silent bot when its campaign was paused, and why it was.
    pub answered: usize,
    pub why: String,
}

impl Broken {
    pub fn is_in_order(&self) -> bool {
        (1..=MOST_DIALS).contains(&self.dials)
            && self.counted == 0
            && (1..=MOST_ANSWERS).contains(&self.answered)
            && self.why == "dead_air"
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        writeln!(
            f,
            "  39  INVITEs to a dead carrier in 25 s; attempts that counted        {}; {}",
            self.dials, self.counted
        )?;
        writeln!(
            f,
            "  40  people who heard nothing until the campaign paused ({})   {}",
            self.why, self.answered
        )
    }
}

/// Run both.
///
/// # Errors
/// When a program does not start, or what must come does not.
pub async fn run(plan: Plan) -> Result<Broken, DiallerError> {
    let plan = Plan { diallers: 1, faults: 0.0, ..plan };
    let (dials, counted) = dead_carrier(&plan).await?;
    let (answered, why) = silent_bot(&plan).await?;
    Ok(Broken { seed: plan.seed, dials, counted, answered, why })
}

async fn dead_carrier(plan: &Plan) -> Result<(usize, usize), DiallerError> {
    let plan = Plan { law: Law { congestion: 1.0, ..Law::nobody() }, ..plan.clone() };
    let (stage, campaign) = begin(&plan).await?;
    sleep(DEAD_FOR).await;
    let attempts = stage.api.get(&format!("/api/v1/campaigns/{campaign}/attempts?limit=200")).await?;
    let attempts = attempts["items"].as_array().cloned().unwrap_or_default();
    let counted = attempts.iter().filter(|attempt| attempt["counts"] == true).count();
    Ok((lines(&stage, |what| matches!(what, What::Invite { .. })), counted))
}

async fn silent_bot(plan: &Plan) -> Result<(usize, String), DiallerError> {
    let law = Law { human: 1.0, hang_up: 1.0, talk_ms: 30_000.0, ..Law::nobody() };
    let plan = Plan { law, mute: 1.0, canary: CANARY, ..plan.clone() };
    let (stage, campaign) = begin(&plan).await?;
    let until = Instant::now() + PATIENCE;
    loop {
        let seen = stage.api.campaign(&campaign).await?;
        if seen["state"] == "paused" {
            let why = seen["why"].as_str().unwrap_or_default().to_owned();
            return Ok((lines(&stage, |what| matches!(what, What::Answered { .. })), why));
        }
        if Instant::now() > until {
            return Err(DiallerError::Late(format!("the pause of a silent bot's campaign; it is {seen}")));
        }
        sleep(LOOK).await;
    }
}

/// A campaign that has begun to dial.
pub(super) async fn begin(plan: &Plan) -> Result<(Stage, String), DiallerError> {
    let stage = Stage::set(plan).await?;
    let people = people::numbers(plan.contacts, Clock::system().now().as_second());
    let campaign = prepare(&stage, plan, people).await?;
    stage.api.tell(&campaign, "start").await?;
    let until = Instant::now() + PATIENCE;
    while lines(&stage, |what| matches!(what, What::Invite { .. })) == 0 {
        if Instant::now() > until {
            return Err(DiallerError::Late("the first INVITE".into()));
        }
        sleep(LOOK).await;
    }
    Ok((stage, campaign))
}

fn lines(stage: &Stage, is: impl Fn(&What) -> bool) -> usize {
    stage.exchange.journal().lines().iter().filter(|line| is(&line.what)).count()
}
