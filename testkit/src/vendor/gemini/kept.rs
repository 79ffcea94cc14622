//! The prompts that the vendor keeps (`cachedContents`), until they end.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};

use super::refusal::Refusal;

/// What is kept, by name; shared by the copies of a script.
#[derive(Clone, Debug, Default)]
pub struct Kept(Arc<Mutex<BTreeMap<String, Prompt>>>);

impl PartialEq for Kept {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// One prompt.
#[derive(Clone, Debug)]
pub(crate) struct Prompt {
    /// As the request named it.
    pub(crate) model: String,
    pub(crate) title: String,
    pub(crate) tools: Vec<String>,
    pub(crate) tokens: usize,
    /// The second at which it ends.
    pub(crate) until: i64,
}

impl Kept {
    /// Keep a prompt under this name, or in place of the one that was there.
    pub(crate) fn put(&self, name: &str, prompt: Prompt) -> Value {
        let told = prompt.told(name);
        self.lock().insert(name.to_owned(), prompt);
        told
    }

    /// A prompt that has not ended.
    ///
    /// # Errors
    /// The vendor's refusal where it is not there.
    pub(crate) fn find(&self, name: &str, second: i64) -> Result<Prompt, Refusal> {
        let found = self.lock().get(name).filter(|prompt| prompt.until > second).cloned();
        found.ok_or_else(|| {
            let message = format!("CachedContent not found (or permission denied): {name}");
            Refusal { code: 403, status: "PERMISSION_DENIED", message, reason: None }
        })
    }

    /// It is not kept any more.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub(crate) fn delete(&self, name: &str, second: i64) -> Result<Value, Refusal> {
        self.find(name, second)?;
        self.lock().remove(name);
        Ok(json!({}))
    }

    /// Nothing is kept any more.
    pub(crate) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Prompt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Prompt {
    /// As the vendor tells it.
    pub(crate) fn told(&self, name: &str) -> Value {
        let until = jiff::Timestamp::from_second(self.until).unwrap_or_default().to_string();
        json!({
            "name": name, "model": self.model, "displayName": self.title, "expireTime": until,
            "usageMetadata": {"totalTokenCount": self.tokens}
        })
    }
}
