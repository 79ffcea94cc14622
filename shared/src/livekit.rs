//! Where the deployment's LiveKit server is: the same settings for every process, under the names that LiveKit's own tools have.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::env::Env;

const URL: &str = "LIVEKIT_URL";
const PUBLIC_URL: &str = "LIVEKIT_PUBLIC_URL";
const KEY: &str = "LIVEKIT_API_KEY";
const SECRET: &str = "LIVEKIT_API_SECRET";
/// The server itself complains about a shorter one.
const MIN_SECRET: usize = 32;

/// A LiveKit server, and what opens it.
#[derive(Clone, Debug)]
pub struct LiveKitSettings {
    /// `LIVEKIT_URL` (none: there is no LiveKit): `ws://HOST:PORT` or `wss://HOST`, as this process reaches it.
    pub url: Url,
    /// `LIVEKIT_PUBLIC_URL` (`LIVEKIT_URL`): the same server as browsers reach it.
    pub public_url: Url,
    /// `LIVEKIT_API_KEY` (required with `LIVEKIT_URL`): the name of the secret.
    pub key: String,
    /// `LIVEKIT_API_SECRET` or `LIVEKIT_API_SECRET_FILE` (required with `LIVEKIT_URL`). 32 characters or more, unless the server is on this machine.
    pub secret: SecretString,
}

impl LiveKitSettings {
    /// What the environment says; `None` where there is no LiveKit. What is wrong is noted in `env`.
    pub fn from_env(env: &mut Env) -> Option<Self> {
        let (key, secret, public) = (env.text(KEY), env.secret(SECRET), address(env, PUBLIC_URL));
        if env.text(URL).is_none() {
            if key.is_some() || secret.is_some() || public.is_some() {
                env.fault(format!(
                    "{URL}: is not set, and other LIVEKIT_ settings are; set it, or none of them"
                ));
            }
            return None;
        }
        let url = address(env, URL);
        if key.is_none() {
            env.fault(format!("{KEY}: is not set, and {URL} is; it is a key of the server's `keys`"));
        }
        let secret = secret.unwrap_or_default();
        let is_local = url.as_ref().is_some_and(is_local);
        match secret.expose_secret().chars().count() {
            0 => env.fault(format!("{SECRET}: is not set, and {URL} is; set it, or {SECRET}_FILE")),
            count if count < MIN_SECRET && !is_local => env.fault(format!(
                "{SECRET}: is shorter than {MIN_SECRET} characters; make one with `openssl rand -hex 32`, for the server's `keys` too"
            )),
            _ => {}
        }
        let url = url?;
        Some(Self { public_url: public.unwrap_or_else(|| url.clone()), url, key: key?, secret })
    }
}

fn is_local(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// An address of a server and nothing behind it. It is not repeated in a fault: somebody may have put a key into it.
fn address(env: &mut Env, name: &str) -> Option<Url> {
    let url: Option<Url> = env.text(name)?.parse().ok();
    let url = url.filter(|url| {
        matches!(url.scheme(), "ws" | "wss" | "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if url.is_none() {
        env.fault(format!("{name}: must be like wss://livekit.example.com or ws://127.0.0.1:7880"));
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Option<LiveKitSettings>, String> {
        let mut env = Env::from_vars(vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let settings = LiveKitSettings::from_env(&mut env);
        env.finish().map(|()| settings).map_err(|faults| faults.to_string())
    }

    #[test]
    fn all_of_it_or_nothing() {
        assert!(read(&[]).unwrap().is_none());
        let long = "0123456789abcdef0123456789abcdef";
        let url = (URL, "wss://lk.example");
        let whole = read(&[url, (KEY, "k"), (SECRET, long)]).unwrap().unwrap();
        assert_eq!((whole.public_url.as_str(), whole.key.as_str()), ("wss://lk.example/", "k"));
        let local = [(URL, "ws://127.0.0.1:7880"), (KEY, "devkey"), (SECRET, "secret"), (PUBLIC_URL, url.1)];
        assert_eq!(read(&local).unwrap().unwrap().public_url.as_str(), "wss://lk.example/");
        for (vars, told) in [
            (&[(KEY, "k")][..], URL),
            (&[(PUBLIC_URL, "wss://lk.example")], URL),
            (&[url, (SECRET, long)], KEY),
            (&[url, (KEY, "k")], SECRET),
            (&[url, (KEY, "k"), (SECRET, "short")], SECRET),
            (&[(URL, "lk.example:7880"), (KEY, "k"), (SECRET, long)], URL),
            (&[(URL, "wss://u:p@lk.example"), (KEY, "k"), (SECRET, long)], URL),
        ] {
            let faults = read(vars).unwrap_err();
            assert!(faults.contains(told) && !faults.contains(long) && !faults.contains("u:p"), "{faults}");
        }
    }
}
