//! Which column is what. Guessed by headers in several languages and by what stands below them; whoever imports may say it better, and
//! the next file with the same header gets what was said.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::shape::{self, Shape};
use crate::auth::secret_token::hex;
use crate::fields::FieldError;
use crate::store::contacts::MAX_NUMBERS;

/// Longest name of a variable, characters.
const MAX_NAME: usize = 64;
/// What a role of a variable begins with.
const VARIABLE: &str = "variable:";

/// What a column is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A number; of several columns the first is rung first.
    Phone,
    /// The country of the row's numbers, two letters.
    Region,
    TimeZone,
    Language,
    Prompt,
    /// Nobody is called after that.
    ExpiresAt,
    Priority,
    /// Tells contacts apart, instead of their first number; several together do.
    Key,
    /// Where a consent comes from, when it was given, and until when it holds.
    ConsentSource,
    ConsentAt,
    ConsentUntil,
    /// What the bot is told under this name.
    Variable(String),
    Ignore,
}

const PLAIN: [(Role, &str); 12] = [
    (Role::Phone, "phone"),
    (Role::Region, "region"),
    (Role::TimeZone, "time_zone"),
    (Role::Language, "language"),
    (Role::Prompt, "prompt"),
    (Role::ExpiresAt, "expires_at"),
    (Role::Priority, "priority"),
    (Role::Key, "key"),
    (Role::ConsentSource, "consent_source"),
    (Role::ConsentAt, "consent_at"),
    (Role::ConsentUntil, "consent_until"),
    (Role::Ignore, "ignore"),
];

impl Role {
    /// Its word.
    pub fn text(&self) -> String {
        match self {
            Self::Variable(name) => format!("{VARIABLE}{name}"),
            role => PLAIN.iter().find(|(known, _)| known == role).map_or("", |(_, word)| word).to_owned(),
        }
    }

    fn find(text: &str) -> Option<Self> {
        match text.strip_prefix(VARIABLE) {
            Some(name) => is_name(name).then(|| Self::Variable(name.to_owned())),
            None => PLAIN.iter().find(|(_, word)| *word == text).map(|(role, _)| role.clone()),
        }
    }
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::find(&text).ok_or_else(|| {
            let words: Vec<&str> = PLAIN.iter().map(|(_, word)| *word).collect();
            serde::de::Error::custom(format!(
                "not a role of a column: one of {}, or variable:NAME with letters, digits and _",
                words.join(", ")
            ))
        })
    }
}

/// The roles of columns by their headers. A header that is left out is ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping(pub BTreeMap<String, Role>);

/// Header words, lower case and without blanks, and what they say.
const SYNONYMS: &[(Role, &[&str])] = &[
    (
        Role::Phone,
        &[
            "phone",
            "phonenumber",
            "phoneno",
            "mobile",
            "mobilenumber",
            "mobileno",
            "cell",
            "cellphone",
            "tel",
            "telephone",
            "telefon",
            "telefonnummer",
            "handy",
            "handynummer",
            "telefono",
            "teléfono",
            "celular",
            "movil",
            "móvil",
            "numero",
            "número",
            "téléphone",
            "portable",
            "number",
            "contactnumber",
            "contactno",
            "msisdn",
            "whatsapp",
            "फोन",
            "मोबाइल",
            "mobilnummer",
            "customerphone",
            "primaryphone",
            "to",
        ],
    ),
    (Role::Region, &["country", "countrycode", "region", "land", "pais", "país", "pays", "देश"]),
    (Role::TimeZone, &["timezone", "tz", "zone", "zeitzone", "zonahoraria", "fuseauhoraire"]),
    (Role::Language, &["language", "lang", "locale", "sprache", "idioma", "langue", "भाषा"]),
    (Role::Prompt, &["prompt", "script"]),
    (Role::ExpiresAt, &["expires", "expiresat", "expiry", "validuntil", "callbefore", "gültigbis"]),
    (Role::Priority, &["priority", "prio"]),
    (Role::Key, &["id", "customerid", "contactid", "externalid", "accountid", "loanid", "kundennummer"]),
    (Role::ConsentSource, &["consent", "consentsource", "optin", "optinsource"]),
    (Role::ConsentAt, &["consentat", "consentdate", "optindate"]),
    (Role::ConsentUntil, &["consentuntil", "consentexpiry"]),
];

impl Mapping {
    /// What a file's columns probably are. `rows` are some below the header.
    pub fn guess(header: &[String], rows: &[Vec<String>], region: Option<&str>) -> Self {
        let mut roles = BTreeMap::new();
        let mut phones = 0;
        let shape_at =
            |at: usize| shape::of(rows.iter().filter_map(move |row| row.get(at)).map(String::as_str), region);
        let is_phone = |(at, name): (usize, &String)| {
            told(&bare(name).0) == Some(&Role::Phone) && matches!(shape_at(at), Shape::Phone | Shape::Other)
        };
        let is_told = header.iter().enumerate().any(is_phone);
        for (at, name) in header.iter().enumerate().filter(|(_, name)| !name.trim().is_empty()) {
            let (bare, is_numbered) = bare(name);
            let role = match (told(&bare), shape_at(at)) {
                (Some(Role::Phone), Shape::Phone | Shape::Other) if phones < MAX_NUMBERS => Role::Phone,
                // A column without a word for it is a number only where none has one, and the first of them: the others may be accounts.
                (None, Shape::Phone) if !is_told && phones == 0 => Role::Phone,
                (Some(Role::Phone), _) => variable(name),
                (Some(Role::Region | Role::Key), _) if is_numbered => variable(name),
                (Some(role), _) => role.clone(),
                (None, Shape::Zone) => Role::TimeZone,
                (None, _) => variable(name),
            };
            phones += usize::from(role == Role::Phone);
            // Of the rest there is one of each.
            let is_taken = !matches!(role, Role::Phone | Role::Key | Role::Variable(_) | Role::Ignore)
                && roles.values().any(|taken| *taken == role);
            let role = if is_taken { variable(name) } else { role };
            roles.insert(name.clone(), free(role, &roles));
        }
        Self(roles)
    }

    /// What is wrong with it for a file of this header, whose numbers are of this country by default.
    pub fn faults(&self, header: &[String], region: Option<&str>) -> Vec<FieldError> {
        let mut faults = Vec::new();
        let path = |name: &str| format!("mapping.{name}");
        for (name, role) in &self.0 {
            let used = self.0.values().filter(|other| *other == role).count();
            if !header.contains(name) {
                faults.push(FieldError::new(path(name), "the file has no column of this header"));
            } else if !matches!(role, Role::Phone | Role::Key | Role::Ignore) && used > 1 {
                faults.push(FieldError::new(path(name), "another column has this role too"));
            } else if *role == Role::Phone && shape::is_phone(name, region) {
                // The first person would be lost.
                let told = "the first line has a number where a column's name must be: put a line like `phone,name` above it";
                faults.push(FieldError::new("file", told));
            }
        }
        match self.0.values().filter(|role| **role == Role::Phone).count() {
            0 => faults.push(FieldError::new("mapping", "no column is the phone")),
            count if count > MAX_NUMBERS => {
                faults.push(FieldError::new("mapping", format!("at most {MAX_NUMBERS} columns of phones")));
            }
            _ => {}
        }
        faults
    }

    /// The roles of a file's columns, in their order.
    pub fn columns(&self, header: &[String]) -> Vec<Role> {
        header.iter().map(|name| self.0.get(name).cloned().unwrap_or(Role::Ignore)).collect()
    }
}

/// What is wrong with a header.
pub fn header_faults(header: &[String]) -> Vec<FieldError> {
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<&String> =
        header.iter().filter(|name| !name.trim().is_empty() && !seen.insert(*name)).collect();
    let mut faults: Vec<FieldError> = twice
        .into_iter()
        .map(|name| {
            FieldError::new("file", format!("the header '{name}' is there more than once; rename one"))
        })
        .collect();
    if header.iter().all(|name| name.trim().is_empty()) {
        faults.push(FieldError::new("file", "the first line must name the columns"));
    }
    faults
}

/// The same for files with the same headers, in whatever order.
pub fn fingerprint(header: &[String]) -> String {
    let mut names: Vec<&str> = header.iter().map(String::as_str).collect();
    names.sort_unstable();
    hex(&Sha256::digest(names.join("\u{1f}")))[..32].to_owned()
}

/// What a header says, as it is compared.
fn told(bare: &str) -> Option<&'static Role> {
    SYNONYMS.iter().find(|(_, words)| words.contains(&bare)).map(|(role, _)| role)
}

/// A header as it is compared, and whether it ended with a number: `Phone 2` is `phone`.
fn bare(header: &str) -> (String, bool) {
    let letters: String =
        header.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let bare = letters.trim_end_matches(|c: char| c.is_ascii_digit());
    (bare.to_owned(), bare.len() < letters.len())
}

/// A column of the bot's, by a name that a prompt can have.
fn variable(header: &str) -> Role {
    let mut name = String::new();
    for c in header.trim().chars().take(MAX_NAME) {
        match c {
            c if c.is_alphanumeric() => name.extend(c.to_lowercase()),
            _ if name.ends_with('_') || name.is_empty() => {}
            _ => name.push('_'),
        }
    }
    let name = name.trim_end_matches('_');
    if is_name(name) { Role::Variable(name.to_owned()) } else { Role::Ignore }
}

/// A role for a column that a column before it does not have: of two names that become the same variable the second gets a number.
fn free(role: Role, taken: &BTreeMap<String, Role>) -> Role {
    let is_taken = |role: &Role| taken.values().any(|other| other == role);
    let Role::Variable(name) = &role else { return role };
    if !is_taken(&role) {
        return role;
    }
    let stem: String = name.chars().take(MAX_NAME - 4).collect();
    let free = (2..1_000).map(|n| Role::Variable(format!("{stem}_{n}"))).find(|role| !is_taken(role));
    free.unwrap_or(Role::Ignore)
}

/// Whether a prompt can have it. A name that begins with `_` is the dialler's own.
fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.chars().count())
        && !name.starts_with('_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn check(header: &[&str], row: &[&str], expected: &[&str]) {
        let header = texts(header);
        let mapping = Mapping::guess(&header, &[texts(row)], Some("IN"));
        let roles: Vec<String> = mapping.columns(&header).iter().map(Role::text).collect();
        assert_eq!(roles, expected);
        assert_eq!(mapping.faults(&header, Some("IN")), []);
    }

    #[test]
    fn columns_are_guessed_by_their_words_and_by_what_is_below() {
        check(
            &["Customer ID", "First Name", "Phone No.", "Phone 2", "Time Zone", "E-Mail"],
            &["17", "Asha", "9876543210", "9812345678", "Asia/Kolkata", "a@b.example"],
            &["key", "variable:first_name", "phone", "phone", "time_zone", "variable:e_mail"],
        );
        check(&["Kunde", "Rufnummer"], &["Anna", "+493090227060"], &["variable:kunde", "phone"]);
        check(
            &["Handy", "Sprache", "wo"],
            &["+491711234567", "de", "Europe/Berlin"],
            &["phone", "language", "time_zone"],
        );
        check(&["मोबाइल", "नाम"], &["9876543210", "आशा"], &["phone", "variable:नाम"]);
        check(&["phone", "order"], &["9876543210", "9876543211"], &["phone", "variable:order"]);
        check(
            &["phone", "Name", "name", "NAME!"],
            &["9876543210", "a", "b", "c"],
            &["phone", "variable:name", "variable:name_2", "variable:name_3"],
        );
        // What looks like a number is none where another column is called so.
        check(&["Account", "Mobile"], &["9876543210", "9812345678"], &["variable:account", "phone"]);
    }

    #[test]
    fn what_cannot_be_is_said() {
        let header = texts(&["a", "b"]);
        let faults = |roles: &[(&str, Role)]| -> Vec<String> {
            let mapping =
                Mapping(roles.iter().map(|(name, role)| ((*name).to_owned(), role.clone())).collect());
            mapping.faults(&header, Some("IN")).into_iter().map(|fault| fault.path).collect()
        };
        assert_eq!(faults(&[("a", Role::Phone), ("b", Role::Phone)]), Vec::<String>::new());
        assert_eq!(
            faults(&[("a", Role::Language), ("b", Role::Language)]),
            ["mapping.a", "mapping.b", "mapping"]
        );
        assert_eq!(faults(&[("a", Role::Phone), ("c", Role::Ignore)]), ["mapping.c"]);
        let header = texts(&["9876543210", "Asha"]);
        let mapping = Mapping::guess(&header, &[texts(&["9812345678", "Ravi"])], Some("IN"));
        let faults = mapping.faults(&header, Some("IN"));
        assert_eq!(faults.iter().map(|fault| fault.path.as_str()).collect::<Vec<_>>(), ["file"]);
        assert_eq!(header_faults(&texts(&["a", "b", "a"])).len(), 1);
        assert_eq!(header_faults(&texts(&["", " "])).len(), 1);
    }

    #[test]
    fn roles_are_words() {
        for text in ["phone", "variable:name", "ignore", "consent_until"] {
            let role: Role = serde_json::from_value(text.into()).unwrap();
            assert_eq!(serde_json::to_value(role).unwrap(), text);
        }
        for bad in ["telephone", "variable:", "variable:_campaign_id", "variable:a b"] {
            assert!(serde_json::from_value::<Role>(bad.into()).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_order_of_columns_does_not_matter() {
        assert_eq!(fingerprint(&texts(&["a", "b"])), fingerprint(&texts(&["b", "a"])));
        assert_ne!(fingerprint(&texts(&["a", "b"])), fingerprint(&texts(&["ab"])));
    }
}
