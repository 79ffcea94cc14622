//! What is asked within a call that is up, both ways.

use super::call::{Call, CallKey, Phase};
use super::dialing::prove;
use super::session::Refresh;
use super::{Core, Way, Why};
use crate::event::{Ending, Event, Failure, Transfer};
use crate::message::{Headers, Method, Request, Response, cseq, phrase};
use crate::rtp::events::Presser;
use crate::sdp::{Direction, accept};
use crate::settings::Hold;
use crate::transaction::{ClientId, ServerKey};

impl Core {
    pub(super) fn is_asked_within(&mut self, key: CallKey, server: ServerKey, request: Request) {
        let Some(mut call) = self.calls.remove(&key) else {
            return self.reply(&server, &request, 481, phrase(481));
        };
        let number = number_of(&request);
        if !call.dialog.takes(number) {
            self.reply(&server, &request, 500, phrase(500));
            return self.keep(key, call);
        }
        match request.method {
            // Not answered, there is nothing to hang up (RFC 3261, 15): it refuses our INVITE, or we cancel it.
            Method::Bye if matches!(call.phase, Phase::Calling(_)) => {
                self.reply(&server, &request, 481, phrase(481));
            }
            Method::Bye => return self.is_hung_up(key, call, &server, &request),
            Method::Invite | Method::Update => self.is_changed(key, &mut call, server, &request),
            Method::Notify => self.is_notified(key, &server, &request),
            Method::Info => self.is_informed(key, &server, &request),
            Method::Options => self.reply(&server, &request, 200, phrase(200)),
            _ => self.reply(&server, &request, 405, phrase(405)),
        }
        self.keep(key, call);
    }

    fn is_hung_up(&mut self, key: CallKey, call: Call, server: &ServerKey, bye: &Request) {
        self.reply(server, bye, 200, phrase(200));
        if let Phase::Offered { key: invite_key, invite } = &call.phase {
            // It may hang up before we answered (RFC 3261, 15.1.2).
            let response = self.response(&call, invite, 487, phrase(487));
            self.transactions.answer(self.now, invite_key, &response);
        }
        let reason = bye.headers.get("Reason").map(str::to_owned);
        self.finish(key, &call, Some(Event::Ended(Ending::Remote { reason })));
    }

    /// Another description, or a sign of life.
    fn is_changed(&mut self, key: CallKey, call: &mut Call, server: ServerKey, request: &Request) {
        let is_invite = request.method == Method::Invite;
        // Before the answer, and while ours is under way, there is nothing to change (RFC 3261, 14.2).
        let is_open =
            !matches!(call.phase, Phase::Up) || call.offer.is_some() || call.unacknowledged.is_some();
        if is_open && (is_invite || !request.body.is_empty()) {
            let mut response = Response::to(request, 491, phrase(491), "");
            response.headers.push("Retry-After", "1");
            return self.transactions.answer(self.now, &server, &response);
        }
        let mut response = self.response(call, request, 200, phrase(200));
        if let Some(sound_at) = call.sound_at {
            if !request.body.is_empty() {
                call.origin.version += 1;
                let wanted =
                    accept(&request.body, &self.settings.codecs, &call.origin, sound_at, Direction::Both);
                let Ok((mut text, mut agreed)) = wanted else {
                    return self.reply(&server, request, 488, phrase(488));
                };
                if self.settings.hold == Hold::KeepTalking && agreed.direction != Direction::Both {
                    let said = ["a=sendonly\r\n", "a=recvonly\r\n", "a=inactive\r\n"];
                    text = said.iter().fold(text, |text, said| text.replace(said, "a=sendrecv\r\n"));
                    agreed.direction = Direction::Both;
                }
                response.body = text.clone().into_bytes();
                call.described = Some(text);
                self.agree(key, call, agreed);
            } else if is_invite {
                call.origin.version += 1;
                response.body = self.offer(call, sound_at).into_bytes();
            }
        }
        if !response.body.is_empty() {
            response.headers.push("Content-Type", "application/sdp");
        }
        if let Some(target) = crate::dialog::contact(&request.headers) {
            call.dialog.target = target;
        }
        match Refresh::asked(self.now, &request.headers, &mut response.headers) {
            Some(refresh) => call.refresh = Some(refresh),
            None => call.refresh.iter_mut().for_each(|refresh| refresh.heard(self.now)),
        }
        self.transactions.answer(self.now, &server, &response);
        if is_invite {
            call.unacknowledged = Some((server, number_of(request)));
        }
    }

    /// How a transfer goes: the first line of an answer, in a body of its own (RFC 3515, 2.4.5).
    fn is_notified(&mut self, key: CallKey, server: &ServerKey, notify: &Request) {
        let event = notify.headers.get("Event").unwrap_or_default();
        if !event.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("refer")) {
            return self.reply(server, notify, 489, phrase(489));
        }
        let text = String::from_utf8_lossy(&notify.body);
        let first = text.lines().next().unwrap_or_default();
        let mut words = first.splitn(3, ' ');
        let is_sip = words.next().is_some_and(|version| version.eq_ignore_ascii_case("SIP/2.0"));
        let code = words.next().and_then(|code| code.parse::<u16>().ok()).filter(|_| is_sip);
        let Some(code) = code else { return self.reply(server, notify, 400, "Bad Request") };
        self.reply(server, notify, 200, phrase(200));
        let reason = words.next().unwrap_or_default().trim().to_owned();
        let transfer = match code {
            ..200 => Transfer::Progress { code, reason },
            200..300 => Transfer::Done,
            _ => Transfer::Failed { code, reason },
        };
        self.tell(key, Event::Transfer(transfer));
    }

    /// Keys that come as messages.
    fn is_informed(&mut self, key: CallKey, server: &ServerKey, info: &Request) {
        let kind = info.headers.get("Content-Type").unwrap_or_default().to_ascii_lowercase();
        let body = String::from_utf8_lossy(&info.body);
        let digit = match kind.as_str() {
            "application/dtmf-relay" => body.lines().find_map(|line| {
                let (name, value) = line.split_once('=')?;
                name.trim().eq_ignore_ascii_case("signal").then_some(value)
            }),
            "application/dtmf" => Some(body.as_ref()),
            _ if info.body.is_empty() => None,
            _ => return self.reply(server, info, 415, phrase(415)),
        };
        self.reply(server, info, 200, phrase(200));
        let mut signs = digit.unwrap_or_default().trim().chars();
        if let (Some(sign), None) = (signs.next(), signs.next())
            && Presser::is_key(sign)
        {
            self.tell(key, Event::Key(sign.to_ascii_uppercase()));
        }
    }

    /// End a call, whatever it is at.
    pub(crate) fn hang_up(&mut self, key: CallKey, ending: Ending) {
        let Some(call) = self.calls.remove(&key) else { return };
        match call.phase {
            Phase::Offered { .. } => {
                self.keep(key, call);
                self.refuse(key, 480, phrase(480), &Headers::default());
            }
            Phase::Calling(_) => self.give_up(key, call, Failure::Cancelled),
            Phase::Up => self.end(key, call, ending),
        }
    }

    /// Ask the other side to call somebody else in our place.
    pub(crate) fn refer(&mut self, key: CallKey, to: &str, headers: &Headers) {
        let Some(mut call) = self.calls.remove(&key) else { return };
        if matches!(call.phase, Phase::Up) {
            let mut refer = call.dialog.request(Method::Refer, None);
            refer.headers.push("Refer-To", format!("<{to}>"));
            refer.headers.push("Referred-By", self.contact(call.dialog.flow.transport));
            for (name, value) in headers.iter() {
                refer.headers.push(name, value);
            }
            let flow = call.dialog.way();
            self.ask(key, refer, Way { flow, why: Why::Refer, proved: false });
        }
        self.keep(key, call);
    }

    /// A request of ours was answered.
    pub(super) fn is_answered(&mut self, id: ClientId, response: Response) {
        let Some(asked) = self.asked.get(&id) else { return };
        let (key, why) = (asked.call, asked.why);
        match why {
            Why::Invite => self.is_invite_answered(id, response),
            Why::Refresh => self.is_refresh_answered(id, key, response),
            Why::Refer if response.status >= 200 => self.is_refer_answered(id, key, response),
            Why::Bye if matches!(response.status, 401 | 407) => self.is_bye_challenged(id, key, &response),
            Why::Bye | Why::Cancel | Why::Refer => {}
        }
    }

    /// Some ask for a password at every request: without it they would let the call go on.
    fn is_bye_challenged(&mut self, id: ClientId, key: CallKey, response: &Response) {
        let Some(asked) = self.asked.get(&id) else { return };
        let Some(credentials) = &asked.credentials else { return };
        let number = cseq(&asked.request.headers).map_or(1, |(number, _)| number + 1);
        let flow = asked.flow;
        if let Some(again) = prove(asked, credentials, &response.headers, number) {
            self.ask(key, again, Way { flow, why: Why::Bye, proved: true });
        }
    }

    fn is_refer_answered(&mut self, id: ClientId, key: CallKey, response: Response) {
        let Some(mut call) = self.calls.remove(&key) else { return };
        if matches!(response.status, 401 | 407)
            && let Some(again) = self.proved(id, &mut call, &response.headers)
        {
            let flow = call.dialog.way();
            self.ask(key, again, Way { flow, why: Why::Refer, proved: true });
            return self.keep(key, call);
        }
        let transfer = match response.status {
            200..300 => Transfer::Accepted,
            code => Transfer::Failed { code, reason: response.reason },
        };
        self.tell(key, Event::Transfer(transfer));
        self.keep(key, call);
    }

    fn is_refresh_answered(&mut self, id: ClientId, key: CallKey, response: Response) {
        if (200..300).contains(&response.status) && self.acknowledge_again(id, &response) {
            return;
        }
        let Some(mut call) = self.calls.remove(&key) else { return };
        match response.status {
            ..200 => {}
            200..300 => {
                let number = cseq(&response.headers).map_or(1, |(number, _)| number);
                let ack = call.dialog.request(Method::Ack, Some(number));
                self.acknowledge(id, call.dialog.way(), ack);
                if let Some(offer) = call.offer.take()
                    && let Ok(agreed) = offer.answered(&response.body)
                {
                    self.agree(key, &mut call, agreed);
                }
                call.refresh = Refresh::answered(self.now, &response.headers);
            }
            // The other side does not know of the call (RFC 3261, 12.2.1.2).
            408 | 481 => return self.end(key, call, Ending::Lost),
            401 | 407 => match self.proved(id, &mut call, &response.headers) {
                Some(again) => {
                    let flow = call.dialog.way();
                    self.ask(key, again, Way { flow, why: Why::Refresh, proved: true });
                }
                None => self.is_refresh_refused(&mut call, None),
            },
            _ => self.is_refresh_refused(&mut call, response.headers.get("Min-SE")),
        }
        self.keep(key, call);
    }

    /// It is said again while the other side still waits for it: at once, if it only wanted to hear it less often.
    fn is_refresh_refused(&mut self, call: &mut Call, least: Option<&str>) {
        call.offer = None;
        if let Some(refresh) = &mut call.refresh {
            refresh.refused(self.now, least);
        }
    }

    pub(super) fn is_given_up(&mut self, id: ClientId) {
        let Some(asked) = self.asked.remove(&id) else { return };
        match asked.why {
            Why::Invite => self.is_invite_given_up(asked.call),
            Why::Refer => self.tell(asked.call, Event::Transfer(Transfer::NoAnswer)),
            Why::Refresh => {
                if let Some(call) = self.calls.remove(&asked.call) {
                    self.end(asked.call, call, Ending::Lost);
                }
            }
            Why::Bye | Why::Cancel => {}
        }
    }

    /// What a call waited for has not come, or it is time to say that we are there.
    pub(super) fn call_is_due(&mut self, key: CallKey) {
        let Some(mut call) = self.calls.remove(&key) else { return };
        if call.until.is_some_and(|until| until <= self.now) {
            call.until = None;
            if call.told {
                if let Phase::Calling(calling) = &call.phase {
                    self.asked.remove(&calling.client);
                    self.transactions.forget(calling.client);
                }
                return self.finish(key, &call, None);
            }
            return self.give_up(key, call, Failure::NoAnswer);
        }
        let Some(refresh) = call.refresh.as_mut().filter(|refresh| refresh.due() <= self.now) else {
            return self.keep(key, call);
        };
        if !refresh.is_ours() {
            return self.end(key, call, Ending::Lost);
        }
        refresh.said(self.now);
        let expires = refresh.header();
        if call.offer.is_none()
            && call.unacknowledged.is_none()
            && let (Some(sound_at), Phase::Up) = (call.sound_at, &call.phase)
        {
            let text = self.offer(&mut call, sound_at);
            let mut invite = call.dialog.request(Method::Invite, None);
            invite.headers.push("Supported", "timer");
            invite.headers.push("Session-Expires", expires);
            invite.headers.push("Content-Type", "application/sdp");
            invite.body = text.into_bytes();
            let flow = call.dialog.way();
            self.ask(key, invite, Way { flow, why: Why::Refresh, proved: false });
        }
        self.keep(key, call);
    }

    /// A call's sound has stopped for too long.
    pub(crate) fn media_lost(&mut self, key: CallKey) {
        self.hang_up(key, Ending::MediaLost);
    }
}

fn number_of(request: &Request) -> u32 {
    cseq(&request.headers).map_or(0, |(number, _)| number)
}
