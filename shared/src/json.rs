//! How deep JSON text nests, told without parsing it. serde_json stops at 127 levels; what is accepted from outside must
//! stay well below that, because it is wrapped, stored and sent on inside other documents.

/// Whether arrays and objects nest deeper than `levels`: `[]` has one level, `[{}]` two, a bare number none. Brackets
/// inside strings do not count. Text that is no JSON gets some answer; the parser refuses it anyway, and up to the place
/// where it does, the count is right.
pub fn is_deeper_than(text: &[u8], levels: usize) -> bool {
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > levels {
                    return true;
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `text` has exactly so many levels.
    fn check(text: &str, levels: usize) {
        assert!(!is_deeper_than(text.as_bytes(), levels), "{text} has no more than {levels}");
        assert!(levels == 0 || is_deeper_than(text.as_bytes(), levels - 1), "{text} has {levels}");
    }

    #[test]
    fn levels_are_counted() {
        check("", 0);
        check("12", 0);
        check("[]", 1);
        check(r#"{"a": [1, {"b": null}], "c": {}}"#, 3);
        check("[[],[],[[]],[]]", 3);
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        check(r#""[[[[""#, 0);
        check(r#"{"[{": "]}"}"#, 1);
        check(r#"["\"[[", [1]]"#, 2);
        check(r#"["\\", [[1]]]"#, 3);
        check(r#"["\\\"[", 1]"#, 1);
        check("[\"ä[\", []]", 2);
    }

    #[test]
    fn text_that_is_no_json_is_counted_too() {
        check("]]]][[", 2);
        check("\\[", 1);
        check("\"[[[", 0);
        assert!(is_deeper_than(&[b'['; 1_000_000], 64));
    }

    #[test]
    fn the_count_agrees_with_the_parser() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        check(&nested(127), 127);
        assert!(serde_json::from_str::<serde_json::Value>(&nested(127)).is_ok());
        assert!(serde_json::from_str::<serde_json::Value>(&nested(128)).is_err());
    }
}
