//! What one session leaves to the next, when all must begin anew.

use std::collections::{BTreeMap, BTreeSet};

use super::{Output, Session};
use crate::event::Event;
use crate::media::microphone::Microphone;
use crate::options::Publish;
use crate::room::people::People;
use crate::wire::signal::{Request, UpdateSubscription};

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
    wishes: Wishes,
    sent: u64,
}

/// What a program asked for, which a server that knows nothing of it must be asked again.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// Kept out of the mix.
    pub unmixed: BTreeSet<String>,
    /// Tracks that were asked for, or refused, by name.
    pub subscribed: BTreeSet<String>,
    pub unsubscribed: BTreeSet<String>,
    /// What our attributes shall be; nothing deletes one.
    pub attributes: BTreeMap<String, String>,
    pub metadata: Option<String>,
}

impl Wishes {
    /// A track is gone for good.
    pub(super) fn forget(&mut self, track_sid: &str) {
        self.unmixed.remove(track_sid);
        self.subscribed.remove(track_sid);
        self.unsubscribed.remove(track_sid);
    }
}

impl Session {
    /// What was published, to be published by another session; and who was there, so that it can tell what changed.
    pub(crate) fn hand_over(&mut self) -> Handover {
        Handover {
            published: self.published.take(),
            people: std::mem::take(&mut self.people),
            voices: std::mem::take(&mut self.voices).into_iter().map(|(sid, v)| (sid, v.identity)).collect(),
            wishes: std::mem::take(&mut self.wishes),
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
        self.wishes = before.wishes;
        self.sent = before.sent;
        // Asked for once we are in.
        self.published = before.published.map(|published| Published { sid: String::new(), ..published });
        if let Some(published) = &mut self.published {
            published.microphone.begin_anew();
        }
    }

    /// Ask the server again for what it may not know: after joining anew, and after a line was lost, with which words may have been.
    pub(super) fn ask_again(&mut self) {
        if let Some(published) = self.published.take() {
            if published.sid.is_empty() {
                self.add_track(published);
            } else {
                let is_muted = published.is_muted;
                self.published = Some(published);
                self.mute(is_muted);
            }
        }
        let wishes = &self.wishes;
        let lists = [(&wishes.subscribed, true), (&wishes.unsubscribed, false)];
        for (sids, subscribe) in lists.into_iter().filter(|(sids, _)| !sids.is_empty()) {
            let update = UpdateSubscription { track_sids: sids.iter().cloned().collect(), subscribe };
            self.out.push_back(Output::Signal(Request::Subscription(update)));
        }
        if !self.wishes.attributes.is_empty() || self.wishes.metadata.is_some() {
            self.update_own(BTreeMap::new(), None);
        }
    }
}
