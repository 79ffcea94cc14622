//! Which of a bot's vendors a call begins with: the first of each list, unless what was measured of them says that an answer takes longer
//! than the budget in force. Decision 0055.

pub mod choice;
pub mod latencies;
pub mod lists;

use serde::Serialize;
use vox_shared::catalogue::Kind;
use vox_shared::ids::TenantId;
use vox_shared::model::bot::BotSettings;
use vox_shared::wire::answers::Service;

use self::choice::{Candidate, Choice, Reason};
use crate::bot::keys::Keyed;
use crate::runtime::memory::Memory;
use crate::store::StoreError;
use crate::store::latencies::Latencies;
use crate::store::settings::RoutingSettings;
use crate::vendors::checks::{Account, Checks};

/// Which vendors a call begins with, and why. It goes to the worker with the config, and comes back with the result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Routing {
    pub budget_ms: u32,
    pub picked: Picked,
    /// Of the three together: their medians of the last 24 hours. Null while one was not observed.
    pub predicted_ms: Option<f64>,
    /// The prediction is over the budget.
    pub overrun: bool,
    pub why: Reason,
    /// Entries that could not be picked, and why.
    pub left_out: Vec<String>,
}

/// The vendors that are asked first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Picked {
    pub stt: Pick,
    pub llm: Pick,
    pub tts: Pick,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pick {
    pub provider: String,
    pub model: String,
    /// Its place in the bot's list, 0 the first.
    pub place: usize,
}

impl Routing {
    /// The vendors before this place have no room, and it will come first. `first` is the list as it was routed. Those that could not be
    /// used anyway are told of already.
    pub fn passed_over<T: Keyed>(&mut self, service: Service, place: usize, first: &T) {
        let pick = match service {
            Service::Stt => &mut self.picked.stt,
            Service::Llm => &mut self.picked.llm,
            Service::Tts => &mut self.picked.tts,
        };
        let Some(next) = place.checked_sub(1).and_then(|behind| first.fallbacks().get(behind)) else {
            return;
        };
        // What was picked stands before those that were before it in the bot's list.
        let (word, picked) = (service.as_str(), pick.place);
        let of_bot = |place: usize| match place {
            0 => picked,
            place if place <= picked => place - 1,
            place => place,
        };
        let all = std::iter::once(first).chain(first.fallbacks()).enumerate();
        for (at, full) in all.take(place) {
            let entry = format!("{word}.{} ({}): ", of_bot(at), full.provider());
            if !self.left_out.iter().any(|told| told.starts_with(&entry)) {
                self.left_out.push(format!("{entry}its key serves as many calls as it may"));
            }
        }
        *pick = self::pick(next, of_bot(place));
        (self.predicted_ms, self.overrun, self.why) = (None, false, Reason::Unusable);
    }
}

/// Put the vendors that the tenant's routing picks first; `None` where nothing is set. Keys of the settings are filled in already.
pub async fn route(
    (memory, checks): (&Memory, &Checks),
    tenant: &TenantId,
    settings: &mut BotSettings,
) -> Result<Option<Routing>, StoreError> {
    let Some(set) = memory.routing(tenant).await? else { return Ok(None) };
    let known = memory.latencies(tenant).await?;
    let faults = |account: &Account| checks.fault(account);
    Ok(Some(routed((&set, known.as_deref()), &faults, settings)))
}

/// The same without a store.
fn routed(
    (set, known): (&RoutingSettings, Option<&Latencies>),
    faults: &impl Fn(&Account) -> Option<String>,
    settings: &mut BotSettings,
) -> Routing {
    let min_samples = i64::from(set.min_samples);
    let p50 = |kind: &str, provider: &str| known.and_then(|known| known.p50(kind, provider, min_samples));
    let mut left_out = Vec::new();
    let candidates = [
        candidates(&settings.stt, (Kind::Recogniser, "stt"), (&p50, faults), &mut left_out),
        candidates(&settings.llm, (Kind::LanguageModel, "llm"), (&p50, faults), &mut left_out),
        candidates(&settings.tts, (Kind::Voice, "tts"), (&p50, faults), &mut left_out),
    ];
    let Choice { places: [stt, llm, tts], predicted_ms, overrun, why } =
        choice::choose(&candidates, f64::from(set.budget_ms));
    lists::put_first(&mut settings.stt, stt);
    lists::put_first(&mut settings.llm, llm);
    lists::put_first(&mut settings.tts, tts);
    let picked = Picked {
        stt: pick(&settings.stt, stt),
        llm: pick(&settings.llm, llm),
        tts: pick(&settings.tts, tts),
    };
    Routing { budget_ms: set.budget_ms, picked, predicted_ms, overrun, why, left_out }
}

/// A list of vendors as it is chosen from.
fn candidates<T: Keyed>(
    first: &T,
    (kind, word): (Kind, &str),
    (p50, faults): (&impl Fn(&str, &str) -> Option<f64>, &impl Fn(&Account) -> Option<String>),
    left_out: &mut Vec<String>,
) -> Vec<Candidate> {
    let all = std::iter::once(first).chain(first.fallbacks());
    let looked_at = all.enumerate().map(|(place, entry)| {
        let provider = entry.provider();
        let vendor = kind.find(provider);
        let fault = match vendor {
            None => Some("there is no such vendor".to_owned()),
            Some(vendor) => vendor.key_fault(entry.api_key().expose(), entry.extra()),
        };
        let fault = fault.or_else(|| faults(&Account::of(entry)));
        if let Some(fault) = &fault {
            left_out.push(format!("{word}.{place} ({provider}): {fault}"));
        }
        Candidate { is_usable: fault.is_none(), p50_ms: p50(word, provider) }
    });
    looked_at.collect()
}

fn pick<T: Keyed>(entry: &T, place: usize) -> Pick {
    Pick { provider: entry.provider().to_owned(), model: entry.model().to_owned(), place }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::latencies::Latency;

    fn known(rows: &[(&str, &str, Option<f64>, i64)]) -> Latencies {
        let rows = rows.iter().map(|(kind, provider, p50_ms, samples)| Latency {
            kind: (*kind).to_owned(),
            provider: (*provider).to_owned(),
            p50_ms: *p50_ms,
            p95_ms: *p50_ms,
            samples: *samples,
        });
        Latencies {
            tenant_id: "t".parse().unwrap(),
            as_of: "2026-11-20T10:00:00Z".parse::<jiff::Timestamp>().unwrap().into(),
            rows: rows.collect(),
            targets: Vec::new(),
        }
    }

    #[test]
    fn a_faster_voice_is_put_first_and_keeps_its_own_settings() {
        let settings = json!({
            "stt": {"provider": "pocketsphinx"}, "llm": {"provider": "scripted"},
            "tts": {"provider": "elevenlabs", "api_key": "k", "voice": "v1", "fallbacks": [
                {"provider": "elevenlabs", "voice": "keyless"},
                {"provider": "flite", "voice": "kal"},
            ]},
        });
        let mut settings: BotSettings = serde_json::from_value(settings).unwrap();
        let rows = known(&[
            ("stt", "pocketsphinx", Some(100.0), 50),
            ("llm", "scripted", Some(1.0), 50),
            ("tts", "elevenlabs", Some(900.0), 50),
            ("tts", "flite", Some(20.0), 50),
        ]);
        let set = RoutingSettings { budget_ms: 500, min_samples: 20 };
        let routing = routed((&set, Some(&rows)), &|_| None, &mut settings);
        assert_eq!((settings.tts.provider.as_str(), settings.tts.voice.as_str()), ("flite", "kal"));
        let rest: Vec<&str> = settings.tts.fallbacks.iter().map(|tts| tts.voice.as_str()).collect();
        assert_eq!(rest, ["v1", "keyless"]);
        assert_eq!((routing.picked.tts.place, routing.predicted_ms), (2, Some(121.0)));
        assert_eq!((routing.why, routing.overrun), (Reason::Faster, false));
        assert!(routing.left_out[0].starts_with("tts.1 (elevenlabs): elevenlabs needs a key"), "{routing:?}");
        // A vendor without room is passed over; places are those of the bot's own list.
        let mut full = routing.clone();
        full.passed_over(Service::Tts, 1, &settings.tts);
        assert_eq!((full.picked.tts.provider.as_str(), full.picked.tts.place), ("elevenlabs", 0));
        assert_eq!((full.why, full.predicted_ms), (Reason::Unusable, None));
        assert!(full.left_out.iter().any(|told| told.starts_with("tts.2 (flite): its key")), "{full:?}");
        // So are all of them, and one that has no key anyway is told of once.
        let mut fuller = routing.clone();
        settings.tts.fallbacks.push(serde_json::from_value(json!({"provider": "deepgram"})).unwrap());
        fuller.passed_over(Service::Tts, 3, &settings.tts);
        assert_eq!((fuller.picked.tts.provider.as_str(), fuller.picked.tts.place), ("deepgram", 3));
        let told: Vec<&str> = fuller.left_out.iter().map(|told| told.split(':').next().unwrap()).collect();
        assert_eq!(told, ["tts.1 (elevenlabs)", "tts.2 (flite)", "tts.0 (elevenlabs)"]);
        settings.tts.fallbacks.pop();
        // Fewer samples than are wanted are none.
        let unsure = RoutingSettings { budget_ms: 500, min_samples: 51 };
        let again = routed((&unsure, Some(&rows)), &|_| None, &mut settings);
        assert_eq!((again.why, again.predicted_ms), (Reason::NoObservations, None));
    }
}
