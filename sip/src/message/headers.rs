//! The headers of a message, in their order.

/// Names and values. A name may be there several times; compact names are spelled out as they are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The first value of a header.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All of its values, as lines.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All of its values, those that share a line apart: a comma that is in no quotes and in no angle brackets stands between two.
    pub fn list<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        self.all(name).flat_map(split_list).collect()
    }

    /// Put one more behind the others.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// Put one before all others.
    pub fn push_front(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(0, (name.into(), value.into()));
    }

    /// Put one in the place of all of its name.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.push(name, value);
    }

    /// Put another value in the place of the first of its name.
    pub(crate) fn replace_first(&mut self, name: &str, value: String) {
        if let Some((_, old)) = self.0.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
            *old = value;
        }
    }

    /// Take all of a name away.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    /// Names and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The parts of a value at its outermost commas.
pub(crate) fn split_list(value: &str) -> Vec<&str> {
    split_outside(value, b',')
}

/// The parts of a value at a character that is neither in quotes nor in angle brackets, trimmed, without empty ones.
pub(crate) fn split_outside(value: &str, at: u8) -> Vec<&str> {
    let (mut quoted, mut angled, mut escaped) = (false, false, false);
    let mut parts = Vec::new();
    let mut begin = 0;
    for (index, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'<' if !quoted => angled = true,
            b'>' if !quoted => angled = false,
            _ if byte == at && !quoted && !angled => {
                parts.push(&value[begin..index]);
                begin = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&value[begin..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// The long name of a compact one (RFC 3261, 7.3.3, and those of later documents that are in use).
pub(super) fn long_name(name: &str) -> &str {
    let [letter] = name.as_bytes() else { return name };
    match letter.to_ascii_lowercase() {
        b'b' => "Referred-By",
        b'c' => "Content-Type",
        b'e' => "Content-Encoding",
        b'f' => "From",
        b'i' => "Call-ID",
        b'k' => "Supported",
        b'l' => "Content-Length",
        b'm' => "Contact",
        b'o' => "Event",
        b'r' => "Refer-To",
        b's' => "Subject",
        b't' => "To",
        b'u' => "Allow-Events",
        b'v' => "Via",
        b'x' => "Session-Expires",
        _ => name,
    }
}

/// Whether a name may be sent: a token (RFC 3261, 25.1).
pub(crate) fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_quotes_and_brackets_separate_nothing() {
        assert_eq!(
            split_list(r#""A, \" B" <sip:a@x;p=1,2>;q=1, <sip:b@y>,,"#),
            [r#""A, \" B" <sip:a@x;p=1,2>;q=1"#, "<sip:b@y>"]
        );
    }

    #[test]
    fn names_are_compared_without_case() {
        let mut headers = Headers::default();
        headers.push("Via", "1");
        headers.push("VIA", "2, 3");
        assert_eq!(headers.list("via"), ["1", "2", "3"]);
        headers.set("vIa", "4");
        assert_eq!((headers.get("Via"), headers.len()), (Some("4"), 1));
    }
}
