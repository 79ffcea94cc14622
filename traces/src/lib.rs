//! Spans to a collector, by OTLP over HTTP. `vox_shared::telemetry::spans` makes them; here they are gathered on a thread of its own and
//! sent. Whoever works never waits for it: a queue that is full drops what comes, and a collector that is away costs what was gathered.
//! Settings are the standard ones of OpenTelemetry; `docs/observability.md` lists them.

#[cfg(feature = "otlp")]
mod export;
mod settings;

use vox_shared::env::{Env, Faults};
use vox_shared::telemetry::{Tracing, Who};

pub use settings::Settings;

/// Why no spans can be exported.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Settings(#[from] Faults),
    #[error(
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, and this program was built without traces: build it with the default features"
    )]
    NotBuilt,
    #[error("spans cannot be exported: {0}")]
    Exporter(String),
}

/// The export of one process, until it is finished.
pub struct Export {
    settings: Settings,
    #[cfg(feature = "otlp")]
    to: Option<std::sync::Arc<export::Collector>>,
}

impl Export {
    /// As the environment says; most of the time nothing is exported.
    ///
    /// # Errors
    ///
    /// When a setting makes no sense, or this program cannot do what it says.
    pub fn start(who: Who<'_>, env: &Env) -> Result<Self, StartError> {
        let settings = Settings::read(env)?;
        Self::with(who, settings)
    }

    #[cfg(feature = "otlp")]
    fn with(who: Who<'_>, settings: Settings) -> Result<Self, StartError> {
        let to = settings.endpoint.as_ref().map(|url| export::Collector::start(who, url)).transpose()?;
        Ok(Self { settings, to: to.map(std::sync::Arc::new) })
    }

    #[cfg(not(feature = "otlp"))]
    fn with(_: Who<'_>, settings: Settings) -> Result<Self, StartError> {
        match settings.endpoint {
            None => Ok(Self { settings }),
            Some(_) => Err(StartError::NotBuilt),
        }
    }

    /// For [`vox_shared::telemetry::init`].
    #[cfg(feature = "otlp")]
    pub fn tracing(&self) -> Tracing {
        let Some(to) = &self.to else { return Tracing::OFF };
        Tracing { sampler: self.settings.sampler, sink: Some(to.clone()) }
    }

    /// For [`vox_shared::telemetry::init`].
    #[cfg(not(feature = "otlp"))]
    pub fn tracing(&self) -> Tracing {
        let _nothing_to_sample_for = self.settings.sampler;
        Tracing::OFF
    }

    /// Send what is gathered, for two seconds at most. Blocks; at the end of the process.
    pub fn finish(self) {
        #[cfg(feature = "otlp")]
        if let Some(to) = self.to {
            to.finish();
        }
    }
}
