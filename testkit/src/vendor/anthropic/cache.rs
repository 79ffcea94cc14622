//! The vendor's prompt cache: a prefix that ends at a breakpoint is kept and found again, if it is the same to the byte.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;

/// Letters of English per token, a rule of thumb.
pub(crate) const CHARS_PER_TOKEN: usize = 4;
/// Most breakpoints in one request.
const BREAKPOINTS_MAX: usize = 4;
/// So many blocks before a breakpoint the end of one that is kept is looked for.
const LOOK_BACK: usize = 20;

/// The prefixes that are kept, shared by the copies of a script.
#[derive(Clone, Debug, Default)]
pub struct Cache(Arc<Mutex<BTreeSet<String>>>);

impl PartialEq for Cache {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// How a request's tokens are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) fresh: usize,
    pub(crate) written: usize,
    pub(crate) read: usize,
}

/// A request in the order in which it is cached, with the places of its breakpoints.
#[derive(Debug, Default)]
pub(crate) struct Prompt {
    text: String,
    /// Where each block ends.
    ends: Vec<usize>,
    /// How many blocks are before a breakpoint, and whether they are to be kept for long.
    breakpoints: Vec<(usize, bool)>,
}

impl Prompt {
    /// Add a block; `Err` is what is wrong with its breakpoint.
    pub(crate) fn add(&mut self, role: &str, block: &Value) -> Result<(), String> {
        let mut plain = block.clone();
        let asked = plain.as_object_mut().and_then(|fields| fields.remove("cache_control"));
        self.text.push_str(role);
        self.text.push_str(&plain.to_string());
        self.ends.push(self.text.len());
        let Some(asked) = asked.filter(|asked| !asked.is_null()) else { return Ok(()) };
        if asked["type"] != "ephemeral" {
            return Err("cache_control.type: Input should be 'ephemeral'".into());
        }
        let is_long = match asked.get("ttl").and_then(Value::as_str) {
            None if asked.get("ttl").is_none() => false,
            Some("5m") => false,
            Some("1h") => true,
            _ => return Err("cache_control.ttl: Input should be '5m' or '1h'".into()),
        };
        if block["type"] == "text" && block["text"].as_str().is_none_or(str::is_empty) {
            return Err("cache_control cannot be set for empty text blocks".into());
        }
        if matches!(block["type"].as_str(), Some("thinking" | "redacted_thinking")) {
            return Err("cache_control cannot be set for thinking blocks".into());
        }
        if is_long && self.breakpoints.iter().any(|(_, long)| !long) {
            return Err(
                "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block".into()
            );
        }
        self.breakpoints.push((self.ends.len(), is_long));
        if self.breakpoints.len() > BREAKPOINTS_MAX {
            return Err(format!(
                "A maximum of {BREAKPOINTS_MAX} blocks with cache_control may be provided. Found {}.",
                self.breakpoints.len()
            ));
        }
        Ok(())
    }

    /// Count its tokens, with what the cache has, and keep its prefixes. One of fewer than `least` tokens is not kept.
    pub(crate) fn count(&self, cache: &Cache, least: usize) -> Counted {
        let tokens = |end: usize| self.text[..end].chars().count().div_ceil(CHARS_PER_TOKEN);
        let mut kept = cache.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counted = Counted::default();
        let mut longest = 0;
        let mut fresh = Vec::new();
        for (blocks, _) in &self.breakpoints {
            let before = &self.ends[..*blocks];
            let Some(end) = before.last().filter(|end| tokens(**end) >= least) else { continue };
            longest = tokens(*end);
            let found = before.iter().rev().take(LOOK_BACK).find(|end| kept.contains(&self.text[..**end]));
            counted.read = counted.read.max(found.map_or(0, |end| tokens(*end)));
            fresh.push(self.text[..*end].to_owned());
        }
        kept.extend(fresh);
        counted.written = longest - counted.read;
        counted.fresh = tokens(self.text.len()) - longest;
        counted
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn prompt(system: &str, user: &str) -> Prompt {
        let mut prompt = Prompt::default();
        let kept = json!({"type": "ephemeral"});
        prompt.add("system", &json!({"type": "text", "text": system, "cache_control": kept})).unwrap();
        prompt.add("user", &json!({"type": "text", "text": user})).unwrap();
        prompt
    }

    #[test]
    fn a_prefix_is_found_again_when_it_is_the_same() {
        let cache = Cache::default();
        let long = "be kind ".repeat(100);
        let first = prompt(&long, "hello").count(&cache, 100);
        assert!(first.written > 200 && first.read == 0 && first.fresh > 0, "{first:?}");
        let second = prompt(&long, "what are your hours?").count(&cache, 100);
        assert_eq!((second.read, second.written), (first.written, 0));
        assert_eq!(prompt(&format!("{long}!"), "hello").count(&cache, 100).read, 0);
        assert_eq!(prompt("short", "hello").count(&cache, 100).written, 0);
    }

    #[test]
    fn breakpoints_have_their_rules() {
        let check = |blocks: &[Value], part: &str| {
            let mut prompt = Prompt::default();
            let fault = blocks.iter().find_map(|block| prompt.add("user", block).err());
            assert!(fault.as_deref().is_some_and(|fault| fault.contains(part)), "{fault:?}");
        };
        let with = |control: Value| json!({"type": "text", "text": "a", "cache_control": control});
        check(&[with(json!({"type": "forever"}))], "ephemeral");
        check(&[with(json!({"type": "ephemeral", "ttl": "2h"}))], "'5m' or '1h'");
        check(
            &[with(json!({"type": "ephemeral"})), with(json!({"type": "ephemeral", "ttl": "1h"}))],
            "must not come after",
        );
        check(&vec![with(json!({"type": "ephemeral"})); 5], "A maximum of 4");
        check(&[json!({"type": "text", "text": "", "cache_control": {"type": "ephemeral"}})], "empty text");
    }
}
