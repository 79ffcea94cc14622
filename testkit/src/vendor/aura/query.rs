//! The query of both endpoints.

/// What an endpoint takes.
pub(crate) struct Rules {
    family: &'static str,
    rates: &'static [u32],
    speed: (f64, f64),
    known: &'static [&'static str],
}

pub(crate) const AURA: Rules = Rules {
    family: "aura-",
    rates: &[8_000, 16_000, 24_000, 32_000, 48_000],
    speed: (0.7, 1.5),
    known: &["model", "encoding", "sample_rate", "speed", "mip_opt_out"],
};

pub(crate) const FLUX: Rules = Rules {
    family: "flux-",
    rates: &[8_000, 16_000, 24_000, 32_000, 44_100, 48_000],
    speed: (0.5, 1.5),
    known: &["model", "encoding", "sample_rate", "speed", "mip_opt_out", "expressivity", "tag"],
};

/// What a session asked for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) model: String,
    pub(crate) sample_rate: u32,
    pub(crate) speed: f64,
    /// Parameters that the vendor does not have.
    pub(crate) unknown: Vec<String>,
}

impl Wanted {
    /// # Errors
    /// What the vendor objects to.
    pub(crate) fn parse(pairs: &[(String, String)], rules: &Rules) -> Result<Self, String> {
        let first = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let model = first("model").unwrap_or_default();
        if !model.starts_with(rules.family) {
            return Err(format!("There is no model '{model}' here."));
        }
        if first("encoding").is_some_and(|encoding| encoding != "linear16") {
            return Err("This scripted server produces linear16 only.".into());
        }
        let sample_rate = first("sample_rate").unwrap_or("24000").parse().ok();
        let sample_rate =
            sample_rate.filter(|rate| rules.rates.contains(rate)).ok_or("Invalid sample_rate.")?;
        let speed: f64 = first("speed").unwrap_or("1").parse().map_err(|_| "Invalid speed.")?;
        if !(rules.speed.0..=rules.speed.1).contains(&speed) {
            return Err("Invalid speed.".into());
        }
        if first("mip_opt_out").is_some_and(|value| !matches!(value, "true" | "false")) {
            return Err("mip_opt_out must be true or false.".into());
        }
        let levels = ["-2", "-1", "0", "1", "2"];
        if first("expressivity").is_some_and(|level| !levels.contains(&level)) {
            return Err("expressivity must be a whole number from -2 to 2.".into());
        }
        let unknown = pairs.iter().map(|(name, _)| name).filter(|name| !rules.known.contains(&name.as_str()));
        Ok(Self { model: model.to_owned(), sample_rate, speed, unknown: unknown.cloned().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str, rules: &Rules) -> Result<Wanted, String> {
        let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Wanted::parse(&pairs, rules)
    }

    #[test]
    fn what_the_vendor_refuses_is_refused() {
        let check = |query: &str, rules: &Rules, because: &str| {
            let reason = parse(query, rules).unwrap_err();
            assert!(reason.contains(because), "{query}: {reason}");
        };
        check("model=flux-kit-en", &AURA, "no model");
        check("model=aura-2-thalia-en", &FLUX, "no model");
        check("model=aura-2-thalia-en&encoding=mp3", &AURA, "linear16");
        check("model=aura-2-thalia-en&sample_rate=44100", &AURA, "sample_rate");
        check("model=aura-2-thalia-en&speed=0.6", &AURA, "speed");
        check("model=flux-kit-en&expressivity=1.5", &FLUX, "whole");
        let wanted = parse("model=flux-kit-en&speed=0.6&voice=x", &FLUX).unwrap();
        assert_eq!(
            (wanted.sample_rate, wanted.speed, wanted.unknown),
            (24_000, 0.6, vec!["voice".to_owned()])
        );
    }
}
