//! A call that is answered, until it ends on either side.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use vox_livekit::{Disconnect, Event as RoomEvent, Leaving};
use vox_sip::message::Uri;
use vox_sip::{Call, Ending, Event, Events, Transfer};

use super::Shared;
use super::attributes::to_headers;
use super::seat::Seat;
use super::sound::Pipes;
use crate::rpc::{BusError, Code, RpcError, Served, TransferRequest};

/// The call is kept so long after a transfer was taken.
const AFTER_TRANSFER: Duration = Duration::from_secs(1);
/// Keys from the room that wait to be pressed.
const KEYS: usize = 64;

/// A transfer that is asked for.
struct Wanted {
    to: Uri,
    headers: BTreeMap<String, String>,
    reply: oneshot::Sender<Result<(), RpcError>>,
}

/// Where transfers of a call are asked for.
pub(super) struct Transfers {
    wanted: mpsc::Receiver<Wanted>,
    _served: Served,
}

impl Transfers {
    /// Let the server find the call, by its id.
    pub(super) async fn listen(shared: &Arc<Shared>, call: &str) -> Result<Self, BusError> {
        let (sender, wanted) = mpsc::channel(4);
        let handle = move |request: TransferRequest| {
            let sender = sender.clone();
            async move { ask(sender, request).await }
        };
        let served = shared.server.serve("TransferSIPParticipant", call, handle).await?;
        Ok(Self { wanted, _served: served })
    }
}

async fn ask(sender: mpsc::Sender<Wanted>, request: TransferRequest) -> Result<(), RpcError> {
    let to = request.transfer_to.trim_matches(['<', '>']).parse();
    let to: Uri =
        to.map_err(|error| RpcError::new(Code::InvalidArgument, format!("transfer_to: {error}")))?;
    let gone = || RpcError::new(Code::NotFound, "the call is over");
    let (reply, answer) = oneshot::channel();
    sender.send(Wanted { to, headers: request.headers, reply }).await.map_err(|_| gone())?;
    answer.await.map_err(|_| gone())?
}

/// A transfer that is under way.
struct UnderWay {
    reply: oneshot::Sender<Result<(), RpcError>>,
    is_accepted: bool,
}

pub(super) struct Talk {
    pub call: Call,
    pub events: Events,
    pub seat: Seat,
    pub pipes: Pipes,
    pub transfers: Transfers,
    /// Attributes that go as headers with a transfer, and their names there.
    pub to_headers: BTreeMap<String, String>,
    /// `active` is told at this time, or with the first sound; `None`: it was told.
    pub active_at: Option<Instant>,
    /// The longest call.
    pub longest: Option<Duration>,
}

impl Talk {
    pub(super) async fn on(mut self) {
        self.pipes.open();
        let keys = press(self.call.clone());
        let mut ends_at = self.longest.map(|longest| Instant::now() + longest);
        let mut transfer: Option<UnderWay> = None;
        loop {
            tokio::select! {
                event = self.events.next() => match event {
                    Some(Event::Key(key)) => {
                        let _ended = self.seat.room.send_digit(key, Vec::new()).await;
                    }
                    Some(Event::Heard) => self.is_active().await,
                    Some(Event::Transfer(told)) => {
                        if self.is_transferred(&mut transfer, told) {
                            ends_at = Some(Instant::now() + AFTER_TRANSFER);
                        }
                    }
                    Some(Event::Ended(ending)) => return self.is_over(ending).await,
                    Some(_) => {}
                    None => return self.is_over(Ending::Local).await,
                },
                event = self.seat.events.next() => match event {
                    Some(RoomEvent::Digit { digit, .. }) => {
                        // More than a person presses.
                        let _full = keys.try_send(digit);
                    }
                    Some(RoomEvent::Disconnected(Disconnect::Left)) => {}
                    Some(RoomEvent::Disconnected(_)) | None => {
                        let _over = self.call.hang_up().await;
                        return;
                    }
                    Some(_) => {}
                },
                Some(wanted) = self.transfers.wanted.recv() => transfer = self.begin(wanted).await.or(transfer),
                () = at(self.active_at) => self.is_active().await,
                () = at(ends_at) => {
                    let _over = self.call.hang_up().await;
                    return self.is_over(Ending::Local).await;
                }
            }
        }
    }

    async fn is_active(&mut self) {
        if self.active_at.take().is_some() {
            self.seat.tell_status("active").await;
        }
    }

    async fn begin(&self, wanted: Wanted) -> Option<UnderWay> {
        let mut headers: Vec<_> = wanted.headers.into_iter().collect();
        headers.extend(to_headers(&self.seat.attributes, &self.to_headers));
        match self.call.refer(&wanted.to, headers).await {
            Ok(()) => Some(UnderWay { reply: wanted.reply, is_accepted: false }),
            Err(error) => {
                let _gone = wanted.reply.send(Err(RpcError::new(Code::InvalidArgument, error.to_string())));
                None
            }
        }
    }

    /// Whether the other side has taken it.
    fn is_transferred(&self, transfer: &mut Option<UnderWay>, told: Transfer) -> bool {
        let Some(mut way) = transfer.take() else { return false };
        let result = match told {
            Transfer::Accepted => {
                way.is_accepted = true;
                *transfer = Some(way);
                return false;
            }
            Transfer::Progress { .. } => {
                *transfer = Some(way);
                return false;
            }
            Transfer::Done => Ok(()),
            Transfer::Failed { code, reason } => {
                let before = if way.is_accepted { "call transfer failed: " } else { "" };
                Err(RpcError::of_status(before, code, &reason))
            }
            Transfer::NoAnswer => Err(RpcError::new(Code::DeadlineExceeded, "nobody answered the REFER")),
        };
        let is_done = result.is_ok();
        let _gone = way.reply.send(result);
        is_done
    }

    async fn is_over(&mut self, ending: Ending) {
        // A line that went dead says nothing of an end, as the vendor's gateway.
        if !matches!(ending, Ending::MediaLost | Ending::Lost) {
            self.seat.tell_status("hangup").await;
        }
        self.seat.leave(Leaving::ClientInitiated).await;
    }
}

/// Press keys one after another, as they come.
fn press(call: Call) -> mpsc::Sender<char> {
    let (sender, mut keys) = mpsc::channel::<char>(KEYS);
    tokio::spawn(async move {
        while let Some(key) = keys.recv().await {
            if let Err(error) = call.press(&key.to_string()).await {
                tracing::debug!(%error, "a key of the room was not pressed");
            }
        }
    });
    sender
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}
