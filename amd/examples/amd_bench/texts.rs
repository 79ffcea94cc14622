//! The wordings of the two parts, from files.

use anyhow::{Context, ensure};

const TUNING: &str = include_str!("texts/tuning.txt");
const HELD_OUT: &str = include_str!("texts/held-out.txt");

/// Which part of the set: wordings, voices and seeds of the two are disjoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Tuning,
    HeldOut,
}

impl Part {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tuning => "tuning",
            Self::HeldOut => "held-out",
        }
    }
}

/// What somebody says.
#[derive(Clone, Debug)]
pub struct Text {
    pub kind: String,
    pub language: String,
    /// Recorded prompts that say it, if a voice does not.
    pub files: Vec<String>,
    /// What is spoken, and the pause behind it in ms.
    pub parts: Vec<(String, u32)>,
    /// What a recogniser writes, where that is not what is spoken.
    pub written: Option<String>,
}

/// All wordings of a part.
pub fn of(part: Part) -> anyhow::Result<Vec<Text>> {
    let file = match part {
        Part::Tuning => TUNING,
        Part::HeldOut => HELD_OUT,
    };
    let lines = file.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    lines.map(|line| parse(line).with_context(|| format!("{}: {line}", part.name()))).collect()
}

fn parse(line: &str) -> anyhow::Result<Text> {
    let mut words = line.splitn(3, ' ');
    let (kind, language) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut rest = words.next().context("there is no text")?;
    let mut files = Vec::new();
    if let Some(names) = rest.strip_prefix('@') {
        let (names, text) = names.split_once(' ').context("there is no text behind the files")?;
        files = names.split(',').map(str::to_owned).collect();
        rest = text;
    }
    let (spoken, written) = match rest.split_once(" => ") {
        Some((spoken, written)) => (spoken, Some(written.to_owned())),
        None => (rest, None),
    };
    let mut parts = Vec::new();
    for (i, piece) in spoken.split('[').enumerate() {
        let text = match piece.split_once(']') {
            Some((ms, text)) if i > 0 => {
                let before: &mut (String, u32) = parts.last_mut().context("a pause is at the beginning")?;
                before.1 = ms.parse().with_context(|| format!("{ms} is no pause in ms"))?;
                text
            }
            _ => piece,
        };
        ensure!(!text.trim().is_empty(), "nothing is said before or behind a pause");
        parts.push((text.trim().to_owned(), 0));
    }
    Ok(Text { kind: kind.to_owned(), language: language.to_owned(), files, parts, written })
}
