//! Where recordings are when they are in a bucket.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;
use vox_shared::env::Env;

/// The bucket of the deployment's objects, by default.
const BUCKET: &str = "recordings";
/// What servers that have no regions want to be told.
const REGION: &str = "us-east-1";
/// What says that S3 is meant, and how it is then used.
const URL: &str = "VOX_S3_URL";

/// A bucket and the way to it.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// `VOX_S3_URL` (none: recordings are in the data directory): address of the server, without the bucket.
    pub url: Url,
    /// `VOX_S3_BUCKET` (recordings): must be there.
    pub bucket: String,
    /// `VOX_S3_REGION` (us-east-1): what requests are signed for.
    pub region: String,
    /// `VOX_S3_ACCESS_KEY` or `VOX_S3_ACCESS_KEY_FILE` (required with `VOX_S3_URL`).
    pub access_key: SecretString,
    /// `VOX_S3_SECRET_KEY` or `VOX_S3_SECRET_KEY_FILE` (required with `VOX_S3_URL`).
    pub secret_key: SecretString,
    /// `VOX_S3_PATH_STYLE` (true): the bucket is in the path of an address; false: in its host name.
    pub path_style: bool,
    /// `VOX_S3_LINK_URL` (none): address of the same server as listeners reach it. Recording links then lead there; otherwise
    /// the bridge hands recordings on.
    pub link_url: Option<Url>,
    /// `VOX_S3_DIRECT_UPLOADS` (true): workers put recordings into the bucket themselves, by addresses that the bridge signs for
    /// parts of one recording. For how long they are good; `None`: they go through the bridge.
    pub direct: Option<Duration>,
}

/// How long the address of a part is good: as long as a part on a slow line takes to begin.
pub const ADDRESS_LIFETIME: Duration = Duration::from_mins(15);

impl S3Settings {
    pub(super) fn from_env(env: &mut Env) -> Option<Self> {
        let link_url = address(env, "VOX_S3_LINK_URL");
        let (access_key, secret_key) = (env.secret("VOX_S3_ACCESS_KEY"), env.secret("VOX_S3_SECRET_KEY"));
        let direct = env.parsed("VOX_S3_DIRECT_UPLOADS").unwrap_or(true).then_some(ADDRESS_LIFETIME);
        let path_style = env.parsed("VOX_S3_PATH_STYLE").unwrap_or(true);
        if env.text(URL).is_none() {
            let half = access_key.is_some() || secret_key.is_some() || env.text("VOX_S3_BUCKET").is_some();
            if half || link_url.is_some() {
                env.fault(format!(
                    "{URL}: is not set, and other VOX_S3_ settings are; set it, or none of them"
                ));
            }
            return None;
        }
        let url = address(env, URL);
        let bucket = env.text("VOX_S3_BUCKET").unwrap_or_else(|| BUCKET.into());
        if !is_bucket(&bucket) {
            let rule = "3 to 63 of a-z, 0-9, '.' and '-', beginning and ending with a letter or digit";
            env.fault(format!("VOX_S3_BUCKET: '{bucket}' is no name of a bucket: {rule}"));
        }
        let access_key = needed(env, "VOX_S3_ACCESS_KEY", access_key);
        let secret_key = needed(env, "VOX_S3_SECRET_KEY", secret_key);
        let region = env.text("VOX_S3_REGION").unwrap_or_else(|| REGION.into());
        Some(Self { url: url?, bucket, region, access_key, secret_key, path_style, link_url, direct })
    }
}

fn needed(env: &mut Env, name: &str, secret: Option<SecretString>) -> SecretString {
    let secret = secret.unwrap_or_default();
    if secret.expose_secret().trim().is_empty() {
        env.fault(format!("{name}: is not set, and {URL} is; set it, or {name}_FILE"));
    }
    secret
}

/// An address of a server and nothing behind it. It is not repeated in a fault: somebody may have put a key into it.
fn address(env: &mut Env, name: &str) -> Option<Url> {
    let url: Option<Url> = env.text(name)?.parse().ok();
    let good = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    let url = url.filter(good);
    if url.is_none() {
        env.fault(format!(
            "{name}: must be http:// or https:// with a host and perhaps a port, and nothing behind: the bucket goes to \
             VOX_S3_BUCKET, the key to VOX_S3_ACCESS_KEY and VOX_S3_SECRET_KEY"
        ));
    }
    url
}

fn is_bucket(name: &str) -> bool {
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.chars().all(|c| ends(c) || matches!(c, '.' | '-'))
        && name.starts_with(ends)
        && name.ends_with(ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Option<S3Settings>, String> {
        let mut env = Env::from_vars(vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let settings = S3Settings::from_env(&mut env);
        env.finish().map(|()| settings).map_err(|faults| faults.to_string())
    }

    const KEYS: [(&str, &str); 2] = [("VOX_S3_ACCESS_KEY", "AKIA1"), ("VOX_S3_SECRET_KEY", "hush-hush")];

    #[test]
    fn an_address_and_a_key_are_enough() {
        let settings = read(&[KEYS[0], KEYS[1], ("VOX_S3_URL", "http://127.0.0.1:9000")]).unwrap().unwrap();
        assert_eq!((settings.bucket.as_str(), settings.region.as_str()), ("recordings", "us-east-1"));
        assert!(settings.path_style && settings.link_url.is_none());
        let shown = format!("{settings:?}");
        assert!(!shown.contains("AKIA1") && !shown.contains("hush"), "{shown}");
        assert!(read(&[]).unwrap().is_none());
    }

    #[test]
    fn what_is_wrong_is_named_without_the_secrets() {
        let url = ("VOX_S3_URL", "https://s3.example");
        for (given, named) in [
            (vec![url], "VOX_S3_ACCESS_KEY: is not set"),
            (vec![url, KEYS[0]], "VOX_S3_SECRET_KEY: is not set"),
            (vec![KEYS[0], KEYS[1]], "VOX_S3_URL: is not set"),
            (vec![("VOX_S3_LINK_URL", "https://files.example")], "VOX_S3_URL: is not set"),
            (
                vec![KEYS[0], KEYS[1], ("VOX_S3_URL", "https://AKIA1:hush-hush@s3.example")],
                "VOX_S3_URL: must be",
            ),
            (vec![KEYS[0], KEYS[1], ("VOX_S3_URL", "https://s3.example/recordings")], "VOX_S3_URL: must be"),
            (vec![KEYS[0], KEYS[1], ("VOX_S3_URL", "s3://recordings")], "VOX_S3_URL: must be"),
            (vec![KEYS[0], KEYS[1], url, ("VOX_S3_LINK_URL", "x")], "VOX_S3_LINK_URL: must be"),
            (vec![KEYS[0], KEYS[1], url, ("VOX_S3_BUCKET", "My_Bucket")], "VOX_S3_BUCKET: 'My_Bucket'"),
            (vec![KEYS[0], KEYS[1], url, ("VOX_S3_PATH_STYLE", "perhaps")], "VOX_S3_PATH_STYLE"),
        ] {
            let told = read(&given).unwrap_err();
            assert!(told.contains(named), "{named}: {told}");
            assert!(!told.contains("hush"), "{told}");
        }
    }
}
