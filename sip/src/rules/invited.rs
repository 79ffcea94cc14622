//! Calls to us, until they are answered.

use std::net::SocketAddr;
use std::time::Duration;

use super::call::{Call, CallKey, Phase};
use super::session::Refresh;
use super::{Called, Core, Output, tag_of};
use crate::dialog::Dialog;
use crate::digest::{Credentials, Proved};
use crate::event::{Ending, Event};
use crate::message::{Headers, Request, Response, cseq, phrase};
use crate::sdp::{Agreed, Direction, NoAgreement, Offer, accept};
use crate::transaction::ServerKey;
use crate::transport::Flow;

/// How a call is told to ring.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ring {
    /// 180 or 183; another one is taken as 180.
    pub status: u16,
    pub headers: Headers,
    /// Where sound is taken before it is answered: then the description goes with it.
    pub sound_at: Option<SocketAddr>,
}

impl Core {
    pub(super) fn is_invited(&mut self, key: ServerKey, invite: Request, flow: Flow) {
        let tag = self.tag();
        let Some(mut dialog) = Dialog::asked(&invite, &tag, flow) else {
            return self.reply(&key, &invite, 400, "Bad Request");
        };
        dialog.opens_tcp = self.settings.opens_tcp;
        self.transactions.answer(self.now, &key, &Response::to(&invite, 100, phrase(100), ""));
        let call_key = CallKey(self.next);
        self.next += 1;
        let called = Called { invite: invite.clone(), flow, tag };
        let call = Call::new(dialog, Phase::Offered { key, invite: Box::new(invite) });
        self.dialogs.insert(call.id(), call_key);
        self.keep(call_key, call);
        self.out.push_back(Output::Called(call_key, Box::new(called)));
    }

    /// Whether a caller proves a password.
    pub(crate) fn proves(&self, key: CallKey, credentials: &Credentials) -> Proved {
        match self.calls.get(&key).map(|call| &call.phase) {
            Some(Phase::Offered { invite, .. }) => self.challenger.check(self.age(), invite, credentials),
            _ => Proved::NotTried,
        }
    }

    /// Let it ring on the other side. May be said again and again.
    pub(crate) fn ring(&mut self, key: CallKey, ring: Ring) -> Result<(), NoAgreement> {
        let Some(mut call) = self.calls.remove(&key) else { return Ok(()) };
        let done = self.ring_call(key, &mut call, ring);
        self.keep(key, call);
        done
    }

    fn ring_call(&mut self, key: CallKey, call: &mut Call, ring: Ring) -> Result<(), NoAgreement> {
        let Phase::Offered { key: server, invite } = &call.phase else { return Ok(()) };
        let (server, invite) = (server.clone(), invite.clone());
        let status = if ring.status == 183 { 183 } else { 180 };
        let mut response = self.response(call, &invite, status, phrase(status));
        for (name, value) in ring.headers.iter() {
            response.headers.push(name, value);
        }
        if let Some(sound_at) = ring.sound_at.filter(|_| !invite.body.is_empty()) {
            let (text, agreed) = self.describe(call, &invite.body, sound_at)?;
            response.headers.push("Content-Type", "application/sdp");
            response.body = text.into_bytes();
            self.out.push_back(Output::Sound(key, agreed));
        }
        self.transactions.answer(self.now, &server, &response);
        Ok(())
    }

    /// Answer a call: sound is taken at this address. After an error the call is still there, and can be refused.
    pub(crate) fn answer(
        &mut self,
        key: CallKey,
        sound_at: SocketAddr,
        headers: &Headers,
    ) -> Result<(), NoAgreement> {
        let Some(mut call) = self.calls.remove(&key) else { return Ok(()) };
        let done = self.answer_call(key, &mut call, sound_at, headers);
        self.keep(key, call);
        done
    }

    fn answer_call(
        &mut self,
        key: CallKey,
        call: &mut Call,
        sound_at: SocketAddr,
        headers: &Headers,
    ) -> Result<(), NoAgreement> {
        let Phase::Offered { key: server, invite } = &call.phase else { return Ok(()) };
        let (server, invite) = (server.clone(), invite.clone());
        let text = if invite.body.is_empty() {
            // The offer is ours, and its answer comes with the acknowledgement.
            self.offer(call, sound_at)
        } else {
            let (text, agreed) = self.describe(call, &invite.body, sound_at)?;
            self.out.push_back(Output::Sound(key, agreed));
            text
        };
        let mut response = self.response(call, &invite, 200, phrase(200));
        response.headers.push("Content-Type", "application/sdp");
        for (name, value) in headers.iter() {
            response.headers.push(name, value);
        }
        call.refresh = Refresh::asked(self.now, &invite.headers, &mut response.headers);
        response.body = text.into_bytes();
        self.transactions.answer(self.now, &server, &response);
        let number = cseq(&invite.headers).map_or(0, |(number, _)| number);
        call.unacknowledged = Some((server, number));
        call.phase = Phase::Up;
        Ok(())
    }

    /// Refuse a call.
    pub(crate) fn refuse(&mut self, key: CallKey, status: u16, reason: &str, headers: &Headers) {
        let Some(call) = self.calls.remove(&key) else { return };
        let Phase::Offered { key: server, invite } = &call.phase else {
            return self.keep(key, call);
        };
        let (server, invite) = (server.clone(), invite.clone());
        let mut response = self.response(&call, &invite, status.clamp(300, 699), reason);
        for (name, value) in headers.iter() {
            response.headers.push(name, value);
        }
        self.transactions.answer(self.now, &server, &response);
        self.finish(key, &call, Some(Event::Ended(Ending::Refused)));
    }

    /// Ask a caller for a password. It calls anew with it, and that is another call.
    pub(crate) fn challenge(&mut self, key: CallKey) {
        let Some(call) = self.calls.get(&key) else { return };
        let mut headers = Headers::default();
        headers.push("Proxy-Authenticate", self.challenger.challenge(self.age(), &call.dialog.call_id));
        self.refuse(key, 407, phrase(407), &headers);
    }

    pub(super) fn is_cancelled(&mut self, key: &ServerKey, cancel: &Request, flow: Flow) {
        let Some(invite_key) = self.transactions.cancelled(cancel, flow) else {
            return self.reply(key, cancel, 481, phrase(481));
        };
        self.reply(key, cancel, 200, phrase(200));
        let is_it = |call: &Call| matches!(&call.phase, Phase::Offered { key, .. } if *key == invite_key);
        let Some(call_key) = self.calls.iter().find(|(_, call)| is_it(call)).map(|(key, _)| *key) else {
            return;
        };
        let Some(call) = self.calls.remove(&call_key) else { return };
        if let Phase::Offered { invite, .. } = &call.phase {
            let response = self.response(&call, invite, 487, phrase(487));
            self.transactions.answer(self.now, &invite_key, &response);
        }
        self.finish(call_key, &call, Some(Event::Ended(Ending::Cancelled)));
    }

    /// A 2xx of ours came through.
    pub(super) fn is_acknowledged(&mut self, ack: &Request) {
        let call_id = ack.headers.get("Call-ID").unwrap_or_default().to_owned();
        let Some(&key) = tag_of(ack, "To").and_then(|tag| self.dialogs.get(&(call_id, tag))) else { return };
        let Some(mut call) = self.calls.remove(&key) else { return };
        // One of an INVITE before is none of this one's.
        let number = cseq(&ack.headers).map(|(number, _)| number);
        if let Some((server, _)) = call.unacknowledged.take_if(|(_, asked)| Some(*asked) == number) {
            self.transactions.acknowledged(self.now, &server);
            self.tell(key, Event::Confirmed);
            if let Some(offer) = call.offer.take() {
                match offer.answered(&ack.body) {
                    Ok(agreed) => self.agree(key, &mut call, agreed),
                    Err(_) => return self.end(key, call, Ending::Local),
                }
            }
        }
        self.keep(key, call);
    }

    pub(super) fn is_unacknowledged(&mut self, server: &ServerKey) {
        let is_it = |call: &Call| call.unacknowledged.as_ref().is_some_and(|(key, _)| key == server);
        let Some(key) = self.calls.iter().find(|(_, call)| is_it(call)).map(|(key, _)| *key) else { return };
        if let Some(call) = self.calls.remove(&key) {
            self.end(key, call, Ending::Unacknowledged);
        }
    }

    /// An answer to the other side's `INVITE`, with our tag and address.
    pub(super) fn response(&self, call: &Call, invite: &Request, status: u16, reason: &str) -> Response {
        let tag = call.dialog.local.tag().unwrap_or_default();
        let mut response = Response::to(invite, status, reason, tag);
        response.headers.push("User-Agent", &self.settings.user_agent);
        if status < 300 {
            response.headers.push("Contact", self.contact(call.dialog.flow.transport));
            response.headers.push("Allow", super::ALLOW);
            response.headers.push("Supported", "timer");
        }
        response
    }

    /// Answer an offer. What was answered before, in early sound, is answered again.
    fn describe(
        &mut self,
        call: &mut Call,
        offer: &[u8],
        sound_at: SocketAddr,
    ) -> Result<(String, Agreed), NoAgreement> {
        if let (Some(text), Some(agreed)) = (&call.described, call.agreed) {
            return Ok((text.clone(), agreed));
        }
        let (text, agreed) = accept(offer, &self.settings.codecs, &call.origin, sound_at, Direction::Both)?;
        call.sound_at = Some(sound_at);
        call.described = Some(text.clone());
        call.agreed = Some(agreed);
        Ok((text, agreed))
    }

    /// Make an offer.
    pub(super) fn offer(&mut self, call: &mut Call, sound_at: SocketAddr) -> String {
        let offer = Offer {
            origin: call.origin.clone(),
            address: sound_at,
            codecs: self.settings.codecs.clone(),
            direction: Direction::Both,
        };
        let text = offer.to_text();
        call.sound_at = Some(sound_at);
        call.described = Some(text.clone());
        call.offer = Some(offer);
        text
    }

    /// Both sides have said how sound goes.
    pub(super) fn agree(&mut self, key: CallKey, call: &mut Call, agreed: Agreed) {
        let was_held = call.is_held();
        if call.agreed != Some(agreed) {
            call.agreed = Some(agreed);
            self.out.push_back(Output::Sound(key, agreed));
        }
        if was_held != call.is_held() {
            self.tell(key, Event::Held(call.is_held()));
        }
    }

    /// When a call that was given up is forgotten, if nothing comes.
    pub(super) fn forget_after(&self) -> Duration {
        self.times.given_up()
    }
}
