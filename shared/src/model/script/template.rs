//! Lines with places for slots: `You are booked {day} {time|some time}.` `{ask}` stands for the question that is open.

/// Where the open question is put into a reprompt.
const ASK: &str = "ask";

/// A line the bot says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub parts: Vec<Part>,
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Text(String),
    /// A slot as it is read aloud, or the other words when it is not filled.
    Slot {
        name: String,
        otherwise: String,
    },
    /// The open question.
    Ask,
}

impl Template {
    /// Read a line; the error says what to change.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            push_text(&mut parts, before)?;
            let (inside, behind) = after.split_once('}').ok_or("a '{' is not closed; add '}'")?;
            parts.push(place(inside)?);
            rest = behind;
        }
        push_text(&mut parts, rest)?;
        Ok(Self { parts })
    }

    /// The slots this line names.
    pub fn slots(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Slot { name, .. } => Some(name.as_str()),
            Part::Text(_) | Part::Ask => None,
        })
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) -> Result<(), String> {
    if text.contains('}') {
        return Err("a '}' closes nothing; remove it".into());
    }
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
    Ok(())
}

fn place(inside: &str) -> Result<Part, String> {
    let (name, otherwise) = inside.split_once('|').unwrap_or((inside, ""));
    let name = name.trim();
    if name.is_empty() || inside.contains('{') {
        return Err(
            "write {slot} or {slot|other words}; call variables in {{double}} braces are not filled here"
                .into(),
        );
    }
    Ok(if name == ASK {
        Part::Ask
    } else {
        Part::Slot { name: name.to_owned(), otherwise: otherwise.trim().to_owned() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_into_text_and_places() {
        let line = Template::parse("Booked {day} {time|some time}. {ask}").unwrap();
        let slot =
            |name: &str, otherwise: &str| Part::Slot { name: name.into(), otherwise: otherwise.into() };
        let text = |text: &str| Part::Text(text.into());
        let expected =
            [text("Booked "), slot("day", ""), text(" "), slot("time", "some time"), text(". "), Part::Ask];
        assert_eq!(line.parts, expected);
        assert_eq!(line.slots().collect::<Vec<_>>(), ["day", "time"]);
    }

    #[test]
    fn a_bad_line_says_what_to_change() {
        for (line, hint) in [
            ("Hi {name", "add '}'"),
            ("Hi name}", "closes nothing"),
            ("Hi {}", "{slot}"),
            ("Hi {{name}}", "double"),
        ] {
            let error = Template::parse(line).unwrap_err();
            assert!(error.contains(hint), "{line}: {error}");
        }
    }
}
