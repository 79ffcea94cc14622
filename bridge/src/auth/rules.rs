//! What names, addresses, languages and passwords of people must keep to.

use secrecy::{ExposeSecret, SecretString};

use super::password::{MAX_PASSWORD_BYTES, MIN_PASSWORD};
use crate::fields::FieldError;
use crate::store::users::fold_email;

/// Longest address, bytes (RFC 5321), as it is typed and as it is compared.
pub const MAX_EMAIL_BYTES: usize = 254;
/// Longest name, characters.
const MAX_NAME: usize = 120;
/// Most languages of a person.
const MAX_LANGUAGES: usize = 32;
/// Longest language tag, bytes.
const MAX_LANGUAGE_BYTES: usize = 35;

/// Longest slug or plan, bytes.
const MAX_SLUG_BYTES: usize = 40;

/// Collects what is wrong with the fields of a person or a tenant.
#[derive(Default)]
pub struct Checks(Vec<FieldError>);

impl Checks {
    pub fn email(mut self, email: &str) -> Self {
        let parts = email.split_once('@');
        // Folding can make an address longer; one that the login then refuses would be of no use.
        let good = email.len().max(fold_email(email).len()) <= MAX_EMAIL_BYTES
            && parts.is_some_and(|(local, domain)| {
                !local.is_empty() && !domain.is_empty() && !domain.contains('@')
            })
            && !email.chars().any(|c| c.is_whitespace() || c.is_control());
        self.unless(good, "email", "must be an e-mail address");
        self
    }

    pub fn name(mut self, name: &str) -> Self {
        let good =
            (1..=MAX_NAME).contains(&name.trim().chars().count()) && !name.chars().any(char::is_control);
        self.unless(good, "name", "must be 1 to 120 characters");
        self
    }

    pub fn languages(mut self, languages: &[String], primary: Option<&str>) -> Self {
        let tag = |text: &str| {
            (2..=MAX_LANGUAGE_BYTES).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        self.unless(languages.len() <= MAX_LANGUAGES, "languages", "at most 32");
        self.unless(languages.iter().all(|l| tag(l)), "languages", "must be language tags, like en or hi-IN");
        let known = primary.is_none_or(|p| languages.iter().any(|l| l == p));
        self.unless(known, "primary_language", "must be one of the languages");
        self
    }

    pub fn new_password(mut self, path: &str, password: &SecretString) -> Self {
        let text = password.expose_secret();
        let good = text.chars().count() >= MIN_PASSWORD && text.len() <= MAX_PASSWORD_BYTES;
        self.unless(good, path, "must be 10 characters or more, at most 256 bytes");
        self
    }

    /// `None` is for tenants from before slugs.
    pub fn slug(mut self, slug: Option<&str>) -> Self {
        let good = |slug: &str| {
            (2..=MAX_SLUG_BYTES).contains(&slug.len())
                && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && !slug.starts_with('-')
                && !slug.ends_with('-')
        };
        let told = "must be 2 to 40 characters of a-z, 0-9 and '-', and neither begin nor end with '-'";
        self.unless(slug.is_none_or(good), "slug", told);
        self
    }

    /// All that is wrong, at once.
    pub fn finish(self) -> Result<(), Vec<FieldError>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }

    fn unless(&mut self, good: bool, path: &str, message: &str) {
        if !good {
            self.0.push(FieldError::new(path, message));
        }
    }
}
