//! What the session wants done.

use std::time::Instant;

use super::{Driver, UNREAD, answer};
use crate::error::Disconnect;
use crate::event::Event;
use crate::room::session::Output;

impl Driver {
    pub(super) async fn put_out(&mut self, now: Instant) {
        while let Some(output) = self.session.next_output() {
            match output {
                Output::Signal(request) => {
                    // Without a line it is lost: what matters is said again when there is one.
                    if self.line.as_ref().is_some_and(|line| !line.send(request)) {
                        self.line_lost(now);
                    }
                }
                Output::Transmit(target, transmit) => self.net.send(target, &transmit),
                Output::Reach(target, proto, address) => {
                    if let Some(local) = self.net.reach(target, proto, address).await {
                        self.session.add_local(target, proto, local);
                    }
                }
                Output::Relay(target, servers) => {
                    self.net.relay(target, servers, self.options.tls.as_ref());
                }
                Output::Event(event) => {
                    if event == Event::Connected {
                        self.never_connected = 0;
                    }
                    self.tell(event);
                }
                Output::Published(published) => {
                    if published.is_err() {
                        self.speech.frames = None;
                    }
                    if let Some(reply) = self.speech.published.take() {
                        answer(reply, published);
                    }
                }
                Output::Unpublished => self.speech.end(),
                Output::Resume(reason) => self.resume(now, reason),
                Output::Rejoin => self.rejoin(now),
                Output::End(reason) => {
                    self.over.get_or_insert(reason);
                }
            }
        }
    }

    pub(super) fn tell(&mut self, event: Event) {
        if self.ends.events.is_closed() {
            return;
        }
        if self.unread.is_empty() {
            match self.ends.events.try_send(event) {
                Ok(()) => return,
                Err(unsent) => self.unread.push_back(unsent.into_inner()),
            }
        } else {
            self.unread.push_back(event);
        }
        if self.unread.len() > UNREAD {
            self.over.get_or_insert(Disconnect::ReaderTooSlow);
        }
    }
}
