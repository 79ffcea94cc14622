//! One caller per worker, who calls again as soon as a call is over, whatever ended it.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use vox_caller::{Call, Clip, Options, Protocol, Step, Talker, connect, synthetic};
use vox_shared::wire::SECRET_HEADER;

use super::{
    book::{Book, Fact},
    platform::Platform,
};

/// Who is dead or busy is called again after this.
const REDIAL: Duration = Duration::from_millis(25);
/// For the first sound of the bot; while the bridge is away a config takes this long at most.
const GREETING_WITHIN: Duration = Duration::from_secs(6);
const REPLY_WITHIN: Duration = Duration::from_secs(4);
/// The ear's own hangover: the shortest quiet it can tell.
const QUIET: Duration = Duration::from_millis(200);
const SYLLABLES: u32 = 3;
/// The lines take turns; `/talk` is the one that tells the record's id.
const PROTOCOLS: [Protocol; 4] =
    [Protocol::Talk, Protocol::Ws, Protocol::Talk, Protocol::Exotel { rate_hz: 8_000 }];

/// Where a caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Idle,
    /// The bot was heard.
    Talking,
    /// The caller has hung up; the worker is about to deliver.
    HungUp,
}

/// The caller of one worker.
pub(super) struct Caller {
    worker: usize,
    phase: watch::Sender<Phase>,
    book: Book,
    http: reqwest::Client,
    calls_url: String,
    tickets_url: String,
    secret: SecretString,
    bot_id: String,
    clip: Clip,
}

impl Caller {
    pub(super) fn new(platform: &Platform, worker: usize, phase: watch::Sender<Phase>, book: Book) -> Self {
        Self {
            worker,
            phase,
            book,
            http: platform.http().clone(),
            calls_url: platform.calls_url(worker),
            tickets_url: platform.tickets_url(),
            secret: platform.tools_secret().clone(),
            bot_id: platform.bot_id().to_owned(),
            clip: synthetic(worker as u64 + 1, SYLLABLES),
        }
    }

    /// Call until told to stop; the running call is brought to its end.
    pub(super) async fn run(self, stop: CancellationToken) {
        for number in 0usize.. {
            if stop.is_cancelled() {
                return;
            }
            if self.call(number).await.is_none() {
                sleep(REDIAL).await;
            }
        }
    }

    /// `None` when no socket was opened: nobody was told anything.
    async fn call(&self, number: usize) -> Option<()> {
        let protocol = PROTOCOLS[number % PROTOCOLS.len()];
        let caller = format!("+91{}{number:08}", self.worker);
        let options = self.options(protocol, &caller).await?;
        let began = Instant::now();
        let call = connect(options).await.ok()?;
        self.talk(&call).await;
        self.phase.send_replace(Phase::HungUp);
        let report = call.finish().await;
        self.phase.send_replace(Phase::Idle);
        self.book.called(Fact {
            caller,
            worker: self.worker,
            began,
            ended: Instant::now(),
            is_accepted: report.session_id.is_some() || report.heard.bot_speech_ms > 0.0,
            session_id: report.session_id,
            end: report.end,
        });
        Some(())
    }

    async fn talk(&self, call: &Call) {
        call.eventually(GREETING_WITHIN, |state| state.is_ended || state.bot_onsets > 0).await;
        if call.state().borrow().bot_onsets == 0 {
            return;
        }
        self.phase.send_replace(Phase::Talking);
        let mut talker = Talker::new(call);
        for step in [
            Step::AwaitReply { quiet: QUIET, within: REPLY_WITHIN },
            Step::Say(self.clip.clone()),
            Step::AwaitReply { quiet: QUIET, within: REPLY_WITHIN },
        ] {
            if talker.act(step).await == vox_caller::Outcome::CallEnded {
                return;
            }
        }
    }

    async fn options(&self, protocol: Protocol, caller: &str) -> Option<Options> {
        let mut options = Options::new(protocol, &self.calls_url).ok()?;
        options.bot_id = Some(self.bot_id.clone());
        caller.clone_into(&mut options.caller_id);
        options.retries = 0;
        if protocol == Protocol::Talk {
            options.ticket = Some(self.ticket().await?);
            options.query.push(("caller_id".to_owned(), caller.to_owned()));
        }
        Some(options)
    }

    async fn ticket(&self) -> Option<SecretString> {
        let request = self.http.post(&self.tickets_url).header(SECRET_HEADER, self.secret.expose_secret());
        let response = request.json(&json!({"bot_id": self.bot_id})).send().await.ok()?;
        let answer: Value = response.json().await.ok()?;
        Some(answer["ticket"].as_str()?.to_owned().into())
    }
}
