//! One attempt: the steps of the protocol, each done as it says and told how it went. Whatever becomes of this task, the steps are such that
//! another process finishes what it began.

mod before;
mod behind;
mod call;
mod people;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use vox_shared::ids::AttemptId;
use vox_shared::wire::dialler::attempt::{Carrier, Ending, Joined, Recovery, Why};
use vox_shared::wire::dialler::claim::Claimed;

use crate::attempt::{Event, Step};
use crate::bridge::BridgeError;
use crate::desk::Desk;

/// A step that has to be done again waits for this, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What a line tells its engine.
#[derive(Debug)]
pub struct News {
    pub attempt: AttemptId,
    pub what: What,
}

/// See [`News`].
#[derive(Debug)]
pub enum What {
    /// The request to dial is sent.
    Rings,
    /// A phone was answered after ringing so long.
    Answered { ring: Duration },
    /// No phone was answered. The trunk is told at once: its next dial may be a moment away.
    NotTaken { ending: Ending },
    /// A running call was taken over.
    Adopted,
    /// Nobody knows whether it was committed.
    Recovers,
    /// The request to dial has no answer: what became of it is being found out.
    Unclear,
    /// Nobody rings or talks any more. Of an attempt that was dialled how it ended, as far as it is known.
    Over { ending: Option<Ending>, dialled: bool, result: Option<String>, talked: Option<Duration> },
}

/// What an attempt is known by.
#[derive(Debug)]
pub struct Line {
    pub attempt: AttemptId,
    pub room: String,
    pub epoch: u32,
    /// None of one that was left behind.
    claimed: Option<Box<Claimed>>,
    /// Longest call.
    longest: Duration,
    /// Take it back: before the dial nothing is dialled, while it rings it is hung up, and so is a call.
    halt: CancellationToken,
    /// Its trunk fails: what is not dialled yet is given back.
    trunk_fails: CancellationToken,
    /// It is given back before anything is done for it, and why.
    unwanted: Option<Why>,
    /// Why nothing was dialled, once it is so.
    why: (Why, String),
    /// Until when a request to dial is good, in time since 1970.
    good_until: Duration,
    dialled_at: Option<Instant>,
    answered_at: Option<Timestamp>,
    ring: Duration,
    joined: Joined,
    ending: Option<(Ending, Carrier)>,
    result: Option<String>,
    talked: Option<Duration>,
}

impl Line {
    /// A contact that was claimed just now. One that is not `wanted` is given back, and so is one whose trunk fails before its dial.
    pub fn claimed(
        claimed: Box<Claimed>,
        epoch: u32,
        halt: CancellationToken,
        wanted: Result<CancellationToken, Why>,
    ) -> Self {
        let longest = Duration::from_secs(claimed.max_secs.into());
        Self {
            attempt: claimed.attempt.clone(),
            room: claimed.room.clone(),
            epoch,
            longest,
            halt,
            unwanted: wanted.as_ref().err().copied(),
            trunk_fails: wanted.unwrap_or_default(),
            why: (Why::Room, String::new()),
            good_until: Duration::ZERO,
            dialled_at: None,
            answered_at: None,
            ring: Duration::ZERO,
            joined: Joined::Unknown,
            ending: None,
            result: None,
            talked: None,
            claimed: Some(claimed),
        }
    }

    /// An attempt that another left behind, under the epoch of now.
    pub fn left_behind(recovery: Recovery, epoch: u32, halt: CancellationToken) -> Self {
        Self {
            attempt: recovery.attempt,
            room: recovery.room,
            epoch,
            longest: Duration::from_secs(recovery.max_secs.into()),
            halt,
            trunk_fails: CancellationToken::new(),
            unwanted: None,
            why: (Why::Room, String::new()),
            good_until: Duration::ZERO,
            dialled_at: None,
            answered_at: recovery.answered_at,
            ring: Duration::ZERO,
            // What was not committed was not dialled; the bridge decides by the same.
            joined: if recovery.dial_at.is_some() { Joined::Unknown } else { Joined::No },
            ending: None,
            result: None,
            talked: None,
            claimed: None,
        }
    }

    /// Do all steps, to the end.
    pub async fn run(mut self, desk: Arc<Desk>, tells: mpsc::Sender<News>) {
        let mut step = if self.claimed.is_some() { Step::claimed() } else { Step::left_behind() };
        let mut pause = FIRST_PAUSE;
        let mut dialled = !matches!(step, Step::MakeRoom);
        while step != Step::Over {
            dialled |= step == Step::Dial;
            let event = self.perform(step, &desk, &tells).await;
            let next = step.after(event);
            match (step, next) {
                (Step::Adopt, Step::Talk) => self.say(&tells, What::Adopted).await,
                (Step::Commit, Step::Recover) => self.say(&tells, What::Recovers).await,
                _ => {}
            }
            tracing::debug!(attempt.id = %self.attempt, ?step, ?event, "a step of an attempt");
            let again = next == step || matches!((step, event), (Step::Check, Event::Lying));
            if again {
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            } else {
                pause = FIRST_PAUSE;
            }
            step = next;
        }
        let ending = self.ending.map(|(ending, _)| ending);
        let over = What::Over { ending, dialled, result: self.result, talked: self.talked };
        // Without an engine nobody counts.
        let _ = tells.send(News { attempt: self.attempt, what: over }).await;
    }

    async fn perform(&mut self, step: Step, desk: &Desk, tells: &mpsc::Sender<News>) -> Event {
        match step {
            Step::MakeRoom => self.make_room(desk).await,
            Step::Attach => self.attach(desk).await,
            Step::AwaitReady => self.await_ready(desk).await,
            Step::Commit => self.commit(desk).await,
            Step::Abort => self.abort(desk).await,
            Step::Dial => self.dial(desk, tells).await,
            Step::TellLive => self.tell_live(desk).await,
            Step::Talk => self.talk(desk).await,
            Step::TellResult => self.tell_result(desk).await,
            Step::DropRoom | Step::LeaveRoom | Step::ClearRoom | Step::Delete | Step::DeleteAgain => {
                self.delete_room(desk).await
            }
            Step::Look => self.look(desk).await,
            Step::Adopt => self.adopt(desk).await,
            Step::Recover => self.told(desk.bridge.recover(&self.attempt, self.epoch).await),
            Step::Wait => {
                desk.metrics.recoveries.inc();
                sleep(crate::attempt::ALL_VOID).await;
                Event::Done
            }
            Step::Check => self.check(desk).await,
            Step::TellLost => self.tell_lost(desk).await,
            Step::Over => Event::Done,
        }
    }

    async fn say(&self, tells: &mpsc::Sender<News>, what: What) {
        let _ = tells.send(News { attempt: self.attempt.clone(), what }).await;
    }

    /// How a request to the bridge went.
    fn told<T>(&self, answer: Result<T, BridgeError>) -> Event {
        match answer {
            Ok(_) => Event::Done,
            Err(BridgeError::Fenced) => Event::Fenced,
            Err(BridgeError::Refused { code, detail }) => {
                tracing::error!(attempt.id = %self.attempt, code, detail, "the bridge refuses what it is told of an attempt");
                Event::NotDone
            }
            Err(BridgeError::Away(_)) => Event::Unclear,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::{Value, json};
    use vox_harness::scripted_bridge;
    use vox_shared::clock::Clock;
    use vox_shared::env::Env;
    use vox_shared::wire::dialler::claim::Claim;

    use super::*;
    use crate::settings::DiallerSettings;

    /// What the bridge is told of a claim that is not wanted, and what the line tells its engine.
    async fn given_back(wanted: Result<CancellationToken, Why>) -> (Vec<(String, Value)>, Vec<News>) {
        let told: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
        let notes = told.clone();
        // Chosen once per process; a second choice is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = scripted_bridge(move |head, body| {
            let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
            notes.lock().unwrap().push((path, serde_json::from_slice(body).unwrap()));
            (204, String::new())
        });
        let vars = [
            ("VOXCORE_SECRET", "s3cr".repeat(8)),
            ("VOX_BRIDGE_URL", url),
            // Nobody listens there: nothing is asked of a media server that has to be answered.
            ("LIVEKIT_URL", "ws://127.0.0.1:9".into()),
            ("LIVEKIT_API_KEY", "key".into()),
            ("LIVEKIT_API_SECRET", "secret".into()),
        ];
        let env = Env::from_vars(vars.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let settings = DiallerSettings::from_env(env).unwrap();
        let desk = Arc::new(Desk::new("dialler-1".into(), &settings, Clock::system()).unwrap());
        let golden = include_str!("../../shared/src/wire/dialler_claim_v1.golden.json");
        let Claim::Claimed(claimed) = serde_json::from_str(golden).unwrap() else { panic!("it is claimed") };
        let (tells, mut hears) = mpsc::channel(8);
        Line::claimed(claimed, 7, CancellationToken::new(), wanted).run(desk, tells).await;
        let mut news = Vec::new();
        while let Some(one) = hears.recv().await {
            news.push(one);
        }
        let told = told.lock().unwrap().clone();
        (told, news)
    }

    #[tokio::test]
    async fn a_claim_of_a_trunk_that_fails_is_given_back_with_that_reason_and_nobody_is_dialled() {
        let fails = CancellationToken::new();
        fails.cancel();
        for wanted in [Err(Why::Trunk), Ok(fails)] {
            let (told, news) = given_back(wanted).await;
            let path = "/api/v1/dialler/attempts/con_1.2/abort".to_owned();
            assert_eq!(told, [(path, json!({"epoch": 7, "why": "trunk"}))]);
            let whats: Vec<&What> = news.iter().map(|news| &news.what).collect();
            assert!(matches!(whats[..], [What::Over { ending: None, dialled: false, .. }]), "{whats:?}");
        }
    }
}
