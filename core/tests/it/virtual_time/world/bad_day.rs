//! A day on which the bot's vendors fail: each place of each ladder has a mood of its own, which may change whenever it is asked. The
//! books of the process are the real ones, in virtual time, and know something from calls before.

use std::time::Duration;

use tokio::time::Instant;
use vox_core::provider::health::{Health, Vendor};
use vox_core::provider::llm::LlmEvent;
use vox_core::provider::stt::SttEvent;
use vox_core::provider::{Failure, FailureClass};
use vox_core::session::event::{Event, VoiceEvent};
use vox_core::session::rules::with_fallbacks;
use vox_core::session::standing::{Did, Standing};
use vox_shared::model::bot::{ApiKey, CommonAnswer, LlmSettings, SttSettings, TtsSettings};
use vox_shared::wire::answers::Service;
use vox_shared::wire::config::RuntimeConfig;

use super::super::random::Random;
use super::super::vendors::reply;
use super::{Happening, World};

/// How one vendor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// As on other days, which is not without faults.
    Usual,
    /// 401.
    RefusesKey,
    /// 503, or no connection.
    Down,
    /// 429, to be asked again after so long.
    Busy(Duration),
    Slow,
    /// It takes what it is given, and says nothing.
    Mute,
}

/// The vendors of a call on a bad day.
#[derive(Debug)]
pub struct BadDay {
    moods: [Vec<Mood>; 3],
    vendors: [Vec<Vendor>; 3],
    health: Health,
    began: Instant,
    /// Requests and streams that came to nothing.
    pub failed: usize,
    /// Those of a fallback that did not.
    pub fell_back: usize,
    pub second_requests: usize,
}

/// What a bot needs so that there is something to fall back on.
pub fn prepare(config: &mut RuntimeConfig, random: &mut Random) {
    let key = |n: usize| ApiKey::new(format!("key-{n}"));
    config.stt.fallbacks = (1..=random.range(0, 3) as usize)
        .map(|n| SttSettings { api_key: key(n), ..config.stt.clone() })
        .collect();
    config.llm.fallbacks = (1..=random.range(0, 4) as usize)
        .map(|n| LlmSettings { api_key: key(n), ..config.llm.clone() })
        .collect();
    config.tts.fallbacks = (1..=random.range(0, 3) as usize)
        .map(|n| TtsSettings { api_key: key(n), ..config.tts.clone() })
        .collect();
    if random.chance(50) {
        config.resilience.transfer_to = "desk".into();
        config.transfer_numbers.insert("desk".into(), "+15550111".into());
    }
    if random.chance(70) {
        let questions = [
            "What are your opening hours?",
            "Could you repeat that for me?",
            "I would like to move my appointment.",
        ];
        let questions = questions.map(str::to_owned).to_vec();
        config.common_answers =
            vec![CommonAnswer { questions, answer: "We are open from nine to five.".into() }];
    }
}

impl BadDay {
    pub fn of(config: &RuntimeConfig, random: &mut Random) -> Self {
        let vendors = [
            with_fallbacks(&config.stt, Vendor::recogniser, |s| &s.fallbacks),
            with_fallbacks(&config.llm, Vendor::model, |s| &s.fallbacks),
            with_fallbacks(&config.tts, Vendor::voice, |s| &s.fallbacks),
        ];
        let moods = [0, 1, 2].map(|kind: usize| vendors[kind].iter().map(|_| drawn(random)).collect());
        let (health, began) = (Health::default(), Instant::now());
        for vendor in vendors.iter().flatten() {
            let answers = if random.chance(60) { random.range(0, 60) } else { 0 };
            for _ in 0..answers {
                let after = Duration::from_millis(random.range(100, 900));
                health.answered(vendor, Some(after), began);
            }
            for _ in 0..if random.chance(20) { random.range(0, 8) } else { 0 } {
                health.failed(vendor, (FailureClass::Unavailable, None), began);
            }
        }
        health.used(random.range(0, 50_000), false);
        Self { moods, vendors, health, began, failed: 0, fell_back: 0, second_requests: 0 }
    }

    fn mood(&mut self, service: Service, place: usize, random: &mut Random) -> Mood {
        let mood = &mut self.moods[place_of(service)][place];
        if random.chance(10) {
            *mood = drawn(random);
        }
        self.failed += usize::from(*mood != Mood::Usual);
        self.fell_back += usize::from(*mood == Mood::Usual && place > 0);
        *mood
    }

    fn note(&self, (service, place): (Service, usize), did: &Did, now: Duration) {
        let (vendor, now) = (&self.vendors[place_of(service)][place], self.began + now);
        match did {
            Did::Answered { after } => self.health.answered(vendor, *after, now),
            Did::Failed { class, retry_after } => self.health.failed(vendor, (*class, *retry_after), now),
            Did::Used { tokens, needlessly } => self.health.used(*tokens, *needlessly),
        }
    }

    fn standing(&self, now: Duration) -> Standing {
        let at = self.began + now;
        let open = |kind: usize| -> Vec<Duration> {
            let until = self.vendors[kind].iter().map(|vendor| self.health.open_until(vendor, at));
            until
                .map(|until| until.map_or(Duration::ZERO, |until| until.duration_since(self.began)))
                .collect()
        };
        Standing {
            stt: open(0),
            llm: open(1),
            tts: open(2),
            llm_p90: self.vendors[1].iter().map(|vendor| self.health.p90(vendor, at)).collect(),
            second_tokens: self.health.second_tokens(),
        }
    }
}

fn place_of(service: Service) -> usize {
    match service {
        Service::Stt => 0,
        Service::Llm => 1,
        Service::Tts => 2,
    }
}

fn drawn(random: &mut Random) -> Mood {
    match random.range(0, 100) {
        0..50 => Mood::Usual,
        50..60 => Mood::RefusesKey,
        60..75 => Mood::Down,
        75..82 => Mood::Busy(Duration::from_millis(random.range(200, 40_000))),
        82..92 => Mood::Slow,
        _ => Mood::Mute,
    }
}

/// How it says no.
fn refusal(mood: Mood) -> Option<Failure> {
    match mood {
        Mood::RefusesKey => Some(Failure::new(FailureClass::Unauthorised, "401")),
        Mood::Down => Some(Failure::new(FailureClass::Unavailable, "503")),
        Mood::Busy(after) => {
            Some(Failure { retry_after: Some(after), ..Failure::new(FailureClass::OverLimit, "429") })
        }
        Mood::Usual | Mood::Slow | Mood::Mute => None,
    }
}

impl World {
    /// The mood of whoever is asked now; the usual one on all other days.
    pub(super) fn mood(&mut self, service: Service, place: usize) -> Mood {
        self.bad_day.as_mut().map_or(Mood::Usual, |day| day.mood(service, place, &mut self.random))
    }

    /// The books are written, and the session learns what they say.
    pub(super) fn note_vendor(&mut self, service: Service, place: usize, did: &Did) {
        let now = Duration::from_millis(self.now);
        let Some(day) = &self.bad_day else { return };
        day.note((service, place), did, now);
        let standing = Box::new(day.standing(now));
        self.at(self.now, Happening::Session(Event::Standing(standing)));
    }

    pub(super) fn tell_standing(&mut self) {
        let standing = self.bad_day.as_ref().map(|day| Box::new(day.standing(Duration::ZERO)));
        if let Some(standing) = standing {
            self.at(0, Happening::Session(Event::Standing(standing)));
        }
    }

    /// The model at this place answers a request, or does not.
    pub(super) fn model_answers(&mut self, place: usize, ends: bool) -> (Vec<(u64, LlmEvent)>, bool) {
        let mood = self.mood(Service::Llm, place);
        if let Some(failure) = refusal(mood) {
            return (vec![(self.random.range(2, 400), LlmEvent::Failed(failure))], true);
        }
        match mood {
            Mood::Mute => (Vec::new(), true),
            Mood::Slow => {
                let (mut events, faulty) = reply(&mut self.random, ends);
                let more = self.random.range(900, 6_000);
                events.iter_mut().for_each(|(after, _)| *after += more);
                (events, faulty)
            }
            _ => reply(&mut self.random, ends),
        }
    }

    /// The recogniser at this place refuses. True when it does.
    pub(super) fn stt_refuses(&mut self, mood: Mood) -> bool {
        let Some(failure) = refusal(mood) else { return false };
        let (stream, after) = (self.stt_stream, self.random.range(2, 400));
        self.at(self.now + after, Happening::Stt { stream, event: SttEvent::Failed(failure) });
        true
    }

    /// The same of a voice.
    pub(super) fn voice_refuses(&mut self, mood: Mood) -> bool {
        let Some(failure) = refusal(mood) else { return false };
        let (stream, after) = (self.voice_stream, self.random.range(2, 400));
        let event = VoiceEvent::Failed(failure);
        self.at(self.now + after, Happening::Voice { stream, event, words: Vec::new(), ms: 0 });
        true
    }

    /// The line hands the caller over, or cannot, or says nothing.
    pub(super) fn hand_over(&mut self) {
        let after = self.now + self.random.range(300, 6_000);
        match self.random.range(0, 100) {
            0..60 => self.at(after, Happening::Session(Event::Transferred)),
            60..95 => self.at(after, Happening::Session(Event::TransferFailed { why: "busy".into() })),
            _ => {}
        }
    }
}
