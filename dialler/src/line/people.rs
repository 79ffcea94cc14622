//! Who is in the room of an attempt.

use vox_livekit::service::Person;

use crate::attempt::CALLEE;

/// Of the gateway, on the phone's participant.
const CALL_STATUS: &str = "sip.callStatus";
const ACTIVE: &str = "active";
/// Of the worker, on the bot's participant.
const READY: &str = "vox.ready";

/// Who is in a room, as far as it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Present {
    /// The phone is there, ringing or answered.
    pub phone: bool,
    /// It is answered.
    pub active: bool,
    /// A bot that is ready to speak.
    pub ready: bool,
    /// Somebody beside the phone.
    pub others: bool,
}

impl Present {
    pub fn of(people: &[Person]) -> Self {
        people.iter().filter(|person| person.state != "DISCONNECTED").fold(Self::default(), Self::with)
    }

    fn with(self, person: &Person) -> Self {
        let says = |name: &str, value: &str| person.attributes.get(name).is_some_and(|said| said == value);
        if person.identity == CALLEE {
            return Self { phone: true, active: self.active || says(CALL_STATUS, ACTIVE), ..self };
        }
        Self { others: true, ready: self.ready || says(READY, "1"), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(identity: &str, state: &str, attribute: Option<(&str, &str)>) -> Person {
        let attributes = attribute.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Person {
            sid: "PA_1".into(),
            identity: identity.into(),
            name: String::new(),
            state: state.into(),
            kind: String::new(),
            metadata: String::new(),
            attributes: attributes.into_iter().collect(),
        }
    }

    #[test]
    fn a_phone_that_rings_is_no_call_yet() {
        let ringing = person(CALLEE, "ACTIVE", Some((CALL_STATUS, "ringing")));
        let bot = person("bot-1", "ACTIVE", Some((READY, "1")));
        let present = Present::of(&[ringing, bot.clone()]);
        assert_eq!(present, Present { phone: true, active: false, ready: true, others: true });
        let active = person(CALLEE, "ACTIVE", Some((CALL_STATUS, ACTIVE)));
        assert!(Present::of(&[active, bot]).active);
    }

    #[test]
    fn whoever_has_left_is_not_there() {
        let gone = person("bot-1", "DISCONNECTED", Some((READY, "1")));
        let here = person("bot-2", "ACTIVE", Some((READY, "0")));
        assert_eq!(Present::of(&[gone, here]), Present { others: true, ..Present::default() });
    }
}
