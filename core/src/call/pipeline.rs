//! What is built for a conversation before it begins, while the telephone rings.

use std::sync::Arc;
use std::time::Duration;

use vox_shared::wire::config::RuntimeConfig;

use super::detector::Detector;
use super::ears::Ears;
use super::switch::Switch;
use super::tools::{Around, Tools};
use super::veil::Veil;
use super::vendors::Vendors;
use crate::app::App;
use crate::carrier::{self, Control, OfLine};
use crate::courier::Begun;
use crate::session::Session;
#[cfg(feature = "livekit")]
use crate::session::past::Past;
use crate::session::rules::Rules;
use crate::transport::line::{CallInfo, Traits};

/// What a conversation is made of beside its line.
pub(super) struct Pipeline {
    pub(super) config: Arc<RuntimeConfig>,
    pub(super) session: Session,
    pub(super) switch: Switch,
    pub(super) detector: Detector,
    pub(super) vendors: Vendors,
    pub(super) ears: Ears,
    pub(super) tools: Tools,
    pub(super) veil: Veil,
}

impl Pipeline {
    /// Build it; what can be connected beforehand is.
    pub(super) fn build(
        app: &App,
        begun: Begun,
        info: &CallInfo,
        (traits, rate_hz): (Traits, u32),
    ) -> Box<Self> {
        Self::around(app, begun, (info, traits, rate_hz), Session::new)
    }

    /// The same for a conversation that goes on from its past.
    #[cfg(feature = "livekit")]
    pub(super) fn again(app: &App, begun: Begun, line: (&CallInfo, Traits, u32), past: Past) -> Box<Self> {
        let transcript = past.transcript.clone();
        let mut built = Self::around(app, begun, line, |rules| Session::going_on(rules, past));
        // What was asked for is not answered yet, and what was hidden is hidden when it is said again.
        for line in transcript {
            built.veil.line(line);
        }
        built
    }

    fn around(
        app: &App,
        begun: Begun,
        (info, traits, rate_hz): (&CallInfo, Traits, u32),
        session: impl FnOnce(Rules) -> Session,
    ) -> Box<Self> {
        let config = begun.config.clone();
        let of_line =
            OfLine { transport: traits.name, call: info.carrier_call.as_deref(), did: info.did.as_deref() };
        let control = Control::of(of_line, &config, app.providers.egress.clone(), app.clock.clone());
        let mut rules = who_transfers(Rules::from_config(&config, Duration::ZERO), traits, &control);
        rules.has_rooms = traits.has_rooms();
        rules.presses_keys = traits.presses_keys;
        let made_from = (app.providers.clone(), app.health.clone());
        let mut vendors = Vendors::new(made_from, app.courier.clone(), begun, rate_hz);
        vendors.warm_up();
        let (egress, clock) = (app.providers.egress.clone(), app.clock.clone());
        let around = Around { egress, clock, caller_id: info.caller_id.clone() };
        Box::new(Self {
            session: session(rules),
            switch: Switch::new(control.ok()),
            detector: Detector::new(app.weights.clone(), rate_hz),
            vendors,
            ears: Ears::new(app.weights.clone(), rate_hz),
            tools: Tools::new(&config, around),
            veil: Veil::new(&config.redaction),
            config,
        })
    }
}

/// The line itself hands a caller over, or its carrier does, or nobody.
fn who_transfers(rules: Rules, traits: Traits, control: &Result<Control, String>) -> Rules {
    let by_carrier = match control {
        Ok(control) => control.no_transfer().map_or(Ok(carrier::METHOD), |why| Err(why.to_owned())),
        Err(why) => Err(why.clone()),
    };
    // A line in rooms has room for somebody who is asked first.
    let rules = Rules { consults: traits.has_rooms(), ..rules };
    match (traits.transfers, by_carrier) {
        (Some(method), _) | (None, Ok(method)) => Rules { transfers: Some(method), ..rules },
        (None, Err(no_transfer)) => Rules { no_transfer, ..rules },
    }
}
