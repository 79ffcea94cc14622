//! One thing that was examined.

use serde::Serialize;
use serde_json::json;

use crate::terminal::{Style, Terminal, plain};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Ok,
    /// It works now, or works for some.
    Warn,
    /// It does not work.
    Fail,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What was examined, in a few words.
    pub name: String,
    pub level: Level,
    pub detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    /// How long the other side took to answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
}

impl Finding {
    pub fn ok(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), level: Level::Ok, detail: detail.into(), mend: None, latency_ms: None }
    }

    pub fn warn(name: impl Into<String>, detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Level::Warn, mend: Some(mend.into()), ..Self::ok(name, detail) }
    }

    pub fn fail(name: impl Into<String>, detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Level::Fail, mend: Some(mend.into()), ..Self::ok(name, detail) }
    }

    /// With how long it took.
    #[must_use]
    pub fn after_ms(self, ms: f64) -> Self {
        Self { latency_ms: Some((ms * 10.0).round() / 10.0), ..self }
    }

    /// A line, and one more with what to do.
    pub fn show(&self, terminal: &Terminal) {
        let level = match self.level {
            Level::Ok => terminal.styled(Style::Good, "ok  "),
            Level::Warn => terminal.styled(Style::Warning, "warn"),
            Level::Fail => terminal.styled(Style::Bad, "FAIL"),
        };
        let latency = self.latency_ms.map(|ms| format!(" ({ms:.0} ms)")).unwrap_or_default();
        terminal.line(&format!("{level}  {:<22} {}{latency}", plain(&self.name), plain(&self.detail)));
        if let Some(mend) = &self.mend {
            terminal.line(&format!("      {:<22} → {}", "", plain(mend)));
        }
    }
}

/// All findings as one object.
pub fn to_json(findings: &[Finding], is_well: bool) -> String {
    json!({ "ok": is_well, "findings": findings }).to_string()
}

/// The last line.
pub fn summary(findings: &[Finding]) -> String {
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    match (count(Level::Fail), count(Level::Warn)) {
        (0, 0) => "All is well.".to_owned(),
        (0, warnings) => format!("Nothing is broken; {warnings} to look at."),
        (failures, warnings) => format!("{failures} broken, {warnings} to look at."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_what_is_wrong() {
        let (ok, warn, fail) =
            (Finding::ok("a", "x"), Finding::warn("b", "x", "y"), Finding::fail("c", "x", "y"));
        assert_eq!(summary(std::slice::from_ref(&ok)), "All is well.");
        assert_eq!(summary(&[ok.clone(), warn.clone()]), "Nothing is broken; 1 to look at.");
        assert_eq!(summary(&[ok.clone(), warn, fail]), "1 broken, 1 to look at.");
        let json = to_json(&[ok.after_ms(1.26)], true);
        assert_eq!(
            json,
            r#"{"findings":[{"detail":"x","latency_ms":1.3,"level":"ok","name":"a"}],"ok":true}"#
        );
    }
}
