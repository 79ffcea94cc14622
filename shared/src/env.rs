//! Reading settings: one look at the environment, every fault reported at once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use secrecy::SecretString;

/// A snapshot of the environment plus the faults found while reading it. A secret `NAME` may also come from the file
/// that `NAME_FILE` names.
#[derive(Debug)]
pub struct Env {
    vars: BTreeMap<String, String>,
    faults: Vec<String>,
}

/// Every fault of the settings, one a line. A process that gets this refuses to start.
#[derive(Debug, thiserror::Error)]
#[error("the settings have {} fault(s):\n{}", .0.len(), .0.iter().map(|f| format!("  - {f}")).collect::<Vec<_>>().join("\n"))]
pub struct Faults(pub Vec<String>);

impl Env {
    /// The environment of this process.
    pub fn of_process() -> Self {
        Self::from_vars(std::env::vars())
    }

    /// Given variables, for tests.
    pub fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { vars: vars.into_iter().filter(|(_, v)| !v.is_empty()).collect(), faults: Vec::new() }
    }

    /// The text of a variable, `None` when unset or empty.
    pub fn text(&self, name: &str) -> Option<String> {
        self.vars.get(name).cloned()
    }

    /// A variable parsed as `T`; a value that does not parse is a fault and reads as `None`.
    pub fn parsed<T: FromStr>(&mut self, name: &str) -> Option<T> {
        let text = self.vars.get(name)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(_) => {
                self.faults.push(format!("{name}: '{text}' is not a valid {}", std::any::type_name::<T>()));
                None
            }
        }
    }

    /// A path.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    /// A secret, from `NAME` or from the file that `NAME_FILE` names (trailing line ends cut). An empty file is a fault: one that was
    /// broken off while it was written must not read as a setting that nobody made.
    pub fn secret(&mut self, name: &str) -> Option<SecretString> {
        if let Some(text) = self.text(name) {
            return Some(SecretString::from(text));
        }
        let path = self.text(&format!("{name}_FILE"))?;
        let found = self.secret_of_file(name, &path)?;
        if found.is_none() {
            self.faults.push(format!(
                "{name}_FILE: '{path}' is empty: write the secret into it, or take the setting away"
            ));
        }
        found
    }

    /// [`Self::secret`], where an empty file counts as not set: a secret that is there only while another one is changed.
    pub fn secret_if_any(&mut self, name: &str) -> Option<SecretString> {
        if let Some(text) = self.text(name) {
            return Some(SecretString::from(text));
        }
        let path = self.text(&format!("{name}_FILE"))?;
        self.secret_of_file(name, &path)?
    }

    /// What a file holds, `Some(None)` when nothing; one that cannot be read is a fault.
    fn secret_of_file(&mut self, name: &str, path: &str) -> Option<Option<SecretString>> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let text = text.trim_end();
                Some((!text.is_empty()).then(|| SecretString::from(text.to_owned())))
            }
            Err(error) => {
                self.faults.push(format!("{name}_FILE: cannot read '{path}': {error}"));
                None
            }
        }
    }

    /// Note a fault found by the caller.
    pub fn fault(&mut self, text: impl Into<String>) {
        self.faults.push(text.into());
    }

    /// `Ok` when nothing was wrong.
    pub fn finish(self) -> Result<(), Faults> {
        if self.faults.is_empty() { Ok(()) } else { Err(Faults(self.faults)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_a_fault_but_where_a_secret_comes_and_goes() {
        let file = std::env::temp_dir().join(format!("vox-env-{}", std::process::id()));
        let read = |content: &str, how: fn(&mut Env, &str) -> Option<SecretString>| {
            std::fs::write(&file, content).unwrap();
            let vars = [("S_FILE".to_owned(), file.display().to_string())];
            let mut env = Env::from_vars(vars);
            let found = how(&mut env, "S");
            let found = found.map(|secret| secrecy::ExposeSecret::expose_secret(&secret).to_owned());
            (found, env.finish().err().map(|faults| faults.to_string()).unwrap_or_default())
        };
        let word = (Some("word".to_owned()), String::new());
        assert_eq!((read("word\n", Env::secret), read("word\n", Env::secret_if_any)), (word.clone(), word));
        for nothing in ["", "\n", " \n"] {
            assert_eq!(read(nothing, Env::secret_if_any), (None, String::new()));
            let (found, told) = read(nothing, Env::secret);
            assert!(found.is_none() && told.contains("S_FILE") && told.contains("is empty"), "{told}");
        }
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let vars = [("A", "x"), ("B_FILE", "/nonexistent/secret")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let mut env = Env::from_vars(vars);
        assert_eq!(env.parsed::<u16>("A"), None);
        assert!(env.secret("B").is_none());
        let text = env.finish().unwrap_err().to_string();
        assert!(text.contains("2 fault(s)") && text.contains("A: 'x'") && text.contains("B_FILE"), "{text}");
    }
}
