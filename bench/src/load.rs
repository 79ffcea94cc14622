//! Drives any server of a media protocol with talking callers, and tells what the callers heard.
//!
//! Every caller talks with the bot for the given time: waits for it to finish, says something, waits for the answer,
//! now and then speaks over it. When the bot hangs up the caller calls again. One task per call; the calls are made
//! by `vox-caller`, which measures on the caller's side of the line alone and so needs nothing of the server's.

use std::time::Duration;

use secrecy::SecretString;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};
use vox_caller::{Clip, Options};

mod cost;
mod speech;
mod summary;
mod talk;
mod tickets;

pub use speech::{SpeechError, Voice, clips};
pub(crate) use summary::failure;
pub use summary::{Callers, Calls, Gaps, Summary, Turns};
pub use talk::converse;
pub use tickets::{TicketError, Tickets};

use cost::Meter;
use summary::Tally;

/// Whether callers speak over the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BargeIn {
    Never,
    /// Every third turn is an interruption.
    Often,
}

/// What to do to which server.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Every call's options; callers get numbers of their own and, on `/talk`, a ticket.
    pub options: Options,
    pub callers: u32,
    /// How long each caller talks.
    pub duration: Duration,
    /// Between the first calls of two callers, so that they do not speak in chorus.
    pub ramp: Duration,
    pub barge_in: BargeIn,
    pub tickets: Tickets,
    /// What callers say, in turn; must not be empty.
    pub clips: Vec<Clip>,
}

/// A caller that calls again waits first: for the server to put the last call away, or after a refusal.
const REDIAL: Duration = Duration::from_secs(1);
/// A rest of time that is too short for a call that says something.
const SHORTEST_CALL: Duration = Duration::from_secs(3);

/// Carry out the plan and sum it up.
pub async fn drive(plan: Plan) -> Summary {
    let meter = Meter::start();
    let began = Instant::now();
    let mut tally = Tally::default();
    let mut callers = JoinSet::new();
    for number in 0..plan.callers {
        let caller = Caller { plan: plan.clone(), number, starts: began + plan.ramp * number };
        callers.spawn(caller.run());
    }
    while let Some(calls) = callers.join_next().await {
        match calls {
            Ok(calls) => calls.into_iter().for_each(|call| tally.add(call)),
            Err(error) => tally.add(Err(format!("caller_panicked: {error}"))),
        }
    }
    tally.sum_up(&plan, began.elapsed(), meter.stop())
}

/// How one call went, or why it did not come about.
type Outcome = Result<vox_caller::Report, String>;

struct Caller {
    plan: Plan,
    number: u32,
    starts: Instant,
}

impl Caller {
    async fn run(self) -> Vec<Outcome> {
        sleep_until(self.starts).await;
        let until = Instant::now() + self.plan.duration;
        let mut calls = Vec::new();
        while calls.is_empty() || until.saturating_duration_since(Instant::now()) >= SHORTEST_CALL {
            let pause = sleep_until(Instant::now() + REDIAL);
            calls.push(self.call(calls.len() as u32, until).await);
            let talked_to_the_end = Instant::now() >= until;
            if talked_to_the_end {
                break;
            }
            pause.await;
        }
        calls
    }

    async fn call(&self, attempt: u32, until: Instant) -> Outcome {
        let mut options = self.plan.options.clone();
        // Numbers of their own, so that a server that keys by caller does not see one caller fifty times.
        options.caller_id = format!("{}{:04}", options.caller_id, self.number % 10_000);
        if let Some(ticket) = self.ticket(&options).await? {
            options.ticket = Some(ticket);
        }
        let call = vox_caller::connect(options).await.map_err(|error| error.kind())?;
        talk::converse(&call, &self.plan, self.number.wrapping_add(attempt), until).await;
        Ok(call.finish().await)
    }

    async fn ticket(&self, options: &Options) -> Result<Option<SecretString>, String> {
        let bot = options.bot_id.as_deref().unwrap_or_default();
        self.plan.tickets.next(bot).await.map_err(|error| error.kind().to_owned())
    }
}
