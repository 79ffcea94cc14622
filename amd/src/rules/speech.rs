//! Who spoke when: the callee in blocks, ourselves in turns.

/// Pauses shorter than this are inside a block, milliseconds.
const BLOCK_GAP_MS: u32 = 500;
/// Pauses shorter than this do not end a talk.
const TALK_GAP_MS: u32 = 1_000;
/// Blocks that are remembered.
const REMEMBERED: usize = 24;

/// Speech without a pause of half a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    pub from: u32,
    pub to: u32,
}

impl Block {
    pub fn length(self) -> u32 {
        self.to.saturating_sub(self.from)
    }

    /// How much of it lies in this.
    fn within(self, from: u32, to: u32) -> u32 {
        self.to.min(to).saturating_sub(self.from.max(from))
    }
}

/// What the callee said, as times.
#[derive(Clone, Debug, Default)]
pub struct Speech {
    blocks: Vec<Block>,
    speaks: bool,
    /// The blocks as they were before the last beginning.
    before: Option<Option<Block>>,
    /// When somebody spoke first.
    pub first: Option<u32>,
}

impl Speech {
    pub fn began(&mut self, since: u32) {
        self.speaks = true;
        let last = self.blocks.last_mut();
        match last.filter(|block| since.saturating_sub(block.to) < BLOCK_GAP_MS) {
            Some(block) => {
                self.before = Some(Some(*block));
                block.to = since;
            }
            None => {
                self.before = Some(None);
                if self.blocks.len() == REMEMBERED {
                    self.blocks.remove(0);
                }
                self.blocks.push(Block { from: since, to: since });
            }
        }
        self.first = self.first.or(Some(since));
    }

    pub fn ended(&mut self, until: u32) {
        self.speaks = false;
        if let Some(block) = self.blocks.last_mut() {
            block.to = until.max(block.from);
        }
    }

    /// What had begun was no speech.
    pub fn retracted(&mut self) {
        self.speaks = false;
        match self.before.take() {
            Some(Some(before)) => {
                if let Some(block) = self.blocks.last_mut() {
                    *block = before;
                }
            }
            Some(None) => {
                self.blocks.pop();
            }
            None => {}
        }
        if self.blocks.is_empty() {
            self.first = None;
        }
    }

    pub fn speaks(&self) -> bool {
        self.speaks
    }

    /// The last block; of one that goes on, its end is now.
    pub fn block(&self, now: u32) -> Option<Block> {
        let block = *self.blocks.last()?;
        Some(if self.speaks { Block { to: now, ..block } } else { block })
    }

    /// The end of the block before the last.
    pub fn before(&self) -> Option<u32> {
        self.blocks.iter().rev().nth(1).map(|block| block.to)
    }

    /// How long nobody has spoken since the last block; 0 while somebody speaks.
    pub fn silence(&self, now: u32) -> u32 {
        if self.speaks { 0 } else { self.blocks.last().map_or(0, |block| now.saturating_sub(block.to)) }
    }

    /// The talk that ends with the last block: all that no pause of a second interrupts, and how much of it is speech.
    pub fn talk(&self, now: u32) -> (Block, u32) {
        let Some(mut talk) = self.block(now) else { return (Block { from: now, to: now }, 0) };
        let mut spoken = talk.length();
        for block in self.blocks.iter().rev().skip(1) {
            if talk.from.saturating_sub(block.to) >= TALK_GAP_MS {
                break;
            }
            talk.from = block.from;
            spoken += block.length();
        }
        (talk, spoken)
    }

    /// All that was spoken.
    pub fn spoken(&self, now: u32) -> u32 {
        let done: u32 = self.blocks.iter().map(|block| block.length()).sum();
        let open = self.blocks.last().filter(|_| self.speaks);
        done + open.map_or(0, |block| now.saturating_sub(block.to))
    }
}

/// What we said, as times.
#[derive(Clone, Debug, Default)]
pub struct Ours {
    speaks_since: Option<u32>,
    last: Option<(u32, u32)>,
    /// An answer is due since then.
    asked: Option<u32>,
    /// How often we spoke.
    pub turns: u32,
}

impl Ours {
    pub fn began(&mut self, now: u32) {
        if self.speaks_since.is_none() {
            self.turns += 1;
        }
        self.speaks_since = self.speaks_since.or(Some(now));
        self.asked = None;
    }

    pub fn ended(&mut self, now: u32, asked: bool) {
        if let Some(from) = self.speaks_since.take() {
            self.last = Some((from, now));
        }
        self.asked = asked.then_some(now);
    }

    /// How much of a stretch of speech lies over our last words.
    pub fn overlap(&self, theirs: Block, now: u32) -> u32 {
        let (from, to) = match (self.speaks_since, self.last) {
            (Some(from), _) => (from, now),
            (None, Some(last)) => last,
            (None, None) => return 0,
        };
        theirs.within(from, to)
    }

    /// When we asked what is not answered yet.
    pub fn asked(&self) -> Option<u32> {
        self.asked
    }

    /// It is answered.
    pub fn answered(&mut self) {
        self.asked = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_pauses_are_inside_a_block_and_longer_ones_inside_a_talk() {
        let mut speech = Speech::default();
        for (from, to) in [(100, 600), (900, 1_500), (2_100, 3_000)] {
            speech.began(from);
            speech.ended(to);
        }
        assert_eq!(speech.block(4_000), Some(Block { from: 2_100, to: 3_000 }));
        assert_eq!((speech.silence(3_400), speech.before(), speech.first), (400, Some(1_500), Some(100)));
        assert_eq!(speech.talk(4_000), (Block { from: 100, to: 3_000 }, 2_300));
        speech.began(4_500);
        assert_eq!((speech.talk(5_000).1, speech.spoken(5_000)), (500, 2_800));
    }

    #[test]
    fn a_tone_leaves_nothing_behind() {
        let mut speech = Speech::default();
        speech.began(100);
        speech.retracted();
        assert_eq!((speech.block(900), speech.first), (None, None));
        speech.began(1_000);
        speech.ended(1_400);
        speech.began(1_600);
        speech.retracted();
        assert_eq!(speech.block(2_000), Some(Block { from: 1_000, to: 1_400 }));
    }

    #[test]
    fn what_lies_over_our_words_is_measured() {
        let mut ours = Ours::default();
        assert_eq!(ours.overlap(Block { from: 0, to: 900 }, 900), 0);
        ours.began(1_000);
        assert_eq!(ours.overlap(Block { from: 500, to: 2_000 }, 2_000), 1_000);
        ours.ended(3_000, true);
        assert_eq!(ours.overlap(Block { from: 2_500, to: 9_000 }, 9_000), 500);
        assert_eq!((ours.asked(), ours.turns), (Some(3_000), 1));
    }
}
