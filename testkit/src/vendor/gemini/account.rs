//! The service account that the token server knows. Its key was made for these tests and opens nothing.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::json;

/// Whom the account stands for.
pub(crate) const EMAIL: &str = "scripted@vox-test.iam.gserviceaccount.com";
/// Its key's id.
pub(crate) const KEY_ID: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334";
/// The project that Vertex serves.
pub const PROJECT: &str = "vox-test";
/// The same as Vertex' own names have it.
pub(crate) const PROJECT_NUMBER: &str = "100000000001";
/// The location that Vertex serves.
pub const LOCATION: &str = "europe-west4";
/// PKCS#8.
const PRIVATE: &[u8] = include_bytes!("account_key.der");
/// PKCS#1.
pub(crate) const PUBLIC: &[u8] = include_bytes!("account_key.pub.der");

/// The key file of the account, as the vendor's console gives it, for the token server at this address.
pub fn service_account(token_server: &str) -> String {
    let mut pem = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    for line in BASE64_STANDARD.encode(PRIVATE).as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    let account = json!({
        "type": "service_account", "project_id": PROJECT, "private_key_id": KEY_ID, "private_key": pem,
        "client_email": EMAIL, "client_id": "100000000000000000000",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": format!("{token_server}/token"),
        "universe_domain": "googleapis.com"
    });
    format!("{account:#}")
}
