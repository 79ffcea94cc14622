//! What is added up of calls that are alike in everything that sums can be grouped and narrowed by.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::histogram::Histogram;

/// Between the parts of a key, and between a key and what it stands for; no part has them.
const BETWEEN: char = '\u{1f}';
const BEFORE_CELL: char = '\u{1e}';
/// Longest part of a key, characters.
const MAX_PART: usize = 128;

/// In what calls are alike. An empty part is not known, or was not used. With `&str` it is read where it lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key<S = String> {
    pub bot: S,
    pub campaign: S,
    /// `incoming` or `outgoing`.
    pub direction: S,
    /// `disconnected_by`.
    pub outcome: S,
    /// The vendor of each service that did the most there.
    pub stt: S,
    pub llm: S,
    pub tts: S,
    /// What came of the call, in a word; empty in what was counted before there were dispositions here.
    pub disposition: S,
}

impl Part {
    pub const ALL: [Self; PARTS] =
        [Self::Endpoint, Self::Stt, Self::Llm, Self::Tts, Self::Platform, Self::WireToEar];
}

impl Key {
    fn parts(&self) -> [&str; 8] {
        let Self { bot, campaign, direction, outcome, stt, llm, tts, disposition } = self;
        [bot, campaign, direction, outcome, stt, llm, tts, disposition]
    }

    fn encode(&self) -> String {
        self.parts().map(clean).join(&BETWEEN.to_string())
    }
}

impl<'a> Key<&'a str> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(BETWEEN);
        let mut next = || parts.next();
        Some(Self {
            bot: next()?,
            campaign: next()?,
            direction: next()?,
            outcome: next()?,
            stt: next()?,
            llm: next()?,
            tts: next()?,
            disposition: next().unwrap_or_default(),
        })
    }

    fn owned(self) -> Key {
        Key {
            bot: self.bot.to_owned(),
            campaign: self.campaign.to_owned(),
            direction: self.direction.to_owned(),
            outcome: self.outcome.to_owned(),
            stt: self.stt.to_owned(),
            llm: self.llm.to_owned(),
            tts: self.tts.to_owned(),
            disposition: self.disposition.to_owned(),
        }
    }
}

fn clean(part: &str) -> String {
    part.chars().filter(|c| !c.is_control()).take(MAX_PART).collect()
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    Calls,
    /// Milliseconds.
    Duration,
    /// Somebody was talked to, and the call was handed to nobody.
    Contained,
    Transferred,
    /// Millionths of the currency; so are those of the services.
    Money,
    MoneyStt,
    MoneyLlm,
    MoneyTts,
    /// Vendors' lines without a price.
    Unpriced,
}

/// How many.
const SUMS: usize = 9;

impl Sum {
    pub const ALL: [Self; SUMS] = [
        Self::Calls,
        Self::Duration,
        Self::Contained,
        Self::Transferred,
        Self::Money,
        Self::MoneyStt,
        Self::MoneyLlm,
        Self::MoneyTts,
        Self::Unpriced,
    ];
}

/// A part of a reply's delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Endpoint,
    Stt,
    Llm,
    Tts,
    Platform,
    /// From the caller's last sound to the reply's first, at the wire.
    WireToEar,
}

/// How many.
pub const PARTS: usize = 6;

/// The sums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    sums: [i64; SUMS],
    latency: [Histogram; PARTS],
}

impl Cell {
    pub fn sum(&self, of: Sum) -> i64 {
        self.sums[of as usize]
    }

    pub fn set(&mut self, of: Sum, value: i64) {
        self.sums[of as usize] = value;
    }

    pub fn latency(&self, of: Part) -> &Histogram {
        &self.latency[of as usize]
    }

    pub fn latency_mut(&mut self, of: Part) -> &mut Histogram {
        &mut self.latency[of as usize]
    }

    /// Add another one so many times: -1 takes it away.
    pub fn add(&mut self, other: &Self, times: i64) {
        for (sum, more) in self.sums.iter_mut().zip(&other.sums) {
            *sum = sum.saturating_add(more.saturating_mul(times));
        }
        for (latency, more) in self.latency.iter_mut().zip(&other.latency) {
            latency.add(more, times);
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn encode(&self) -> String {
        let mut bytes = Vec::new();
        self.sums.iter().for_each(|sum| put(&mut bytes, *sum));
        for latency in &self.latency {
            let counts = latency.counts();
            put(&mut bytes, i64::try_from(counts.len()).unwrap_or(0));
            for (bucket, count) in counts {
                bytes.push(*bucket);
                put(&mut bytes, *count);
            }
        }
        STANDARD_NO_PAD.encode(bytes)
    }

    /// Become the one that these bytes are, in the memory that this one has. `None` leaves something that is none.
    fn refill(&mut self, mut from: &[u8]) -> Option<()> {
        for sum in &mut self.sums {
            *sum = take(&mut from)?;
        }
        for latency in &mut self.latency {
            let counts = (0..take(&mut from)?).map(|_| {
                let (bucket, rest) = from.split_first()?;
                from = rest;
                Some((*bucket, take(&mut from)?))
            });
            latency.refill(counts)?;
        }
        from.is_empty().then_some(())
    }
}

/// Reads cells one after the other, all in the same memory.
#[derive(Debug, Default)]
pub struct Reader {
    bytes: Vec<u8>,
    cell: Cell,
}

impl Reader {
    /// The key of a cell as it was written, and what [`Self::cell`] makes the cell of. `None` for what makes no sense.
    pub fn key(text: &str) -> Option<(Key<&str>, &str)> {
        let (key, cell) = text.split_once(BEFORE_CELL)?;
        Some((Key::read(key)?, cell))
    }

    /// `None` for what makes no sense.
    pub fn cell(&mut self, text: &str) -> Option<&Cell> {
        self.bytes.clear();
        STANDARD_NO_PAD.decode_vec(text, &mut self.bytes).ok()?;
        self.cell.refill(&self.bytes)?;
        Some(&self.cell)
    }
}

/// A cell with its key as text: small, and read in no time.
pub fn encode(key: &Key, cell: &Cell) -> String {
    format!("{}{BEFORE_CELL}{}", key.encode(), cell.encode())
}

/// `None` for what makes no sense.
pub fn decode(text: &str) -> Option<(Key, Cell)> {
    let (key, cell) = Reader::key(text)?;
    let mut reader = Reader::default();
    reader.cell(cell)?;
    Some((key.owned(), reader.cell))
}

/// Seven bits at a time, the sign in the lowest: LEB128 of a zigzag.
fn put(bytes: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while rest >= 0x80 {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

fn take(from: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell() -> Cell {
        let mut cell = Cell::default();
        cell.set(Sum::Calls, 3);
        cell.set(Sum::Money, i64::MAX);
        cell.set(Sum::MoneyTts, i64::MIN);
        cell.set(Sum::Unpriced, -1);
        [0.1, 3.0, 900.0, 900.0].iter().for_each(|ms| cell.latency_mut(Part::Llm).record(*ms));
        cell.latency_mut(Part::WireToEar).record(1e9);
        cell
    }

    #[test]
    fn a_cell_is_read_as_it_was_written() {
        let key = Key { bot: "faq".into(), outcome: "bot".into(), stt: "a|b/ü".into(), ..Key::default() };
        assert_eq!(decode(&encode(&key, &cell())), Some((key, cell())));
        let empty = encode(&Key::default(), &Cell::default());
        assert_eq!(decode(&empty), Some((Key::default(), Cell::default())));
    }

    #[test]
    fn a_cell_from_before_there_were_dispositions_is_read() {
        let key = Key { bot: "faq".into(), tts: "v".into(), ..Key::default() };
        let old = encode(&key, &cell()).replace(&format!("{BETWEEN}{BEFORE_CELL}"), &BEFORE_CELL.to_string());
        assert_eq!(old.matches(BETWEEN).count(), 6);
        assert_eq!(decode(&old), Some((key, cell())));
    }

    #[test]
    fn what_makes_no_sense_is_not_read() {
        let whole = encode(&Key::default(), &cell());
        for cut in 0..whole.len() {
            assert_eq!(decode(&whole[..cut]), None, "{cut}");
        }
        assert_eq!(decode(&format!("{whole}AAAA")), None);
    }

    #[test]
    fn a_part_of_a_key_cannot_pretend_to_be_two() {
        let key = Key { campaign: format!("x{BETWEEN}y{BEFORE_CELL}z"), ..Key::default() };
        assert_eq!(decode(&encode(&key, &cell())).unwrap().0.campaign, "xyz");
        assert_eq!(Key::read("a"), None);
    }

    #[test]
    fn what_was_added_can_be_taken_away() {
        let mut sum = Cell::default();
        let mut one = cell();
        one.set(Sum::Money, 5);
        one.set(Sum::MoneyTts, 6);
        sum.add(&one, 1);
        sum.add(&one, 1);
        assert_eq!((sum.sum(Sum::Calls), sum.latency(Part::Llm).samples()), (6, 8));
        sum.add(&one, -2);
        assert!(sum.is_empty());
    }
}
