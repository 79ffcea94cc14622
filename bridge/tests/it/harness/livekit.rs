//! How a bridge knows a LiveKit server.

use vox_shared::livekit::LiveKitSettings;

/// Of a server at this address, whether there is one or not.
pub fn settings(url: &str, (key, secret): (&str, &str)) -> LiveKitSettings {
    let url: reqwest::Url = url.parse().unwrap();
    LiveKitSettings { public_url: url.clone(), url, key: key.into(), secret: secret.into() }
}
