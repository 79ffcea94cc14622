//! The settings that decide whether and what is exported. How it is gathered and sent is read by the SDK itself.

use url::Url;
use vox_shared::env::{Env, Faults};
use vox_shared::trace::Sampler;

/// Where spans go below the address of a collector.
const PATH: &str = "v1/traces";
const SAMPLERS: &str = "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio";

/// Whether and what.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` (as it is), or `OTEL_EXPORTER_OTLP_ENDPOINT` (with `/v1/traces` behind it); none: nothing is
    /// exported, nor with `OTEL_SDK_DISABLED=true` or `OTEL_TRACES_EXPORTER=none`.
    pub endpoint: Option<Url>,
    /// `OTEL_TRACES_SAMPLER` (parentbased_always_on) and `OTEL_TRACES_SAMPLER_ARG` (1).
    pub sampler: Sampler,
}

impl Settings {
    /// Read them; every fault is told.
    pub fn read(env: &Env) -> Result<Self, Faults> {
        let mut faults = Vec::new();
        let endpoint = endpoint(env, &mut faults);
        let sampler = sampler(env, &mut faults);
        let protocol = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
        for (name, protocol) in protocol.iter().filter_map(|name| Some((name, env.text(name)?))) {
            if protocol != "http/protobuf" {
                faults.push(format!("{name}: '{protocol}' is not spoken here; it is http/protobuf"));
            }
        }
        if faults.is_empty() { Ok(Self { endpoint, sampler }) } else { Err(Faults(faults)) }
    }
}

fn endpoint(env: &Env, faults: &mut Vec<String>) -> Option<Url> {
    let is_off = env.text("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    match env.text("OTEL_TRACES_EXPORTER").as_deref() {
        None | Some("otlp") => {}
        Some("none") => return None,
        Some(other) => faults.push(format!("OTEL_TRACES_EXPORTER: '{other}' is neither otlp nor none")),
    }
    let (own, general) = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT");
    let (name, text) = match (env.text(own), env.text(general)) {
        (Some(text), _) => (own, text),
        (None, Some(text)) => (general, format!("{}/{PATH}", text.trim_end_matches('/'))),
        (None, None) => return None,
    };
    let url = text.parse::<Url>().ok().filter(|url| ["http", "https"].contains(&url.scheme()));
    if url.is_none() {
        faults.push(format!("{name}: is no address; it is http://host:4318 or https://host:4318"));
    }
    url.filter(|_| !is_off)
}

fn sampler(env: &Env, faults: &mut Vec<String>) -> Sampler {
    let name = env.text("OTEL_TRACES_SAMPLER").unwrap_or_else(|| "parentbased_always_on".into());
    let (heeds_parent, kind) = match name.strip_prefix("parentbased_") {
        Some(kind) => (true, kind),
        None => (false, name.as_str()),
    };
    let ratio = match kind {
        "always_on" => 1.0,
        "always_off" => 0.0,
        "traceidratio" => ratio(env, faults),
        _ => {
            faults.push(format!("OTEL_TRACES_SAMPLER: '{name}' is none; it is {SAMPLERS}"));
            0.0
        }
    };
    Sampler { ratio, heeds_parent }
}

fn ratio(env: &Env, faults: &mut Vec<String>) -> f64 {
    let Some(text) = env.text("OTEL_TRACES_SAMPLER_ARG") else { return 1.0 };
    match text.parse() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => ratio,
        _ => {
            faults.push(format!("OTEL_TRACES_SAMPLER_ARG: '{text}' is no number from 0 to 1"));
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Settings, Faults> {
        Settings::read(&Env::from_vars(vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))))
    }

    #[test]
    fn nothing_is_exported_unless_a_collector_is_named() {
        let settings = read(&[]).unwrap();
        assert_eq!(
            settings,
            Settings { endpoint: None, sampler: Sampler { ratio: 1.0, heeds_parent: true } }
        );
        let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318/");
        let endpoint = |vars: &[(&str, &str)]| read(vars).unwrap().endpoint.map(String::from);
        assert_eq!(endpoint(&[general]).as_deref(), Some("http://127.0.0.1:4318/v1/traces"));
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://c.test/otlp");
        assert_eq!(endpoint(&[general, own]).as_deref(), Some("https://c.test/otlp"));
        assert_eq!(endpoint(&[general, ("OTEL_SDK_DISABLED", "true")]), None);
        assert_eq!(endpoint(&[general, ("OTEL_TRACES_EXPORTER", "none")]), None);
    }

    #[test]
    fn samplers_go_by_their_standard_names() {
        let sampler = |vars: &[(&str, &str)]| read(vars).unwrap().sampler;
        let a_tenth =
            [("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.1")];
        assert_eq!(sampler(&a_tenth), Sampler { ratio: 0.1, heeds_parent: true });
        assert_eq!(sampler(&[("OTEL_TRACES_SAMPLER", "always_off")]), Sampler::OFF);
    }

    #[test]
    fn every_fault_is_told() {
        let faults = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_TRACES_EXPORTER", "zipkin"),
            ("OTEL_TRACES_SAMPLER", "sometimes"),
        ])
        .unwrap_err();
        assert_eq!(faults.0.len(), 4, "{faults}");
        let ratio = [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "10%")];
        assert_eq!(read(&ratio).unwrap_err().0.len(), 1);
    }
}
