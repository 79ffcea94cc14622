//! A recogniser as it would hear a clip: late, with errors, or not at all.

use vox_amd::Said;

use crate::random::Random;
use crate::voices::Word;

/// Which recogniser.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ear {
    /// There is none.
    None,
    /// It gives nothing, though there is one.
    Dead,
    /// All that it gives is empty.
    Empty,
    /// So many of all words wrong, and of so many calls the wording is known to nobody's list.
    Hears { errors: f32, unknown: f32 },
}

/// Behind the word, ms.
const LAG_MS: (f32, f32) = (250.0, 450.0);
/// A result stays as it is so long after the utterance, which a pause ends.
const FINAL_MS: u32 = 500;
const UTTERANCE_GAP_MS: u32 = 450;
/// What is put where a word is misheard.
const OTHER_WORDS: &[&str] = &[
    "and", "the", "so", "a", "four", "ten", "see", "men", "red", "under", "paper", "in", "well", "go", "low",
];

/// What it gives of these words, in the order of the times.
pub fn results(words: &[Word], ear: Ear, random: &mut Random) -> Vec<Said> {
    let (errors, unknown) = match ear {
        Ear::None | Ear::Dead => return Vec::new(),
        Ear::Empty => (0.0, 0.0),
        Ear::Hears { errors, unknown } => (errors, unknown),
    };
    let is_unknown = random.chance(unknown);
    let mut said = Vec::new();
    let mut text = String::new();
    for (i, word) in words.iter().enumerate() {
        let at_ms = word.to + random.within(LAG_MS.0, LAG_MS.1) as u32;
        match random.unit() {
            roll if roll < errors * 0.6 => add(&mut text, random.pick::<&str>(OTHER_WORDS)),
            roll if roll < errors * 0.85 => {}
            roll => {
                add(&mut text, &if is_unknown { nonsense(&word.text) } else { word.text.clone() });
                if roll > 1.0 - errors * 0.15 {
                    add(&mut text, random.pick::<&str>(OTHER_WORDS));
                }
            }
        }
        let is_last = words.get(i + 1).is_none_or(|next| next.from > word.to + UTTERANCE_GAP_MS);
        let heard = if ear == Ear::Empty { String::new() } else { text.clone() };
        if ear != Ear::Empty {
            said.push(Said { text: heard.clone(), is_final: false, at_ms });
        }
        if is_last {
            said.push(Said { text: heard, is_final: true, at_ms: at_ms.max(word.to + FINAL_MS) });
            text.clear();
        }
    }
    // A later word is never told before an earlier one.
    let mut last = 0;
    for said in &mut said {
        last = last.max(said.at_ms);
        said.at_ms = last;
    }
    said
}

fn add(text: &mut String, word: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(word);
}

/// A word that no list has.
fn nonsense(word: &str) -> String {
    format!("zq{}", word.chars().filter(|sign| sign.is_alphanumeric()).rev().collect::<String>())
}
