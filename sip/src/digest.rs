//! Passwords that are proved and not told (RFC 7616; RFC 3261, 22): answering a challenge, and making one.

use std::fmt::Write;
use std::time::Duration;

use md5::Md5;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::message::{Headers, Request};

/// How long a challenge of ours may be answered.
const GOOD_FOR: Duration = Duration::from_secs(60);

/// A name and its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub username: String,
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha256,
}

impl Algorithm {
    fn of(name: Option<&str>) -> Option<Self> {
        match name {
            None => Some(Self::Md5),
            Some(name) if name.eq_ignore_ascii_case("MD5") => Some(Self::Md5),
            Some(name) if name.eq_ignore_ascii_case("SHA-256") => Some(Self::Sha256),
            // The session variants are nowhere in use.
            Some(_) => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&Md5::digest(text.as_bytes())),
            Self::Sha256 => hex(&Sha256::digest(text.as_bytes())),
        }
    }
}

/// What a proof is computed from.
struct Proof<'a> {
    algorithm: Algorithm,
    realm: &'a str,
    nonce: &'a str,
    /// Count and the prover's own random word, with `qop=auth`.
    qop: Option<(&'a str, &'a str)>,
    method: &'a str,
    uri: &'a str,
}

impl Proof<'_> {
    fn response(&self, credentials: &Credentials) -> String {
        let Self { algorithm, realm, nonce, method, uri, .. } = self;
        let Credentials { username, password } = credentials;
        let who = algorithm.hash(&format!("{username}:{realm}:{password}"));
        let what = algorithm.hash(&format!("{method}:{uri}"));
        match self.qop {
            Some((count, word)) => algorithm.hash(&format!("{who}:{nonce}:{count}:{word}:auth:{what}")),
            None => algorithm.hash(&format!("{who}:{nonce}:{what}")),
        }
    }
}

/// Put the answer to a 401 or 407 to a request that is asked again. `false` if there is no challenge in it that we can answer.
pub(crate) fn answer(request: &mut Request, challenge: &Headers, credentials: &Credentials) -> bool {
    for (asks, gives) in
        [("WWW-Authenticate", "Authorization"), ("Proxy-Authenticate", "Proxy-Authorization")]
    {
        // The strongest that we know, not the first (RFC 7616, 3.7).
        let usable = challenge.all(asks).filter_map(|value| {
            let fields = Fields::parse(value)?;
            Some((Algorithm::of(fields.get("algorithm"))?, fields))
        });
        let Some((algorithm, fields)) = usable.max_by_key(|(algorithm, _)| *algorithm as u8) else {
            continue;
        };
        let (Some(realm), Some(nonce)) = (fields.get("realm"), fields.get("nonce")) else { continue };
        let word = format!("{:016x}", rand::random::<u64>());
        let has_qop = fields.get("qop").is_some_and(|qop| qop.split(',').any(|q| q.trim() == "auth"));
        let qop = has_qop.then_some(("00000001", word.as_str()));
        let proof =
            Proof { algorithm, realm, nonce, qop, method: request.method.as_str(), uri: &request.uri };
        let mut value = format!(
            "Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{}\", response=\"{}\", algorithm={}",
            credentials.username,
            request.uri,
            proof.response(credentials),
            algorithm.name()
        );
        if let Some((count, word)) = qop {
            let _infallible = write!(value, ", qop=auth, nc={count}, cnonce=\"{word}\"");
        }
        if let Some(opaque) = fields.get("opaque") {
            let _infallible = write!(value, ", opaque=\"{opaque}\"");
        }
        request.headers.set(gives, value);
        return true;
    }
    false
}

/// Whether a request proves a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proved {
    Yes,
    /// It does not try to.
    NotTried,
    /// The challenge that it answers is none of ours, or too old: another one may be asked.
    Stale,
    /// Another name or password.
    Wrong,
}

/// Makes challenges, and knows them again without keeping them: each holds when it was made and for which call.
#[derive(Clone)]
pub(crate) struct Challenger {
    realm: String,
    secret: [u8; 32],
}

impl Challenger {
    pub(crate) fn new(realm: &str) -> Self {
        Self { realm: realm.to_owned(), secret: rand::random() }
    }

    /// The value of `Proxy-Authenticate`. `age` is the time since the agent began.
    pub(crate) fn challenge(&self, age: Duration, call: &str) -> String {
        format!(
            "Digest realm=\"{}\", nonce=\"{}\", algorithm=MD5, qop=\"auth\"",
            self.realm,
            self.nonce(age.as_millis(), call)
        )
    }

    /// Whether a request of this call answers a challenge with the right password.
    pub(crate) fn check(&self, age: Duration, request: &Request, credentials: &Credentials) -> Proved {
        let call = request.headers.get("Call-ID").unwrap_or_default();
        let values = request.headers.all("Proxy-Authorization");
        let Some(fields) = values.filter_map(Fields::parse).find(|f| f.get("realm") == Some(&self.realm))
        else {
            return Proved::NotTried;
        };
        let get = |name| fields.get(name).unwrap_or_default();
        let nonce = get("nonce");
        let made = nonce.split_once('-').and_then(|(made, _)| u128::from_str_radix(made, 16).ok());
        let Some(made) = made.filter(|made| {
            let is_ours = self.nonce(*made, call).as_bytes().ct_eq(nonce.as_bytes());
            let is_fresh = age.as_millis().checked_sub(*made).is_some_and(|old| old <= GOOD_FOR.as_millis());
            bool::from(is_ours) && is_fresh
        }) else {
            return Proved::Stale;
        };
        let nonce = self.nonce(made, call);
        let Some(algorithm) = Algorithm::of(fields.get("algorithm")) else { return Proved::Wrong };
        // What is proved must be what is asked: a proof for another address is none.
        if get("uri") != request.uri {
            return Proved::Wrong;
        }
        let proof = Proof {
            algorithm,
            realm: &self.realm,
            nonce: &nonce,
            qop: fields.get("qop").map(|_| (get("nc"), get("cnonce"))),
            method: request.method.as_str(),
            uri: &request.uri,
        };
        let is_right =
            proof.response(credentials).as_bytes().ct_eq(get("response").to_ascii_lowercase().as_bytes());
        let is_named = get("username").as_bytes().ct_eq(credentials.username.as_bytes());
        if bool::from(is_right & is_named) { Proved::Yes } else { Proved::Wrong }
    }

    fn nonce(&self, made: u128, call: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.secret);
        hash.update(made.to_be_bytes());
        hash.update(call.as_bytes());
        format!("{made:x}-{}", hex(&hash.finalize()[..16]))
    }
}

/// `Digest name=value, name="value"`.
struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    fn parse(value: &'a str) -> Option<Self> {
        let (scheme, rest) = value.trim().split_once([' ', '\t'])?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let fields = crate::message::split_list(rest).into_iter().filter_map(|field| {
            let (name, value) = field.split_once('=')?;
            Some((name.trim(), value.trim().trim_matches('"')))
        });
        Some(Self(fields.collect()))
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Method;

    fn mufasa() -> Credentials {
        Credentials { username: "Mufasa".to_owned(), password: "Circle of Life".to_owned() }
    }

    /// The example of RFC 7616, 3.9.1, with both algorithms.
    #[test]
    fn the_proof_is_that_of_the_standard() {
        let proof = |algorithm| Proof {
            algorithm,
            realm: "http-auth@example.org",
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            qop: Some(("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
            method: "GET",
            uri: "/dir/index.html",
        };
        assert_eq!(proof(Algorithm::Md5).response(&mufasa()), "8ca523f5e9506fed4657c9700eebdbec");
        assert_eq!(
            proof(Algorithm::Sha256).response(&mufasa()),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    #[test]
    fn what_we_ask_we_can_answer() {
        let challenger = Challenger::new("vox");
        let at = Duration::from_secs(5);
        let mut challenge = Headers::default();
        challenge.push("Proxy-Authenticate", challenger.challenge(at, "call"));
        let mut invite = Request::new(Method::Invite, "sip:a@b");
        invite.headers.push("Call-ID", "call");
        assert_eq!(challenger.check(at, &invite, &mufasa()), Proved::NotTried);
        assert!(answer(&mut invite, &challenge, &mufasa()));
        assert_eq!(challenger.check(at, &invite, &mufasa()), Proved::Yes);
        let other = Credentials { password: "x".to_owned(), ..mufasa() };
        assert_eq!(challenger.check(at, &invite, &other), Proved::Wrong);
        assert_eq!(challenger.check(at + Duration::from_secs(61), &invite, &mufasa()), Proved::Stale);
        assert_eq!(Challenger::new("vox").check(at, &invite, &mufasa()), Proved::Stale, "another agent's");
        let mut moved = invite.clone();
        moved.headers.set("Call-ID", "another");
        assert_eq!(challenger.check(at, &moved, &mufasa()), Proved::Stale, "another call's");
        invite.uri = "sip:c@d".to_owned();
        assert_eq!(challenger.check(at, &invite, &mufasa()), Proved::Wrong);
        challenge.set("Proxy-Authenticate", "Basic realm=\"x\"");
        assert!(!answer(&mut invite, &challenge, &mufasa()));
    }
}
