//! What is asked outside of calls, and whether it is taken at all. Only a call that begins, and what belongs to one that is there, is kept:
//! everything else is answered from the request alone, and whoever repeats it gets the same again (RFC 3261, 8.2.7). So neither memory
//! nor repetitions of ours can be had by anybody who sends a datagram.

use std::hash::BuildHasher;

use super::session::Refresh;
use super::{ALLOW, Core, tag_of};
use crate::dialog::Dialog;
use crate::message::{Method, Request, Response, Via, cseq, note_source, phrase};
use crate::transaction::way_back;
use crate::transport::Flow;

/// So many times as many answers outside of calls go to one address as it may begin calls.
pub(super) const UNHEARD_PER_CALL: u32 = 10;

/// An answer without its words: the status, and headers beside those that every answer has.
struct Refusal(u16, Vec<(&'static str, String)>);

impl Refusal {
    const fn plain(status: u16) -> Self {
        Self(status, Vec::new())
    }
}

impl Core {
    /// Whether a request is taken. One that is not was answered here, if its address has not had too many answers.
    pub(super) fn admits(&mut self, request: &Request, flow: Flow) -> bool {
        if Via::top(&request.headers).is_none() {
            return false;
        }
        if request.method == Method::Ack || self.transactions.knows(request, flow) {
            return true;
        }
        match self.unheard(request, flow) {
            None => true,
            Some(refusal) => {
                self.answer_unheard(request, flow, &refusal);
                false
            }
        }
    }

    /// What a request is answered with that is not taken.
    fn unheard(&mut self, request: &Request, flow: Flow) -> Option<Refusal> {
        let headers = &request.headers;
        let is_whole = ["From", "To", "Call-ID"].iter().all(|name| headers.get(name).is_some())
            && cseq(headers).is_some_and(|(_, method)| method == request.method);
        if !is_whole {
            return Some(Refusal::plain(400));
        }
        if request.method == Method::Cancel {
            return self.transactions.cancelled(request, flow).is_none().then(|| Refusal::plain(481));
        }
        if let Some(tag) = tag_of(request, "To") {
            let call_id = headers.get("Call-ID").unwrap_or_default().to_owned();
            // Of a call that is there: however much is under way, it must be able to end.
            return (!self.dialogs.contains_key(&(call_id, tag))).then(|| Refusal::plain(481));
        }
        let unknown = unknown_extensions(request);
        if !unknown.is_empty() {
            return Some(Refusal(420, unknown.into_iter().map(|tag| ("Unsupported", tag)).collect()));
        }
        let allow = || ("Allow", ALLOW.to_owned());
        match request.method {
            Method::Invite => self.refusal_of_call(request, flow),
            Method::Options => {
                let accept = ("Accept", "application/sdp".to_owned());
                Some(Refusal(200, vec![allow(), accept, ("Supported", "timer".to_owned())]))
            }
            Method::Bye | Method::Notify | Method::Info | Method::Update => Some(Refusal::plain(481)),
            _ => Some(Refusal(405, vec![allow()])),
        }
    }

    /// Why a call does not begin: it is none that could, or there are too many.
    fn refusal_of_call(&mut self, invite: &Request, flow: Flow) -> Option<Refusal> {
        let is_sdp = invite.headers.get("Content-Type").is_none_or(|kind| {
            kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/sdp"))
        });
        if !invite.body.is_empty() && !is_sdp {
            return Some(Refusal(415, vec![("Accept", "application/sdp".to_owned())]));
        }
        if let Some(least) = Refresh::too_short(&invite.headers) {
            return Some(Refusal(422, vec![("Min-SE", least.to_string())]));
        }
        if Dialog::asked(invite, "", flow).is_none() {
            return Some(Refusal::plain(400));
        }
        let is_full =
            self.calls.len() >= self.settings.most_calls || self.transactions.len() >= self.most_transactions;
        let is_too_fast = !self.limits.admit(self.now, flow.peer.ip());
        if is_full || is_too_fast {
            self.counts.refused += 1;
            return Some(Refusal(503, vec![("Retry-After", "5".to_owned())]));
        }
        None
    }

    /// Answer without keeping anything.
    fn answer_unheard(&mut self, request: &Request, flow: Flow, refusal: &Refusal) {
        if !self.unheard.admit(self.now, flow.peer.ip()) {
            return;
        }
        let Request { method, uri, headers, .. } = request;
        let mut heard = Request::new(method.clone(), uri);
        heard.headers = headers.clone();
        note_source(&mut heard.headers, flow.peer);
        let Refusal(status, more) = refusal;
        let mut response = Response::to(&heard, *status, phrase(*status), &self.same_tag(request));
        for (name, value) in more {
            response.headers.push(*name, value);
        }
        self.transactions.send(way_back(request, flow), response.to_bytes());
    }

    /// A tag that a repeated request gets again.
    fn same_tag(&self, request: &Request) -> String {
        let headers = &request.headers;
        let of = ["Via", "From", "Call-ID", "CSeq"].map(|name| headers.get(name).unwrap_or_default());
        format!("{}{:016x}", self.settings.tag_prefix, self.tags.hash_one(of))
    }
}

/// What a request wants to be understood and is not.
pub(super) fn unknown_extensions(request: &Request) -> Vec<String> {
    let required = request.headers.list("Require");
    required.iter().filter(|tag| !tag.eq_ignore_ascii_case("timer")).map(|tag| (*tag).to_owned()).collect()
}
