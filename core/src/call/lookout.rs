//! What the process knows of the call's vendors, for its session; and what the session sees of them, for the process.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use vox_shared::wire::answers::Service;
use vox_shared::wire::config::RuntimeConfig;

use super::pace::Pace;
use crate::provider::health::{Health, Vendor};
use crate::session::rules::with_fallbacks;
use crate::session::standing::{Did, Standing};

/// The call's vendors in the order of their ladders, and the books of the process.
#[derive(Debug)]
pub struct Lookout {
    health: Arc<Health>,
    stt: Vec<Vendor>,
    llm: Vec<Vendor>,
    tts: Vec<Vendor>,
    /// Shares of the requests that keys may make.
    pace: Pace,
    told: Standing,
}

impl Lookout {
    pub fn new(health: Arc<Health>, config: &RuntimeConfig) -> Self {
        Self {
            health,
            stt: with_fallbacks(&config.stt, Vendor::recogniser, |s| &s.fallbacks),
            llm: with_fallbacks(&config.llm, Vendor::model, |s| &s.fallbacks),
            tts: with_fallbacks(&config.tts, Vendor::voice, |s| &s.fallbacks),
            pace: Pace::new(&config.permits),
            told: Standing::default(),
        }
    }

    /// A vendor of the call was asked for something.
    pub fn asked(&mut self, service: Service, place: usize) {
        self.pace.note(service, place, Instant::now());
    }

    /// The same books for the vendors of another bot.
    pub fn of_bot(&self, config: &RuntimeConfig) -> Self {
        Self::new(self.health.clone(), config)
    }

    /// A vendor of the call did something.
    pub fn note(&self, service: Service, place: usize, did: &Did) {
        let vendors = match service {
            Service::Stt => &self.stt,
            Service::Llm => &self.llm,
            Service::Tts => &self.tts,
        };
        let (Some(vendor), now) = (vendors.get(place), Instant::now()) else { return };
        match did {
            Did::Answered { after } => self.health.answered(vendor, *after, now),
            Did::Failed { class, retry_after } => self.health.failed(vendor, (*class, *retry_after), now),
            Did::Used { tokens, needlessly } => self.health.used(*tokens, *needlessly),
        }
    }

    /// How the vendors stand, if that is not what was told last. Media time began at `began`.
    pub fn news(&mut self, began: Instant) -> Option<Standing> {
        let now = Instant::now();
        let open = |service: Service, vendors: &[Vendor]| -> Vec<Duration> {
            let until = vendors.iter().enumerate().map(|(place, vendor)| {
                let used_up = self.pace.used_up_until(service, place, now);
                self.health.open_until(vendor, now).max(used_up)
            });
            until.map(|until| until.map_or(Duration::ZERO, |until| until.duration_since(began))).collect()
        };
        let standing = Standing {
            stt: open(Service::Stt, &self.stt),
            llm: open(Service::Llm, &self.llm),
            tts: open(Service::Tts, &self.tts),
            llm_p90: self.llm.iter().map(|vendor| self.health.p90(vendor, now)).collect(),
            second_tokens: self.health.second_tokens(),
        };
        (standing != self.told).then(|| {
            self.told = standing.clone();
            standing
        })
    }
}

#[cfg(test)]
mod tests {
    use vox_shared::wire::permit::Permit;

    use super::*;
    use crate::provider::FailureClass;

    fn config() -> RuntimeConfig {
        let text = r#"{"session_id":"call_x","webhook_url":"","system_prompt":"","opening_message":"",
            "llm": {"provider": "openai", "api_key": "k1", "fallbacks": [{"provider": "openai", "api_key": "k2"}]}}"#;
        serde_json::from_str(text).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_call_sees_the_next_one_begins_with() {
        let (health, began) = (Arc::new(Health::default()), Instant::now());
        let mut first = Lookout::new(health.clone(), &config());
        assert!(first.news(began).is_some_and(|told| told.llm == [Duration::ZERO; 2]));
        assert_eq!(first.news(began), None, "nothing is new");
        let failed = Did::Failed { class: FailureClass::Unavailable, retry_after: None };
        (0..3).for_each(|_| first.note(Service::Llm, 0, &failed));
        // Nobody has such a vendor.
        first.note(Service::Llm, 9, &failed);
        tokio::time::advance(Duration::from_secs(10)).await;
        let now = Instant::now();
        let mut next = Lookout::new(health, &config());
        assert_eq!(next.news(now).unwrap().llm, [Duration::from_secs(20), Duration::ZERO]);
        next.note(Service::Llm, 0, &Did::Answered { after: None });
        assert_eq!(next.news(now).unwrap().llm, [Duration::ZERO; 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_vendor_whose_share_is_used_up_is_passed_over_like_one_with_an_open_breaker() {
        let permit = Permit {
            service: Service::Llm,
            place: 0,
            name: "vendor:llm:openai:00".into(),
            held: true,
            requests_per_minute: Some(2),
        };
        let config = RuntimeConfig { permits: vec![permit], ..config() };
        let (mut lookout, began) = (Lookout::new(Arc::default(), &config), Instant::now());
        lookout.asked(Service::Llm, 0);
        assert_eq!(lookout.news(began).unwrap().llm, [Duration::ZERO; 2]);
        tokio::time::advance(Duration::from_secs(10)).await;
        lookout.asked(Service::Llm, 0);
        assert_eq!(lookout.news(began).unwrap().llm, [Duration::from_secs(60), Duration::ZERO]);
        tokio::time::advance(Duration::from_secs(50)).await;
        assert_eq!(lookout.news(began).unwrap().llm, [Duration::ZERO; 2]);
    }
}
