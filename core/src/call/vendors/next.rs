//! Another bot's vendors, made ready while the bot before it still speaks.

use std::sync::Arc;

use tokio::time::Instant;
use vox_shared::wire::config::RuntimeConfig;

use super::Vendors;
use crate::call::asked::Trace;
use crate::call::beside::Beside;
use crate::call::lookout::Lookout;
use crate::courier::Begun;
use crate::courier::clips::Stable;
use crate::provider::llm::LanguageModel;
use crate::session::standing::Standing;
use crate::session::tongue::in_language;

/// What is ready of them.
pub(super) struct Next {
    begun: Begun,
    lookout: Lookout,
    /// The first model, whose connection is being opened.
    model: Option<Arc<dyn LanguageModel>>,
}

impl Vendors {
    /// Make the vendors of another bot ready: how they stand in this process. The call's media time began at `began`.
    pub fn prepare(&mut self, begun: Begun, began: Instant) -> Standing {
        let mut lookout = self.lookout.of_bot(&begun.config);
        let standing = lookout.news(began).unwrap_or_default();
        // Settings that are refused are told when the model is asked.
        let model = self.providers.language_model(&begun.config.llm).ok();
        if let Some(model) = &model {
            model.warm_up();
        }
        self.next = Some(Box::new(Next { begun, lookout, model }));
        standing
    }

    /// They are the call's from now on; nothing of the bot before is open any more. The config by which they are, or `None` where no bot
    /// was made ready.
    pub fn go_over(&mut self) -> Option<Arc<RuntimeConfig>> {
        let Next { begun, lookout, model } = *self.next.take()?;
        self.permits.go_over(&begun);
        let Begun { config, stable, greeting, sounds, .. } = begun;
        self.feed.shut();
        (self.llm, self.second, self.voice, self.keeping) = (None, None, None, None);
        self.wanted.clear();
        self.trace = Trace::default();
        self.billed.go_over(&config);
        self.beside = Beside::begin(&self.courier, &sounds, self.rate_hz);
        self.sounds = sounds;
        self.models = vec![model];
        self.voice_index = 0;
        (self.stable, self.greeting, self.lookout) = (stable, greeting, lookout);
        (self.config, self.own) = (config.clone(), config.clone());
        Some(config)
    }

    /// The bot goes on in this one of its languages: what is opened from now on is that language's.
    pub fn change_language(&mut self, language: &str) {
        let Some(config) = in_language(&self.own, language) else {
            return tracing::error!(language, "the session wants a language that the bot does not have");
        };
        let config = Arc::new(config);
        self.billed.go_over(&config);
        self.stable = Stable::of(&config);
        self.greeting = None;
        self.config = config;
    }
}
