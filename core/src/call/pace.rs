//! How many requests the call makes of each vendor in a minute, where its key has a limit of them: the call has a share, and a vendor
//! whose share is used up is passed over while another can be asked. Decision 0081.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use vox_shared::wire::answers::Service;
use vox_shared::wire::permit::Permit;

const MINUTE: Duration = Duration::from_secs(60);

/// The shares of a call.
#[derive(Debug, Default)]
pub struct Pace(Vec<Share>);

#[derive(Debug)]
struct Share {
    service: Service,
    place: usize,
    /// By which vendors that share a key are told to be the same.
    name: String,
    most: usize,
    /// When it was asked within the last minute; as many as may be at most.
    asked: VecDeque<Instant>,
}

impl Pace {
    pub fn new(permits: &[Permit]) -> Self {
        let share = |permit: &Permit| {
            let most = usize::try_from(permit.requests_per_minute?).unwrap_or(usize::MAX).max(1);
            let (service, place, name) = (permit.service, permit.place, permit.name.clone());
            Some(Share { service, place, name, most, asked: VecDeque::new() })
        };
        Self(permits.iter().filter_map(share).collect())
    }

    /// The vendor at this place was asked.
    pub fn note(&mut self, service: Service, place: usize, now: Instant) {
        let Some(name) = self.at(service, place).map(|share| share.name.clone()) else { return };
        for share in self.0.iter_mut().filter(|share| share.name == name) {
            if share.asked.len() >= share.most {
                share.asked.pop_front();
            }
            share.asked.push_back(now);
        }
    }

    /// Until when the share of the vendor at this place is used up, if it is.
    pub fn used_up_until(&self, service: Service, place: usize, now: Instant) -> Option<Instant> {
        let share = self.at(service, place)?;
        let oldest = *share.asked.front().filter(|_| share.asked.len() >= share.most)?;
        Some(oldest + MINUTE).filter(|until| now < *until)
    }

    fn at(&self, service: Service, place: usize) -> Option<&Share> {
        self.0.iter().find(|share| (share.service, share.place) == (service, place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permit(place: usize, name: &str, requests_per_minute: Option<u32>) -> Permit {
        Permit { service: Service::Llm, place, name: name.into(), held: true, requests_per_minute }
    }

    #[test]
    fn a_share_is_of_any_minute_and_of_a_key() {
        let (began, secs) = (Instant::now(), Duration::from_secs);
        let mut pace = Pace::new(&[permit(0, "a", Some(2)), permit(1, "a", Some(2)), permit(2, "b", None)]);
        let until = |pace: &Pace, place, at| pace.used_up_until(Service::Llm, place, began + secs(at));
        pace.note(Service::Llm, 0, began);
        assert_eq!(until(&pace, 0, 0), None);
        pace.note(Service::Llm, 1, began + secs(20));
        assert_eq!(until(&pace, 0, 20), Some(began + secs(60)));
        assert_eq!(until(&pace, 1, 59), Some(began + secs(60)), "two models of one key");
        assert_eq!(until(&pace, 0, 60), None);
        // Whoever had nobody else to ask has asked all the same.
        pace.note(Service::Llm, 0, began + secs(60));
        assert_eq!(until(&pace, 0, 61), Some(began + secs(80)));
        (0..9).for_each(|_| pace.note(Service::Llm, 2, began));
        pace.note(Service::Stt, 0, began);
        assert_eq!((until(&pace, 2, 0), until(&pace, 9, 0)), (None, None));
    }
}
