//! What the call's vendors do goes into the books of the process, and what those say to the session.

use vox_shared::wire::answers::Service;

use super::Actor;
use crate::provider::FailureClass;
use crate::session::event::Event;
use crate::session::standing::Did;

impl Actor {
    /// A vendor did something. The session learns what has changed by that.
    pub(super) fn note_vendor(&mut self, service: Service, place: usize, did: &Did) {
        let vendors = &mut self.parts.vendors;
        // A vendor that was not asked has not failed.
        let was_asked = !matches!(did, Did::Failed { class: FailureClass::OverLimit, .. })
            || !vendors.is_full(service, place);
        if was_asked {
            vendors.lookout.note(service, place, did);
        }
        let news = self.parts.vendors.lookout.news(self.began);
        self.events.extend(news.map(|standing| Event::Standing(Box::new(standing))));
    }
}
