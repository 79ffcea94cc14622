//! Where a piece of work stands in a trace, and how processes tell each other: W3C Trace Context, the header `traceparent`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The header that carries it.
pub const TRACEPARENT: &str = "traceparent";

/// Digits of the header's parts: version, trace, span, flags.
const VERSION_DIGITS: usize = 2;
const TRACE_DIGITS: usize = 32;
const SPAN_DIGITS: usize = 16;
const FLAGS_DIGITS: usize = 2;
/// The flag of a trace that is exported.
const SAMPLED: u8 = 1;

/// A span of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Never 0.
    pub trace: u128,
    /// Never 0.
    pub span: u64,
    /// Whether the trace is exported.
    pub sampled: bool,
}

impl Place {
    /// What a `traceparent` says; a malformed one counts as none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let version = hex(parts.next()?, VERSION_DIGITS)?;
        let trace = hex(parts.next()?, TRACE_DIGITS)?;
        let span = u64::try_from(hex(parts.next()?, SPAN_DIGITS)?).ok()?;
        let flags = hex(parts.next()?, FLAGS_DIGITS)?;
        // Later versions may say more; this one does not, and there is no version 255.
        let is_known = version != 0xff && (version != 0 || parts.next().is_none());
        let sampled = flags & u128::from(SAMPLED) != 0;
        (is_known && trace != 0 && span != 0).then_some(Self { trace, span, sampled })
    }

    /// Digits of the trace's id, as logs and exporters write them.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }

    /// The same of the span.
    pub fn span_id(&self) -> String {
        format!("{:016x}", self.span)
    }
}

/// As the header has it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = if self.sampled { SAMPLED } else { 0 };
        write!(f, "00-{:032x}-{:016x}-{flags:02x}", self.trace, self.span)
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// The place of what is read, if it has a good one: for a field with `#[serde(default, deserialize_with = "…")]`. No record is refused
/// for its trace.
pub fn lenient<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Place>, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    Ok(value.as_str().and_then(Place::parse))
}

fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    (text.len() == digits && is_hex).then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

/// Which traces are exported, decided where a trace begins; later spans keep to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// Of traces that begin here, 0 to 1.
    pub ratio: f64,
    /// Whether who asks decides for its own traces.
    pub heeds_parent: bool,
}

impl Sampler {
    /// None.
    pub const OFF: Self = Self { ratio: 0.0, heeds_parent: false };

    /// Whether a span below this parent is exported. By the trace's id, so that every process decides the same.
    pub fn samples(&self, trace: u128, parent: Option<&Place>) -> bool {
        if let (true, Some(parent)) = (self.heeds_parent, parent) {
            return parent.sampled;
        }
        // The lower half: ids that others make are random there at least.
        #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
        let draw = (trace as u64 >> 11) as f64 / (1u64 << 53) as f64;
        draw < self.ratio
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn only_a_well_formed_header_counts() {
        let place = Place::parse(GOOD).unwrap();
        assert_eq!(place.to_string(), GOOD);
        assert_eq!(place.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!((place.span_id().as_str(), place.sampled), ("00f067aa0ba902b7", true));
        let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-more";
        assert!(!Place::parse(later).unwrap().sampled);
        for bad in [
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-é4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "garbage",
            "",
        ] {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_sampler_heeds_its_parent_and_draws_by_the_traces_id() {
        let parent = |sampled| Place { sampled, ..Place::parse(GOOD).unwrap() };
        let half = Sampler { ratio: 0.5, heeds_parent: true };
        assert!(half.samples(u128::MAX, Some(&parent(true))) && !half.samples(0, Some(&parent(false))));
        assert!(half.samples(1 << 60, None) && !half.samples(u128::MAX, None));
        let all = Sampler { ratio: 1.0, heeds_parent: false };
        assert!(all.samples(u128::MAX, Some(&parent(false))));
        assert!(!Sampler::OFF.samples(0, Some(&parent(true))));
    }
}
