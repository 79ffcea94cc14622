//! How much people and keys of the API may ask.

use vox_shared::env::Env;

/// What one may ask in a minute, and all keys of a tenant together.
const PER_MINUTE: u32 = 100;
/// Requests that wait for their answers at once.
const AT_ONCE: u32 = 20;

/// Limits of requests. Workers and tools have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `VOX_REQUESTS_PER_MINUTE` (100): requests of one person or key in a minute.
    pub requests_per_minute: u32,
    /// `VOX_REQUESTS_AT_ONCE` (20): of them that wait for their answers at once.
    pub requests_at_once: u32,
    /// `VOX_TENANT_REQUESTS_PER_MINUTE` (100): requests of all keys of a tenant in a minute.
    pub tenant_requests_per_minute: u32,
    /// `VOX_TENANT_REQUESTS_AT_ONCE` (20): of them that wait for their answers at once.
    pub tenant_requests_at_once: u32,
}

impl Limits {
    pub(super) fn from_env(env: &mut Env) -> Self {
        Self {
            requests_per_minute: one_or_more(env, "VOX_REQUESTS_PER_MINUTE", PER_MINUTE),
            requests_at_once: one_or_more(env, "VOX_REQUESTS_AT_ONCE", AT_ONCE),
            tenant_requests_per_minute: one_or_more(env, "VOX_TENANT_REQUESTS_PER_MINUTE", PER_MINUTE),
            tenant_requests_at_once: one_or_more(env, "VOX_TENANT_REQUESTS_AT_ONCE", AT_ONCE),
        }
    }

    /// So many that no test meets them by chance.
    pub(super) fn for_tests() -> Self {
        let many = 1_000_000;
        Self {
            requests_per_minute: many,
            requests_at_once: many,
            tenant_requests_per_minute: many,
            tenant_requests_at_once: many,
        }
    }
}

fn one_or_more(env: &mut Env, name: &str, default: u32) -> u32 {
    let number = env.parsed(name).unwrap_or(default);
    if number == 0 {
        env.fault(format!("{name}: must be 1 or more, or nobody could ask anything"));
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_as_documented_or_as_set() {
        let read = |vars: &[(&str, &str)]| {
            let mut env = Env::from_vars(vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
            let limits = Limits::from_env(&mut env);
            env.finish().map(|()| limits).map_err(|faults| faults.to_string())
        };
        let usual = read(&[]).unwrap();
        assert_eq!((usual.requests_per_minute, usual.requests_at_once), (100, 20));
        assert_eq!((usual.tenant_requests_per_minute, usual.tenant_requests_at_once), (100, 20));
        assert_eq!(read(&[("VOX_REQUESTS_AT_ONCE", "7")]).unwrap().requests_at_once, 7);
        let told =
            read(&[("VOX_TENANT_REQUESTS_AT_ONCE", "0"), ("VOX_REQUESTS_PER_MINUTE", "-1")]).unwrap_err();
        assert!(
            told.contains("VOX_TENANT_REQUESTS_AT_ONCE") && told.contains("VOX_REQUESTS_PER_MINUTE"),
            "{told}"
        );
    }
}
