//! Where a server's routes are, however its operator writes the address: with a slash at the end, with the whole path of a
//! question, or without the `/v1` that the server has.

use std::sync::atomic::{AtomicBool, Ordering};

use url::Url;

use super::endpoint;

/// Paths that people copy with the address.
const COPIED: [&[&str]; 3] = [&["chat", "completions"], &["completions"], &["models"]];

/// The address as it was written, and with `/v1` where it names no version.
#[derive(Debug)]
pub struct Address {
    written: Url,
    versioned: Option<Url>,
    needs_version: AtomicBool,
}

impl Address {
    pub fn new(mut url: Url) -> Self {
        let mut path: Vec<String> = url
            .path_segments()
            .map(|path| path.filter(|part| !part.is_empty()).map(str::to_owned).collect())
            .unwrap_or_default();
        let ends_with = |copied: &&&[&str]| {
            path.iter().rev().zip(copied.iter().rev()).filter(|(a, b)| a == *b).count() == copied.len()
        };
        if let Some(copied) = COPIED.iter().find(ends_with) {
            path.truncate(path.len() - copied.len());
        }
        url.set_path(&path.join("/"));
        let is_version = |part: &String| {
            part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        let versioned = (!path.iter().any(is_version)).then(|| endpoint(&url, &["v1"]));
        Self { written: url, versioned, needs_version: AtomicBool::new(false) }
    }

    /// The address as it was written, for the policy.
    pub fn written(&self) -> &Url {
        &self.written
    }

    /// The route below the address.
    pub fn route(&self, path: &[&str]) -> Url {
        let versioned = self.versioned.as_ref().filter(|_| self.needs_version.load(Ordering::Relaxed));
        endpoint(versioned.unwrap_or(&self.written), path)
    }

    /// The server has no such route as `missing`. True when the other way of writing the address is to be tried.
    pub fn turn(&self, missing: &Url) -> bool {
        let Some(versioned) = &self.versioned else { return false };
        let had_version = missing.path().starts_with(versioned.path());
        self.needs_version.store(!had_version, Ordering::Relaxed);
        !had_version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::new(Url::parse(text).unwrap())
    }

    #[test]
    fn every_way_of_writing_an_address_leads_to_the_same_route() {
        for text in [
            "http://h/x/v1",
            "http://h/x/v1/",
            "http://h/x//v1",
            "http://h/x/v1/chat/completions",
            "http://h/x/v1/chat/completions/",
            "http://h/x/v1/models",
        ] {
            let address = address(text);
            assert_eq!(
                address.route(&["chat", "completions"]).as_str(),
                "http://h/x/v1/chat/completions",
                "{text}"
            );
            assert_eq!(address.route(&["models"]).as_str(), "http://h/x/v1/models", "{text}");
            assert!(!address.turn(&address.route(&["models"])), "{text}");
        }
    }

    #[test]
    fn a_missing_version_is_tried_once_and_remembered() {
        let address = address("http://h:8000");
        let asked = address.route(&["chat", "completions"]);
        assert_eq!(asked.as_str(), "http://h:8000/chat/completions");
        assert!(address.turn(&asked));
        let again = address.route(&["chat", "completions"]);
        assert_eq!(again.as_str(), "http://h:8000/v1/chat/completions");
        assert!(!address.turn(&again), "two ways, two tries");
        assert_eq!(address.route(&["models"]).as_str(), "http://h:8000/models");
    }

    #[test]
    fn another_version_is_left_alone() {
        let address = address("https://h/v1beta/openai");
        assert!(!address.turn(&address.route(&["models"])));
        assert_eq!(address.route(&["models"]).as_str(), "https://h/v1beta/openai/models");
    }
}
