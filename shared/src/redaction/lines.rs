//! Lines of a transcript with what is hidden left out, and when it was said.

use super::{Found, Redactor, Said, Secrets, masked};
use crate::wire::result::{TranscriptEntry, Word};

/// Recognisers and voices time their words about so well, milliseconds.
const SLACK_MS: u64 = 250;

/// A stretch of the media clock, milliseconds, in which something hidden was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Covered {
    pub from_ms: u64,
    pub to_ms: u64,
}

impl Redactor {
    /// Hide it in the lines of a call, their words among them; answers when it was said, by line.
    pub fn transcript(&self, lines: &mut [TranscriptEntry]) -> Vec<Vec<Covered>> {
        self.transcript_again(lines, &mut Secrets::default())
    }

    /// The same where some of what is hidden is known, to which what is found is added.
    pub fn transcript_again(&self, lines: &mut [TranscriptEntry], known: &mut Secrets) -> Vec<Vec<Covered>> {
        let said: Vec<Said<'_>> = lines.iter().map(|l| Said { by: l.speaker, text: &l.text }).collect();
        let found = self.find_again(&said, known);
        lines.iter_mut().zip(found).map(|(line, found)| hide(line, &found)).collect()
    }
}

fn hide(line: &mut TranscriptEntry, found: &[Found]) -> Vec<Covered> {
    if found.is_empty() {
        return Vec::new();
    }
    let words = placed(line, found);
    line.text = masked(&line.text, found);
    let Some(words) = words else {
        // Which sound is which word is not known.
        line.words.clear();
        let from_ms = line.started_ms.saturating_sub(SLACK_MS);
        return vec![Covered { from_ms, to_ms: line.ended_ms.max(line.started_ms) + SLACK_MS }];
    };
    let mut covered: Vec<Covered> = Vec::new();
    let mut kept: Vec<Word> = Vec::with_capacity(line.words.len());
    let mut last = None;
    for (word, hidden) in std::mem::take(&mut line.words).into_iter().zip(words) {
        let to_ms = word.ended_ms + SLACK_MS;
        match (hidden, kept.last_mut(), covered.last_mut()) {
            (None, ..) => kept.push(word),
            (Some(which), Some(mark), Some(cover)) if last == Some(which) => {
                mark.ended_ms = mark.ended_ms.max(word.ended_ms);
                cover.to_ms = cover.to_ms.max(to_ms);
            }
            (Some(which), ..) => {
                covered.push(Covered { from_ms: word.started_ms.saturating_sub(SLACK_MS), to_ms });
                kept.push(Word { text: found[which].kind.mark(), ..word });
            }
        }
        last = hidden;
    }
    line.words = kept;
    covered
}

/// Which of the findings each word lies in; `None` when the words are not those of the text, or a finding has none.
fn placed(line: &TranscriptEntry, found: &[Found]) -> Option<Vec<Option<usize>>> {
    let (mut at, mut seen) = (0, vec![false; found.len()]);
    let mut places = Vec::with_capacity(line.words.len());
    for word in &line.words {
        let own = word.text.trim();
        let start = at + line.text[at..].find(own)?;
        at = start + own.len();
        let which = found.iter().position(|found| found.at.start < at && start < found.at.end);
        if let Some(which) = which {
            seen[which] = true;
        }
        places.push(which);
    }
    seen.iter().all(|seen| *seen).then_some(places)
}
