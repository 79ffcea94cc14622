//! What one session leaves to the next, when all must begin anew.

use std::collections::BTreeSet;

use super::{Output, Session};
use crate::event::Event;
use crate::media::microphone::Microphone;
use crate::options::Publish;
use crate::room::people::People;

/// A track as it was asked for: all that another session needs to publish it again.
pub(crate) struct Published {
    pub publish: Publish,
    pub cid: String,
    /// Empty until the server named it.
    pub sid: String,
    pub is_muted: bool,
    pub microphone: Microphone,
}

/// What one session leaves to the next.
pub(crate) struct Handover {
    published: Option<Published>,
    people: People,
    voices: Vec<(String, String)>,
    unmixed: BTreeSet<String>,
    unsubscribed: BTreeSet<String>,
    sent: u64,
}

impl Session {
    /// What was published, to be published by another session; and who was there, so that it can tell what changed.
    pub(crate) fn hand_over(&mut self) -> Handover {
        Handover {
            published: self.published.take(),
            people: std::mem::take(&mut self.people),
            voices: std::mem::take(&mut self.voices).into_iter().map(|(sid, v)| (sid, v.identity)).collect(),
            unmixed: std::mem::take(&mut self.unmixed),
            unsubscribed: std::mem::take(&mut self.unsubscribed),
            sent: self.sent,
        }
    }

    /// Go on from there, before [`joined`](Self::joined).
    pub(crate) fn take_over(&mut self, before: Handover) {
        self.people = before.people;
        for (sid, identity) in before.voices {
            let track = self.people.owner(&sid).map(|(_, track)| track.clone());
            if let Some(track) = track {
                self.out.push_back(Output::Event(Event::Unsubscribed { identity, track }));
            }
        }
        self.unmixed = before.unmixed;
        self.unsubscribed = before.unsubscribed;
        self.sent = before.sent;
        if let Some(published) = before.published {
            self.add_track(published);
        }
    }
}
