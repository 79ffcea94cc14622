//! The SDK's client over the HTTP client and the TLS settings of the workspace, with time-outs that a waiting person bears.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};
use secrecy::ExposeSecret;
use url::Url;

use super::transport::Transport;
use crate::config::S3Settings;

/// Whole requests that carry no content, second tries included.
const SHORT: Duration = Duration::from_millis(3500);
/// Whole requests that carry a part, or put the parts together.
const LONG: Duration = Duration::from_secs(120);
/// Tries of a request that was cut or answered with a 5xx. What timed out is not tried again: somebody waits.
const TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// The clients for short and long requests, over one HTTP client.
pub(super) struct Clients {
    pub short: Client,
    pub long: Client,
    /// Signs links; sends nothing.
    pub links: Option<Client>,
}

impl Clients {
    pub fn new(settings: &S3Settings) -> Result<Self, reqwest::Error> {
        let config = config(settings)?;
        let with = |longest| Client::from_conf(config.to_builder().timeout_config(whole(longest)).build());
        let links = settings
            .link_url
            .as_ref()
            .map(|url| Client::from_conf(config.to_builder().endpoint_url(address(url)).build()));
        Ok(Self { short: with(SHORT), long: with(LONG), links })
    }
}

fn config(settings: &S3Settings) -> Result<aws_sdk_s3::Config, reqwest::Error> {
    let (access, secret) = (settings.access_key.expose_secret(), settings.secret_key.expose_secret());
    let connector = SharedHttpConnector::new(Transport::new()?);
    let retries = RetryConfig::standard()
        .with_max_attempts(TRIES)
        .with_initial_backoff(FIRST_PAUSE)
        .with_max_backoff(LONGEST_PAUSE);
    Ok(aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .endpoint_url(address(&settings.url))
        .region(Region::new(settings.region.clone()))
        .credentials_provider(Credentials::new(access, secret, None, None, "settings"))
        .force_path_style(settings.path_style)
        .retry_config(retries)
        // Ours are SHA-256 and on every content; others that the SDK would add are not known to every server.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        // `Transport` sees what stalls.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build())
}

fn whole(longest: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().operation_timeout(longest).build()
}

/// An address without the slash that a parsed one ends with.
fn address(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}
