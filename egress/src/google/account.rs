//! A service account, read from its key file.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};
use url::Url;
use vox_shared::rsa::RsaKey;

/// What a token is good for: everything that the account may do.
pub const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// Where tokens are given, if the file names no other place.
const TOKEN_SERVER: &str = "https://oauth2.googleapis.com/token";
/// How long a claim is good, seconds; the longest that is taken.
const CLAIM_LIFE: i64 = 3600;
/// What a key file says it is.
const KIND: &str = "service_account";

/// Whom a key file stands for. Clones share the key.
#[derive(Clone)]
pub struct Account(Arc<Inner>);

struct Inner {
    email: String,
    key_id: Option<String>,
    key: RsaKey,
    token_server: Url,
    project: Option<String>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Account")
    }
}

impl Account {
    /// Read a key file.
    ///
    /// # Errors
    /// What is wrong with it, in words that show nothing of it.
    pub fn parse(file: &str) -> Result<Self, String> {
        let not_json = || "api_key must be the JSON of a service account's key file".to_owned();
        let value: Value = serde_json::from_str(file.trim()).map_err(|_| not_json())?;
        let text = |name: &str| value[name].as_str().map(str::trim).filter(|text| !text.is_empty());
        let needed = |name: &str| text(name).ok_or_else(|| format!("the key file has no `{name}`"));
        match text("type") {
            Some(KIND) | None => {}
            Some(_) => return Err(format!("the key file must be of type `{KIND}`")),
        }
        let token_server = Url::parse(text("token_uri").unwrap_or(TOKEN_SERVER))
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or("the key file's `token_uri` must be an http or https address")?;
        Ok(Self(Arc::new(Inner {
            email: needed("client_email")?.to_owned(),
            key_id: text("private_key_id").map(str::to_owned),
            key: RsaKey::from_pem(needed("private_key")?)
                .map_err(|bad| format!("the key file's `private_key` {bad}"))?,
            token_server,
            project: text("project_id").map(str::to_owned),
        })))
    }

    /// Where its tokens are given.
    pub fn token_server(&self) -> &Url {
        &self.0.token_server
    }

    /// Whether that is not Google's own place: whoever gave the file chose the address.
    pub fn has_own_token_server(&self) -> bool {
        self.0.token_server.as_str() != TOKEN_SERVER
    }

    /// The project that it belongs to.
    pub fn project(&self) -> Option<&str> {
        self.0.project.as_deref()
    }

    /// A signed claim, made at this second. Takes milliseconds.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub(super) fn claim(&self, second: i64) -> Result<String, String> {
        let inner = &self.0;
        let claims = json!({
            "iss": inner.email, "scope": SCOPE, "aud": inner.token_server.as_str(),
            "iat": second, "exp": second + CLAIM_LIFE
        });
        let mut head = json!({"alg": "RS256", "typ": "JWT"});
        if let Some(id) = &inner.key_id {
            head["kid"] = id.as_str().into();
        }
        inner
            .key
            .sign(&head, &claims)
            .ok_or_else(|| "no claim can be signed: this machine has no randomness".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: Value, part: &str) {
        let fault = Account::parse(&file.to_string()).map(|_| ()).unwrap_err();
        assert!(fault.contains(part), "{fault}");
    }

    #[test]
    fn what_is_wrong_with_a_key_file_is_said() {
        assert!(Account::parse("ya29.token").unwrap_err().contains("must be the JSON"));
        check(json!({"type": "authorized_user"}), "of type `service_account`");
        check(json!({"client_email": "a@b"}), "no `private_key`");
        check(json!({"private_key": "x"}), "no `client_email`");
        check(json!({"client_email": "a@b", "private_key": "secret"}), "no RSA private key");
        check(json!({"client_email": "a@b", "private_key": "x", "token_uri": "file:///etc"}), "`token_uri`");
        let nonsense = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
        check(json!({"client_email": "a@b", "private_key": nonsense}), "no RSA private key");
    }
}
