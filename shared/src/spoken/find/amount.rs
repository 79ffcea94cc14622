//! Money: `₹1,25,000.50`, `Rs. 500/-`, `$1.5 million`, `€5–10`, `500 INR`.

use super::number::Number;
use super::{Found, Reader};
use crate::spoken::money::amount_in_words;
use crate::spoken::tongue::{Counting, Currency, Magnitude};

impl Reader<'_> {
    /// An amount with its currency before or behind it.
    pub(super) fn money(&self, at: usize) -> Option<Found> {
        match self.currency_before(at) {
            Some((currency, to)) => {
                let number = self.number(self.past_space(to))?;
                self.amount(currency, number)
            }
            None => self.amount_before_currency(at),
        }
    }

    fn amount(&self, currency: &'static Currency, first: Number) -> Option<Found> {
        let second = self.second_amount(currency, &first);
        let last = second.as_ref().unwrap_or(&first);
        let (magnitude, to) = self.magnitude(last.to).map_or((None, last.to), |(m, to)| (Some(m), to));
        if !self.ends(to) {
            return None;
        }
        let to = self.goes_on(to, "/-").unwrap_or(to);
        let words = self.say_range(currency, (&first, second.as_ref()), magnitude);
        Some(Found::said(self.past_own_name(currency, to), words))
    }

    /// `500 INR`, `5 €`, `500/-`.
    fn amount_before_currency(&self, at: usize) -> Option<Found> {
        let first = self.number(at)?;
        let second = self.range(&first);
        let last = second.as_ref().unwrap_or(&first);
        let (magnitude, to) = self.magnitude(last.to).map_or((None, last.to), |(m, to)| (Some(m), to));
        let (currency, to) = self.currency_behind(self.past_space(to))?;
        Some(Found::said(to, self.say_range(currency, (&first, second.as_ref()), magnitude)))
    }

    fn say_range(
        &self,
        currency: &Currency,
        (first, second): (&Number, Option<&Number>),
        magnitude: Option<&Magnitude>,
    ) -> String {
        match second {
            Some(second) => {
                let from = self.say_by(first, self.counting(currency, first));
                format!("{from}{}{}", self.manner.tongue.to, self.say_amount(currency, second, magnitude))
            }
            None => self.say_amount(currency, first, magnitude),
        }
    }

    fn say_amount(&self, currency: &Currency, number: &Number, magnitude: Option<&Magnitude>) -> String {
        if let Some(magnitude) = magnitude {
            return format!("{} {}", self.say_of(number, magnitude), currency.many);
        }
        let counting = self.counting(currency, number);
        let hundredths = match number.fraction.len() {
            0 => Some(0),
            1 => number.fraction.parse::<u64>().ok().map(|tenths| tenths * 10),
            2 => number.fraction.parse().ok(),
            _ => None,
        };
        match number.value().zip(hundredths) {
            Some(amount) => amount_in_words(amount, currency, self.manner.tongue, counting),
            None => format!("{} {}", self.say_by(number, counting), currency.many),
        }
    }

    fn counting(&self, currency: &Currency, number: &Number) -> Counting {
        match currency.counting {
            Counting::Indian => Counting::Indian,
            Counting::Western => number.counting.unwrap_or(self.manner.counting),
        }
    }

    /// `–₹700` of `₹500–₹700`.
    fn second_amount(&self, currency: &Currency, first: &Number) -> Option<Number> {
        let begin = self.past_stroke(first.to)?;
        let sign = self.currency_before(begin).filter(|(other, _)| other.one == currency.one);
        let second = self.number(sign.map_or(begin, |(_, to)| self.past_space(to)))?;
        first.is_below(&second).then_some(second)
    }

    fn currency_before(&self, at: usize) -> Option<(&'static Currency, usize)> {
        self.manner.tongue.currencies.iter().find_map(|currency| {
            let to = currency.signs.iter().find_map(|sign| self.goes_on(at, sign))?;
            let is_amount = self.digit(self.past_space(to)).is_some();
            is_amount.then_some((currency, to))
        })
    }

    fn currency_behind(&self, at: usize) -> Option<(&'static Currency, usize)> {
        let exactly =
            |code: &&&'static str| code.chars().enumerate().all(|(n, c)| self.get(at + n) == Some(c));
        self.manner.tongue.currencies.iter().find_map(|currency| {
            let code = currency.codes.iter().find(exactly)?;
            let to = at + code.chars().count();
            (self.ends(to) && self.digit(self.past_space(to)).is_none()).then_some((currency, to))
        })
    }

    /// Behind the currency's own name, where the text has its sign and its name.
    fn past_own_name(&self, currency: &Currency, to: usize) -> usize {
        let behind = self.word(self.past_space(to)).filter(|_| self.get(to) == Some(' '));
        behind
            .filter(|(word, _)| [currency.one, currency.many].contains(&word.as_str()))
            .map_or(to, |(_, to)| to)
    }
}
