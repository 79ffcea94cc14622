//! What is added up of calls that are alike in everything that sums can be grouped and narrowed by.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::histogram::Histogram;

/// Between the parts of a key, and between a key and what it stands for; no part has them.
const BETWEEN: char = '\u{1f}';
const BEFORE_CELL: char = '\u{1e}';
/// Longest part of a key, characters.
const MAX_PART: usize = 128;

/// In what calls are alike. An empty part is not known, or was not used.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub bot: String,
    pub campaign: String,
    /// `incoming` or `outgoing`.
    pub direction: String,
    /// `disconnected_by`.
    pub outcome: String,
    /// The vendor of each service that did the most there.
    pub stt: String,
    pub llm: String,
    pub tts: String,
    /// What came of the call, in a word; empty in what was counted before there were dispositions here.
    pub disposition: String,
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

    fn decode(text: &str) -> Option<Self> {
        let mut parts = text.split(BETWEEN).map(str::to_owned);
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

    fn decode(text: &str) -> Option<Self> {
        let bytes = STANDARD_NO_PAD.decode(text).ok()?;
        let (mut from, mut cell) = (bytes.as_slice(), Self::default());
        for sum in &mut cell.sums {
            *sum = take(&mut from)?;
        }
        for latency in &mut cell.latency {
            let counts = (0..take(&mut from)?).map(|_| {
                let (bucket, rest) = from.split_first()?;
                from = rest;
                Some((*bucket, take(&mut from)?))
            });
            let counts: Vec<(u8, i64)> = counts.collect::<Option<_>>()?;
            *latency = Histogram::of_counts(counts)?;
        }
        from.is_empty().then_some(cell)
    }
}

/// A cell with its key as text: small, and read in no time.
pub fn encode(key: &Key, cell: &Cell) -> String {
    format!("{}{BEFORE_CELL}{}", key.encode(), cell.encode())
}

/// `None` for what makes no sense.
pub fn decode(text: &str) -> Option<(Key, Cell)> {
    let (key, cell) = text.split_once(BEFORE_CELL)?;
    Some((Key::decode(key)?, Cell::decode(cell)?))
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
        assert_eq!(Key::decode("a"), None);
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
