//! What is said, with where each character of it lies in the kept text.

/// Text being put together: single spaces, none at its ends.
#[derive(Debug, Default)]
pub(super) struct Out {
    say: String,
    ends: Vec<u32>,
    gap: bool,
    /// Something was left out since the last character.
    skipped: bool,
    /// The last character is the comma between two cells of a table.
    cell: bool,
    /// Directions for the voice, and where in the kept text they stood.
    cues: Vec<(u32, String)>,
    /// What of the kept text goes with them.
    cuts: Vec<(u32, u32)>,
}

/// What a piece is made of.
#[derive(Debug)]
pub(super) struct Said {
    pub say: String,
    pub keep: String,
    pub ends: Vec<u32>,
    pub cues: Vec<(u32, String)>,
}

impl Out {
    /// Say a character of the kept text that ends at `keep`.
    pub(super) fn say(&mut self, c: char, keep: u32) {
        if c.is_whitespace() {
            return self.gap();
        }
        let closes = matches!(c, '.' | ',' | '!' | '?' | ';' | ':');
        if self.say.is_empty() && self.skipped && matches!(c, ',' | ';' | ':') {
            // It parted what was left out.
            return;
        }
        if self.gap && !self.say.is_empty() && !(closes && self.skipped) {
            self.say.push(' ');
            self.ends.push(self.last());
        }
        self.gap = false;
        self.skipped = false;
        self.cell = false;
        self.say.push(c);
        self.ends.push(keep);
    }

    /// Say words for what ends at `keep` in the kept text: it is said when the last of them is.
    pub(super) fn words(&mut self, words: &str, keep: u32) {
        let (before, is_comma) = (self.last(), words.starts_with(','));
        if is_comma && (self.say.is_empty() || self.say.ends_with([',', '.', ':', ';', '!', '?'])) {
            return self.gap();
        }
        if is_comma {
            self.gap = false;
        }
        let count = words.trim_end().chars().count();
        for (at, c) in words.chars().enumerate() {
            self.say(c, if at + 1 == count { keep } else { before });
        }
        self.cell = is_comma;
    }

    /// A space, where something follows.
    pub(super) fn gap(&mut self) {
        self.gap = true;
    }

    /// Something is not said.
    pub(super) fn skip(&mut self) {
        self.skipped = true;
    }

    /// A direction for the voice stood in the kept text, from the one place to the other.
    pub(super) fn cue(&mut self, cue: Option<String>, (from, to): (u32, u32)) {
        self.skipped = true;
        self.cues.extend(cue.map(|cue| (from, cue)));
        let from = self.cuts.last().map_or(from, |(_, last)| from.max(*last));
        self.cuts.push((from, to.max(from)));
    }

    /// The text with its ends, and what is kept of `keep`. A cell's comma is not left at the end.
    pub(super) fn finish(mut self, keep: String) -> Said {
        if self.cell {
            self.say.pop();
            self.ends.pop();
        }
        if self.cuts.is_empty() {
            return Said { say: self.say, keep, ends: self.ends, cues: self.cues };
        }
        let cuts = self.cuts;
        let left = |at: u32| at - cuts.iter().map(|(from, to)| at.min(*to) - at.min(*from)).sum::<u32>();
        let is_kept = |at: u32| !cuts.iter().any(|(from, to)| (*from..*to).contains(&at));
        let keep = (0..).zip(keep.chars()).filter(|(at, _)| is_kept(*at)).map(|(_, c)| c).collect();
        self.ends.iter_mut().for_each(|end| *end = left(*end));
        self.cues.iter_mut().for_each(|(at, _)| *at = left(*at));
        Said { say: self.say, keep, ends: self.ends, cues: self.cues }
    }

    fn last(&self) -> u32 {
        self.ends.last().copied().unwrap_or_default()
    }
}
