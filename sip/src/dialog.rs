//! What two sides of a call know of each other (RFC 3261, 12).

use std::net::SocketAddr;

use crate::message::{Headers, Method, NameAddr, Request, Response, Uri, cseq};
use crate::transport::{Flow, Reach, Transport};

/// A call's two sides, seen from ours.
#[derive(Clone, Debug)]
pub(crate) struct Dialog {
    pub call_id: String,
    /// Ours, with its tag.
    pub local: NameAddr,
    /// Theirs, with its tag once it is known.
    pub remote: NameAddr,
    /// What requests are sent to.
    pub target: String,
    pub routes: Vec<String>,
    pub local_cseq: u32,
    pub remote_cseq: Option<u32>,
    /// How the call came about.
    pub flow: Flow,
    /// Whether the other side's word is enough to open a TCP connection for a call that came about over UDP.
    pub opens_tcp: bool,
}

impl Dialog {
    /// Of a call that somebody makes to us. `None` without what makes one.
    pub(crate) fn asked(invite: &Request, tag: &str, flow: Flow) -> Option<Self> {
        let headers = &invite.headers;
        let local: NameAddr = headers.get("To")?.parse().ok()?;
        let remote: NameAddr = headers.get("From")?.parse().ok()?;
        remote.tag()?;
        let contact = contact(headers)?;
        Some(Self {
            call_id: headers.get("Call-ID").filter(|id| !id.is_empty())?.to_owned(),
            local: local.with_tag(tag),
            remote,
            target: contact,
            routes: headers.list("Record-Route").into_iter().map(str::to_owned).collect(),
            local_cseq: 1,
            remote_cseq: cseq(headers).map(|(number, _)| number),
            flow,
            opens_tcp: false,
        })
    }

    /// Of an `INVITE` of ours, before it is answered.
    pub(crate) fn made(invite: &Request, flow: Flow) -> Option<Self> {
        let headers = &invite.headers;
        Some(Self {
            call_id: headers.get("Call-ID")?.to_owned(),
            local: headers.get("From")?.parse().ok()?,
            remote: headers.get("To")?.parse().ok()?,
            target: invite.uri.clone(),
            routes: Vec::new(),
            local_cseq: cseq(headers)?.0,
            remote_cseq: None,
            flow,
            opens_tcp: true,
        })
    }

    /// Our call was answered with a 2xx: who did it, and how to reach them.
    pub(crate) fn answered(&mut self, response: &Response) {
        if let Some(to) = response.headers.get("To").and_then(|to| to.parse().ok()) {
            self.remote = to;
        }
        if let Some(contact) = contact(&response.headers) {
            self.target = contact;
        }
        self.routes = response.headers.list("Record-Route").into_iter().rev().map(str::to_owned).collect();
    }

    /// A request within the call, with the next number; `ACK` has that of its `INVITE`.
    pub(crate) fn request(&mut self, method: Method, invite_cseq: Option<u32>) -> Request {
        let number = match invite_cseq {
            Some(number) => number,
            None => {
                self.local_cseq += 1;
                self.local_cseq
            }
        };
        let mut request = Request::new(method, &self.target);
        for route in &self.routes {
            request.headers.push("Route", route);
        }
        request.headers.push("Max-Forwards", "70");
        request.headers.push("From", self.local.to_string());
        request.headers.push("To", self.remote.to_string());
        request.headers.push("Call-ID", &self.call_id);
        request.headers.push("CSeq", format!("{number} {}", request.method.as_str()));
        request
    }

    /// Where a request within the call goes: to the first route, else to the other side itself, where that is an address; a name is not
    /// looked up again: it goes where the call came about. So does what is for an address that cannot be meant from here: one of an inside
    /// network, of somebody who is seen from further away, is behind an address translation (and no stranger has us speak to our own
    /// machines).
    pub(crate) fn way(&self) -> Flow {
        let hop = match self.routes.first() {
            Some(route) => route.parse::<NameAddr>().ok().map(|route| route.uri),
            None => self.target.parse::<Uri>().ok(),
        };
        let Some(hop) = hop else { return self.flow };
        let is_tcp = hop.param("transport").is_some_and(|name| name.eq_ignore_ascii_case("tcp"));
        // A connection that is there is used on: behind an address translation there may be no other.
        if self.flow.transport == Transport::Tcp {
            return self.flow;
        }
        match hop.ip().filter(|ip| !ip.is_unspecified()) {
            Some(ip) if Reach::of(ip) < Reach::of(self.flow.peer.ip()) => self.flow,
            Some(_) if is_tcp && !self.opens_tcp => self.flow,
            Some(ip) => Flow {
                transport: if is_tcp { Transport::Tcp } else { Transport::Udp },
                peer: SocketAddr::new(ip, hop.port.unwrap_or(5060)),
            },
            None => self.flow,
        }
    }

    /// Whether a request is in its order; then it is the newest.
    pub(crate) fn takes(&mut self, number: u32) -> bool {
        let is_next = self.remote_cseq.is_none_or(|last| number > last);
        if is_next {
            self.remote_cseq = Some(number);
        }
        is_next
    }
}

/// The address of a message's `Contact`.
pub(crate) fn contact(headers: &Headers) -> Option<String> {
    let contact: NameAddr = headers.list("Contact").first()?.parse().ok()?;
    Some(contact.uri.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Message, parse};

    fn invite(contact: &str) -> Request {
        let text = format!(
            "INVITE sip:us@198.51.100.1 SIP/2.0\r\nRecord-Route: <sip:192.0.2.1;lr>, <sip:192.0.2.2:5070;lr>\r\n\
             From: \"A\" <sip:a@x>;tag=1\r\nTo: <sip:us@y>\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\nContact: {contact}\r\n\r\n"
        );
        match parse(text.as_bytes()).unwrap() {
            Message::Request(request) => request,
            Message::Response(_) => unreachable!(),
        }
    }

    fn flow() -> Flow {
        Flow { transport: Transport::Udp, peer: "192.0.2.99:5060".parse().unwrap() }
    }

    #[test]
    fn requests_take_the_way_that_was_recorded() {
        let mut dialog = Dialog::asked(&invite("<sip:a@192.0.2.50:5080>"), "us", flow()).unwrap();
        let bye = dialog.request(Method::Bye, None);
        assert_eq!(bye.uri, "sip:a@192.0.2.50:5080");
        assert_eq!(bye.headers.list("Route"), ["<sip:192.0.2.1;lr>", "<sip:192.0.2.2:5070;lr>"]);
        assert_eq!(bye.headers.get("From"), Some("<sip:us@y>;tag=us"));
        assert_eq!(bye.headers.get("CSeq"), Some("2 BYE"));
        assert_eq!(dialog.way().peer, "192.0.2.1:5060".parse().unwrap());
        dialog.routes.clear();
        assert_eq!(dialog.way().peer, "192.0.2.50:5080".parse().unwrap());
        dialog.target = "sip:a@phone.example.org".to_owned();
        assert_eq!(dialog.way(), flow());
        assert!(!dialog.takes(7) && dialog.takes(8) && !dialog.takes(8));
    }

    /// Behind an address translation a telephone names an address that only its own network knows.
    #[test]
    fn what_cannot_be_reached_is_answered_where_it_came_from() {
        let came = |from: &str, contact: &str| {
            let flow = Flow { transport: Transport::Udp, peer: from.parse().unwrap() };
            let mut dialog = Dialog::asked(&invite(contact), "us", flow).unwrap();
            dialog.routes.clear();
            dialog
        };
        let way = |from: &str, contact: &str| came(from, contact).way().peer.to_string();
        assert_eq!(way("203.0.113.9:61000", "<sip:7@192.168.1.20>"), "203.0.113.9:61000");
        assert_eq!(way("203.0.113.9:61000", "<sip:7@127.0.0.1:6379>"), "203.0.113.9:61000");
        assert_eq!(way("10.0.0.5:5060", "<sip:7@127.0.0.1:6379>"), "10.0.0.5:5060");
        assert_eq!(way("10.0.0.5:5060", "<sip:7@10.0.0.7>"), "10.0.0.7:5060", "both are of one network");
        assert_eq!(way("10.0.0.5:5060", "<sip:7@203.0.113.9>"), "203.0.113.9:5060");
        let mut routed = came("203.0.113.9:61000", "<sip:7@203.0.113.9>");
        routed.routes.push("<sip:10.0.0.6;lr>".to_owned());
        assert_eq!(routed.way().peer.to_string(), "203.0.113.9:61000", "nor is a route");
    }

    #[test]
    fn a_strangers_word_opens_no_connection() {
        let mut dialog =
            Dialog::asked(&invite("<sip:a@192.0.2.50:6379;transport=tcp>"), "us", flow()).unwrap();
        dialog.routes.clear();
        assert_eq!(dialog.way(), flow());
        dialog.routes.push("<sip:192.0.2.50:6379;transport=TCP;lr>".to_owned());
        assert_eq!(dialog.way(), flow());
        dialog.opens_tcp = true;
        let peer = "192.0.2.50:6379".parse().unwrap();
        assert_eq!(dialog.way(), Flow { transport: Transport::Tcp, peer });
    }

    #[test]
    fn without_tag_or_contact_there_is_no_call() {
        assert!(Dialog::asked(&invite("*"), "us", flow()).is_none());
        let mut untagged = invite("<sip:a@b>");
        untagged.headers.set("From", "<sip:a@x>");
        assert!(Dialog::asked(&untagged, "us", flow()).is_none());
    }
}
