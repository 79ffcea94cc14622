//! Calls of ours, until they are answered.

use std::net::SocketAddr;
use std::time::Duration;

use super::call::{Call, CallKey, Calling, Phase};
use super::session::Refresh;
use super::{Ack, Asked, Core, Output, Way, Why, tag_in, word};
use crate::dialog::Dialog;
use crate::digest::{self, Credentials};
use crate::event::{Event, Failure, Status};
use crate::message::{Headers, Method, NameAddr, Request, Response, cseq};
use crate::sdp::Direction;
use crate::transaction::ClientId;
use crate::transport::Flow;

/// Most who are acknowledged of those that answer one call of ours.
const MOST_FORKS: usize = 8;

/// Whom to call, as whom.
#[derive(Clone, Debug)]
pub(crate) struct Dial {
    /// The address that is asked.
    pub uri: String,
    /// What is called, as the called one sees it.
    pub to: NameAddr,
    pub from: NameAddr,
    pub flow: Flow,
    /// Our tag; one is made if there is none.
    pub tag: Option<String>,
    pub headers: Headers,
    pub credentials: Option<Credentials>,
    pub ring_for: Duration,
    pub sound_at: SocketAddr,
}

impl Core {
    /// Call somebody.
    pub(crate) fn dial(&mut self, dial: Dial) -> CallKey {
        let key = CallKey(self.next);
        self.next += 1;
        let tag = dial.tag.unwrap_or_else(|| self.tag());
        let dialog = Dialog {
            call_id: word(28),
            local: dial.from.with_tag(&tag),
            remote: dial.to,
            target: dial.uri,
            routes: Vec::new(),
            local_cseq: 0,
            remote_cseq: None,
            flow: dial.flow,
            opens_tcp: true,
        };
        let phase = Phase::Up;
        let mut call = Call::new(dialog, phase);
        call.credentials = dial.credentials;
        let text = self.offer(&mut call, dial.sound_at);
        let mut invite = call.dialog.request(Method::Invite, None);
        invite.headers.push("Allow", super::ALLOW);
        invite.headers.push("Supported", "timer");
        for (name, value) in dial.headers.iter() {
            invite.headers.push(name, value);
        }
        invite.headers.push("Content-Type", "application/sdp");
        invite.body = text.into_bytes();
        let client = self.ask(key, invite, Way { flow: dial.flow, why: Why::Invite, proved: false });
        call.phase = Phase::Calling(Calling { client, is_under_way: false, is_cancelled: false });
        call.until = Some(self.now + dial.ring_for);
        self.dialogs.insert(call.id(), key);
        self.keep(key, call);
        key
    }

    /// Give a call of ours up that is not answered.
    pub(super) fn give_up(&mut self, key: CallKey, mut call: Call, failure: Failure) {
        if !call.told {
            self.tell(key, Event::Failed(failure));
            call.told = true;
        }
        call.until = Some(self.now + self.forget_after());
        if let Phase::Calling(calling) = &mut call.phase
            && !std::mem::replace(&mut calling.is_cancelled, true)
            && calling.is_under_way
        {
            let client = calling.client;
            self.cancel(key, client);
        }
        self.keep(key, call);
    }

    /// `CANCEL` has the branch and the number of what it cancels (RFC 3261, 9.1).
    fn cancel(&mut self, key: CallKey, client: ClientId) {
        let Some(asked) = self.asked.get(&client) else { return };
        let flow = asked.flow;
        let mut cancel = Request::new(Method::Cancel, &asked.request.uri);
        for name in ["Via", "Route", "Max-Forwards", "From", "To", "Call-ID"] {
            for value in asked.request.headers.all(name) {
                cancel.headers.push(name, value);
            }
        }
        let number = cseq(&asked.request.headers).map_or(1, |(number, _)| number);
        cancel.headers.push("CSeq", format!("{number} CANCEL"));
        self.ask(key, cancel, Way { flow, why: Why::Cancel, proved: false });
    }

    /// Something came back for an `INVITE` that begins a call.
    pub(super) fn is_invite_answered(&mut self, id: ClientId, response: Response) {
        let Some(asked) = self.asked.get(&id) else { return };
        let key = asked.call;
        if (200..300).contains(&response.status) {
            let is_taken = !asked.acks.is_empty();
            if self.acknowledge_again(id, &response) {
                return;
            }
            if is_taken || !self.calls.contains_key(&key) {
                return self.end_fork(id, key, &response);
            }
        }
        let Some(mut call) = self.calls.remove(&key) else { return };
        let Phase::Calling(calling) = &mut call.phase else { return self.keep(key, call) };
        match response.status {
            100..=199 => {
                let is_first = !std::mem::replace(&mut calling.is_under_way, true);
                if is_first && calling.is_cancelled {
                    self.cancel(key, id);
                }
                if response.status > 100 && !call.told {
                    self.hear_early(key, &mut call, &response);
                    self.tell(key, Event::Progress(status(response)));
                }
                self.keep(key, call);
            }
            200..=299 => self.is_taken(id, key, call, response),
            401 | 407 if !call.told => self.is_challenged(id, key, call, response),
            _ => self.finish(key, &call, Some(Event::Failed(Failure::Refused(status(response))))),
        }
    }

    /// Sound before the answer: it is listened to, and none is sent.
    fn hear_early(&mut self, key: CallKey, call: &mut Call, response: &Response) {
        let Some(offer) = call.offer.as_ref().filter(|_| !response.body.is_empty()) else { return };
        if let Ok(mut agreed) = offer.answered(&response.body) {
            agreed.direction = Direction::ReceiveOnly;
            self.out.push_back(Output::Sound(key, agreed));
        }
    }

    fn is_taken(&mut self, id: ClientId, key: CallKey, mut call: Call, response: Response) {
        call.dialog.answered(&response);
        let number = cseq(&response.headers).map_or(1, |(number, _)| number);
        let ack = call.dialog.request(Method::Ack, Some(number));
        self.acknowledge(id, call.dialog.way(), ack);
        call.phase = Phase::Up;
        call.until = None;
        if call.told {
            // It was given up meanwhile.
            return self.end(key, call, crate::event::Ending::Local);
        }
        let agreed = call.offer.take().map(|offer| offer.answered(&response.body));
        match agreed {
            Some(Ok(agreed)) => {
                call.refresh = Refresh::answered(self.now, &response.headers);
                call.agreed = Some(agreed);
                self.out.push_back(Output::Sound(key, agreed));
                self.tell(key, Event::Answered(status(response)));
                self.keep(key, call);
            }
            Some(Err(error)) => {
                self.tell(key, Event::Failed(Failure::NoAgreement(error)));
                call.told = true;
                self.end(key, call, crate::event::Ending::Local);
            }
            None => self.keep(key, call),
        }
    }

    /// Send an acknowledgement, and keep it for when the answer comes again.
    pub(super) fn acknowledge(&mut self, id: ClientId, flow: Flow, mut ack: Request) {
        let branch = format!("z9hG4bK{}", word(16));
        ack.headers.push_front(
            "Via",
            format!("SIP/2.0/{} {};branch={branch};rport", flow.transport.name(), self.ours),
        );
        let bytes = ack.to_bytes();
        self.transactions.send(flow, bytes.clone());
        let tag = tag_in(&ack.headers, "To");
        if let Some(asked) = self.asked.get_mut(&id) {
            asked.acks.push(Ack { tag, flow, bytes });
        }
    }

    /// A 2xx came again: it is acknowledged again. `false` if none of its sender's was.
    pub(super) fn acknowledge_again(&mut self, id: ClientId, response: &Response) -> bool {
        let tag = tag_in(&response.headers, "To");
        let acks = self.asked.get(&id).map(|asked| asked.acks.as_slice()).unwrap_or_default();
        let Some(Ack { flow, bytes, .. }) = acks.iter().find(|ack| ack.tag == tag) else { return false };
        let (flow, bytes) = (*flow, bytes.clone());
        self.transactions.send(flow, bytes);
        true
    }

    /// Somebody else answered too, or the call is over here: who answered is not left talking to nobody (RFC 3261, 13.2.2.4).
    fn end_fork(&mut self, id: ClientId, key: CallKey, response: &Response) {
        let Some(asked) = self.asked.get(&id).filter(|asked| asked.acks.len() < MOST_FORKS) else { return };
        let Some(mut dialog) = Dialog::made(&asked.request, asked.flow) else { return };
        dialog.answered(response);
        let ack = dialog.request(Method::Ack, Some(dialog.local_cseq));
        self.acknowledge(id, dialog.way(), ack);
        let credentials = self.calls.get(&key).and_then(|call| call.credentials.clone());
        self.ask_to_end(key, &mut dialog, credentials);
    }

    fn is_challenged(&mut self, id: ClientId, key: CallKey, mut call: Call, response: Response) {
        let Some(again) = self.proved(id, &mut call, &response.headers) else {
            let proved = self.asked.get(&id).is_some_and(|asked| asked.proved);
            let status = status(response);
            let failure = if proved || call.credentials.is_some() {
                Failure::Refused(status)
            } else {
                Failure::NoCredentials(status)
            };
            return self.finish(key, &call, Some(Event::Failed(failure)));
        };
        let Some(flow) = self.asked.get(&id).map(|asked| asked.flow) else { return self.keep(key, call) };
        let client = self.ask(key, again, Way { flow, why: Why::Invite, proved: true });
        call.phase = Phase::Calling(Calling { client, is_under_way: false, is_cancelled: false });
        self.keep(key, call);
    }

    /// A request again, with the proof that its answer asks for; `None` if it was given already or cannot be.
    pub(super) fn proved(&mut self, id: ClientId, call: &mut Call, challenge: &Headers) -> Option<Request> {
        let credentials = call.credentials.clone()?;
        let again = prove(self.asked.get(&id)?, &credentials, challenge, call.dialog.local_cseq + 1)?;
        call.dialog.local_cseq += 1;
        Some(again)
    }

    pub(super) fn is_invite_given_up(&mut self, key: CallKey) {
        let Some(call) = self.calls.remove(&key) else { return };
        self.finish(key, &call, Some(Event::Failed(Failure::Unreachable)));
    }
}

/// A request with this number and the proof that its answer asks for; `None` if it had one already, or none can be given.
pub(super) fn prove(
    asked: &Asked,
    credentials: &Credentials,
    challenge: &Headers,
    number: u32,
) -> Option<Request> {
    let Asked { request, proved: false, .. } = asked else { return None };
    let mut again = request.clone();
    if !digest::answer(&mut again, challenge, credentials) {
        return None;
    }
    again.headers.remove("Via");
    let value = format!("{number} {}", again.method.as_str());
    again.headers.set("CSeq", value);
    Some(again)
}

pub(super) fn status(response: Response) -> Status {
    Status { code: response.status, reason: response.reason, headers: response.headers }
}
