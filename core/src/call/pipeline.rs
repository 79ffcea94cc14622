//! What is built for a conversation before it begins, while the telephone rings.

use std::sync::Arc;
use std::time::Duration;

use vox_shared::wire::config::RuntimeConfig;

use super::detector::Detector;
use super::tools::Tools;
use super::veil::Veil;
use super::vendors::Vendors;
use crate::app::App;
use crate::courier::Begun;
use crate::session::Session;
use crate::session::rules::Rules;
use crate::transport::line::Traits;

/// What a conversation is made of beside its line.
pub(super) struct Pipeline {
    pub(super) config: Arc<RuntimeConfig>,
    pub(super) session: Session,
    pub(super) detector: Detector,
    pub(super) vendors: Vendors,
    pub(super) tools: Tools,
    pub(super) veil: Veil,
}

impl Pipeline {
    /// Build it; what can be connected beforehand is.
    pub(super) fn build(app: &App, begun: Begun, traits: Traits, rate_hz: u32) -> Box<Self> {
        let config = begun.config.clone();
        let rules = Rules { transfers: traits.transfers, ..Rules::from_config(&config, Duration::ZERO) };
        let mut vendors = Vendors::new(app.providers.clone(), app.courier.clone(), begun, rate_hz);
        vendors.warm_up();
        Box::new(Self {
            session: Session::new(rules),
            detector: Detector::new(app.weights.clone(), rate_hz),
            vendors,
            tools: Tools::new(&config, app.providers.egress.clone()),
            veil: Veil::new(&config.redaction),
            config,
        })
    }
}
