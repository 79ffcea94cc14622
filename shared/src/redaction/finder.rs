//! The search through a conversation.

use std::ops::Range;

use super::check::{is_aadhaar, is_card, is_indian_phone};
use super::context::{self, Asks, Named};
use super::number::{Number, numbers};
use super::spelled::{Spelled, spelled, spoken_addresses, written_addresses};
use super::token::{Reads, Token, tokens};
use super::{Found, Redactor, Said, Secrets};
use crate::model::bot::Hidden;
use crate::wire::result::Speaker;

/// Digits that are a secret's when it was asked for or announced: fewer are said in any sentence.
const FEW: usize = 3;
/// Further lines of somebody that may go on with a number that is not complete.
const FURTHER: usize = 6;
/// Characters of an account or a taxpayer's number that was asked for.
const SPELLED: usize = 4;
/// Secrets of a call that are known again: nobody reads out more.
const MOST_SECRETS: usize = 500;
/// Digits of a secret that are known again.
const KNOWN_AGAIN: usize = 4;
/// A part of a shorter secret is any number.
const LONG_SECRET: usize = 8;
const CURRENCIES: [char; 4] = ['₹', '$', '€', '£'];
/// Before a date or a time that is one.
const WHEN: [&str; 8] = ["at", "on", "by", "until", "since", "from", "before", "after"];
/// Figures of one number: the rest of a longer row is more than the card.
const CARD_DIGITS: Range<usize> = 13..20;
/// Of most cards.
const USUAL: usize = 16;

/// A line, read.
struct Line<'a> {
    by: Speaker,
    text: &'a str,
    tokens: Vec<Token>,
    numbers: Vec<Number>,
    spelled: Vec<Spelled>,
    named: Vec<Named>,
}

/// A number of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    line: usize,
    number: usize,
}

struct Finder<'a> {
    rules: &'a Redactor,
    lines: Vec<Line<'a>>,
    found: Vec<Vec<Found>>,
    /// Digits that were hidden.
    secrets: Vec<(Hidden, String)>,
}

/// A number that somebody asked for, and that was not given yet.
struct Wanted {
    by: Speaker,
    kind: Hidden,
    /// Lines of others that are looked at still.
    left: usize,
}

/// A number of which more may follow.
struct Open {
    by: Speaker,
    kind: Hidden,
    digits: String,
    left: usize,
}

/// See [`Redactor::find`].
pub(super) fn find(rules: &Redactor, said: &[Said<'_>], known: &mut Secrets) -> Vec<Vec<Found>> {
    let mut finder = Finder {
        rules,
        lines: said.iter().map(read).collect(),
        found: vec![Vec::new(); said.len()],
        secrets: known.0.iter().cloned().collect(),
    };
    finder.letters();
    finder.whole_numbers();
    finder.told_and_asked();
    for secret in finder.secrets.iter().filter(|(_, digits)| digits.len() >= FEW) {
        if known.0.len() < MOST_SECRETS {
            known.0.insert(secret.clone());
        }
    }
    finder.repeated();
    finder.found.into_iter().map(apart).collect()
}

fn read<'a>(said: &Said<'a>) -> Line<'a> {
    let tokens = tokens(said.text);
    let numbers = numbers(&tokens);
    let (spelled, named) = (spelled(&tokens, &numbers), context::named(&tokens));
    Line { by: said.by, text: said.text, tokens, numbers, spelled, named }
}

/// In order; of two that meet the first word counts and both are covered.
fn apart(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|found| found.at.start);
    let mut out: Vec<Found> = Vec::with_capacity(found.len());
    for next in found {
        match out.last_mut() {
            Some(last) if next.at.start < last.at.end => last.at.end = last.at.end.max(next.at.end),
            _ => out.push(next),
        }
    }
    out
}

impl Finder<'_> {
    fn number(&self, place: Place) -> &Number {
        &self.lines[place.line].numbers[place.number]
    }

    fn hide(&mut self, kind: Hidden, place: Place) {
        let number = self.number(place);
        let (at, digits) = (number.at(), number.digits());
        self.found[place.line].push(Found { kind, at });
        self.secrets.push((kind, digits));
    }

    fn is_hidden(&self, place: Place) -> bool {
        let at = self.number(place).at();
        self.found[place.line].iter().any(|found| found.at.start < at.end && at.start < found.at.end)
    }

    /// Addresses, accounts, taxpayers.
    fn letters(&mut self) {
        for (line, found) in self.lines.iter().zip(&mut self.found) {
            if self.rules.hides(Hidden::Email) {
                let spoken = spoken_addresses(line.text, &line.tokens);
                let all = written_addresses(line.text).into_iter().chain(spoken);
                found.extend(all.map(|at| Found { kind: Hidden::Email, at }));
            }
            let known = line.spelled.iter().flat_map(Spelled::find);
            found.extend(
                known.filter(|(kind, _)| self.rules.hides(*kind)).map(|(kind, at)| Found { kind, at }),
            );
        }
    }

    /// Numbers that say themselves what they are, also over several lines of one person.
    fn whole_numbers(&mut self) {
        for chain in self.chains() {
            let digits: String = chain.iter().map(|place| self.number(*place).digits()).collect();
            let kind = self.cards_in(&chain).map(|places| (Hidden::Card, places));
            let kind =
                kind.or_else(|| self.residents_in(&chain, &digits).map(|places| (Hidden::Aadhaar, places)));
            let kind = kind.or_else(|| self.phone(&chain, &digits).map(|places| (Hidden::Phone, places)));
            let Some((kind, places)) = kind else { continue };
            let whole: String = places.iter().map(|place| self.number(*place).digits()).collect();
            places.into_iter().for_each(|place| self.hide(kind, place));
            self.secrets.push((kind, whole));
        }
    }

    /// Numbers that follow each other, as one would say a long one.
    fn chains(&self) -> Vec<Vec<Place>> {
        let mut chains: Vec<Vec<Place>> = Vec::new();
        for (line, read) in self.lines.iter().enumerate() {
            for (number, own) in read.numbers.iter().enumerate() {
                let place = Place { line, number };
                let begins = number == 0 && context::are_small(&read.tokens[..own.tokens.start]);
                let goes_on = |chain: &&mut Vec<Place>| {
                    let last = chain.last().copied().unwrap_or(place);
                    let (before, former) = (&self.lines[last.line], self.number(last));
                    last.line < line
                        && before.by == read.by
                        && last.number + 1 == before.numbers.len()
                        && context::are_small(&before.tokens[former.tokens.end..])
                        && !self.lines[last.line + 1..line].iter().any(|between| between.by == read.by)
                };
                match chains.iter_mut().rev().take(FURTHER).find(|chain| begins && goes_on(chain)) {
                    Some(chain) => chain.push(place),
                    None => chains.push(vec![place]),
                }
            }
        }
        chains
    }

    /// The numbers of a chain that a card's lies in: what stands beside it belongs to it (its date, its code).
    fn cards_in(&self, chain: &[Place]) -> Option<Vec<Place>> {
        if !self.rules.hides(Hidden::Card) {
            return None;
        }
        let elements: Vec<(Place, bool, &str)> = chain
            .iter()
            .flat_map(|place| {
                let all = self.number(*place).elements.iter().enumerate();
                all.map(|(at, e)| (*place, at == 0 || e.digits.len() >= FEW, e.digits.as_str()))
            })
            .collect();
        let mut touched = Vec::new();
        for first in (0..elements.len()).filter(|first| elements[*first].1) {
            let (mut digits, mut longest) = (String::new(), None);
            for (last, (.., more)) in elements.iter().enumerate().skip(first) {
                digits.push_str(more);
                if last == first && more.len() > USUAL {
                    let begins = (CARD_DIGITS.start..=USUAL).any(|length| is_card(&more[..length]));
                    longest = begins.then_some(last);
                }
                if digits.len() >= CARD_DIGITS.end {
                    break;
                }
                if is_card(&digits) {
                    longest = Some(last);
                }
            }
            if let Some(last) = longest {
                touched.extend(elements[first..=last].iter().map(|(place, ..)| *place));
            }
        }
        touched.dedup();
        (!touched.is_empty()).then_some(touched)
    }

    fn residents_in(&self, chain: &[Place], digits: &str) -> Option<Vec<Place>> {
        if !self.rules.hides(Hidden::Aadhaar) {
            return None;
        }
        if is_aadhaar(digits) {
            return Some(chain.to_vec());
        }
        let is_it = |place: &&Place| {
            let number = self.number(**place);
            let groups: Vec<&str> = number.elements.iter().map(|e| e.digits.as_str()).collect();
            let in_fours = groups.iter().all(|group| group.len() == 4);
            is_aadhaar(&number.digits())
                || groups.iter().any(|group| is_aadhaar(group))
                || (in_fours && groups.windows(3).any(|three| is_aadhaar(&three.concat())))
        };
        let found: Vec<Place> = chain.iter().filter(is_it).copied().collect();
        (!found.is_empty()).then_some(found)
    }

    fn phone(&self, chain: &[Place], digits: &str) -> Option<Vec<Place>> {
        if !self.rules.hides(Hidden::Phone) {
            return None;
        }
        let is_free = |place: &Place| {
            let (line, number) = (&self.lines[place.line], self.number(*place));
            !number.is_amount && !context::is_of_something_else(&line.tokens, &number.tokens)
        };
        let is_abroad = |number: &Number, digits: &str| number.has_plus && (8..=15).contains(&digits.len());
        let first = chain.first()?;
        if is_free(first) && (is_indian_phone(digits) || is_abroad(self.number(*first), digits)) {
            return Some(chain.to_vec());
        }
        let is_it = |place: &&Place| {
            let number = self.number(**place);
            let digits = number.digits();
            let any = number.elements.iter().any(|e| e.digits.len() >= 10 && is_indian_phone(&e.digits));
            is_free(place) && (any || is_indian_phone(&digits) || is_abroad(number, &digits))
        };
        let found: Vec<Place> = chain.iter().filter(is_it).copied().collect();
        (!found.is_empty()).then_some(found)
    }

    /// Numbers that somebody announced or was asked for, in parts or whole.
    fn told_and_asked(&mut self) {
        let (mut open, mut wanted): (Vec<Open>, Vec<Wanted>) = (Vec::new(), Vec::new());
        for line in 0..self.lines.len() {
            let by = self.lines[line].by;
            let asked = wanted.iter().rev().find(|wanted| wanted.by != by).map(|wanted| wanted.kind);
            let asked = asked.filter(|kind| self.rules.hides(*kind));
            let mut going = open.iter().position(|o| o.by == by).map(|at| open.swap_remove(at));
            let mut all = Vec::new();
            for number in 0..self.lines[line].numbers.len() {
                let place = Place { line, number };
                if let Some(kind) = self.kind_of(place, asked, going.as_ref()) {
                    all.push((kind, self.number(place).digits()));
                    if !self.is_hidden(place) {
                        self.hide(kind, place);
                    }
                }
            }
            self.asked_letters(line, asked);
            all.extend(self.disguised(line, asked));
            let goes_on = going.as_ref().map(|open| (open.kind, open.left));
            for (kind, digits) in all {
                let mut before = match going.take() {
                    Some(open) if open.kind == kind => open.digits,
                    _ => String::new(),
                };
                before.push_str(&digits);
                let left = goes_on.filter(|(known, _)| *known == kind).map_or(FURTHER, |(_, left)| left);
                going = Some(Open { by, kind, digits: before, left });
            }
            if going.is_none()
                && let Some(kind) =
                    context::announced(&self.lines[line].tokens).filter(|kind| self.rules.hides(*kind))
            {
                going = Some(Open { by, kind, digits: String::new(), left: FURTHER });
            }
            let mut given = None;
            if let Some(mut going) = going {
                self.secrets.push((going.kind, going.digits.clone()));
                going.left = going.left.saturating_sub(1);
                if is_complete(going.kind, &going.digits) {
                    given = Some(going.kind);
                } else if going.left > 0 {
                    open.push(going);
                }
            }
            self.want(&mut wanted, line, given);
        }
    }

    /// What is waited for after this line, in which a number may have been given whole.
    fn want(&self, wanted: &mut Vec<Wanted>, line: usize, given: Option<Hidden>) {
        let Line { by, text, tokens, .. } = &self.lines[line];
        wanted.retain_mut(|wanted| {
            let is_answer = wanted.by != *by;
            wanted.left -= usize::from(is_answer);
            wanted.left > 0 && !(is_answer && given == Some(wanted.kind))
        });
        let asks = context::asks(text, tokens);
        if asks != Asks::Nothing {
            wanted.retain(|wanted| wanted.by != *by);
        }
        if let Asks::For(kind) = asks {
            wanted.push(Wanted { by: *by, kind, left: FURTHER });
        }
    }

    fn kind_of(&self, place: Place, asked: Option<Hidden>, open: Option<&Open>) -> Option<Hidden> {
        let (line, number) = (&self.lines[place.line], self.number(place));
        let digits: usize = number.elements.iter().map(|e| e.digits.len()).sum();
        let kind = self.kind_by_words(place, asked, open).filter(|_| !number.is_counted)?;
        // A receipt shows the end of a card. Nobody shows the end of a PIN: "the last three digits on the back".
        let is_shown = number.is_amount || context::is_an_ending(&line.tokens, &number.tokens, digits);
        (!is_shown || context::is_short_secret(kind)).then_some(kind)
    }

    fn kind_by_words(&self, place: Place, asked: Option<Hidden>, open: Option<&Open>) -> Option<Hidden> {
        let (line, number) = (&self.lines[place.line], self.number(place));
        let digits: usize = number.elements.iter().map(|e| e.digits.len()).sum();
        let is_enough = digits >= FEW;
        let told = context::told((&line.tokens, &line.named), &number.tokens, digits).filter(|_| is_enough);
        if let Some(kind) = told {
            return Some(kind).filter(|kind| self.rules.hides(*kind));
        }
        if is_enough && context::is_keyed(&line.tokens, &number.tokens) {
            return self.keyed(place.line, asked);
        }
        let is_free = !context::is_of_something_else(&line.tokens, &number.tokens);
        let alone = context::are_small(&line.tokens[..number.tokens.start]);
        let whole_line = alone && context::are_small(&line.tokens[number.tokens.end..]);
        // A short secret is also read out digit by digit.
        let asked = asked.filter(|kind| is_enough || (whole_line && context::is_short_secret(*kind)));
        if line.by != Speaker::Bot && is_free && asked.is_some() {
            return asked;
        }
        open.filter(|_| (digits >= FEW && is_free) || alone).map(|open| open.kind)
    }

    /// A short secret that was asked for or announced, and is written as an amount, a date or a time would be.
    fn disguised(&mut self, line: usize, asked: Option<Hidden>) -> Vec<(Hidden, String)> {
        let read = &self.lines[line];
        let asked = asked.filter(|_| read.by != Speaker::Bot);
        let mut all = Vec::new();
        for (place, token) in read.tokens.iter().enumerate() {
            let Some(digits) = token.figures_in_disguise().filter(|digits| digits.len() >= FEW) else {
                continue;
            };
            let is_money = read.tokens.get(place + 1).is_some_and(|next| next.reads == Reads::Amount)
                || read.text[..token.at.start].trim_end().ends_with(CURRENCIES);
            let is_when = place > 0 && WHEN.contains(&read.tokens[place - 1].word.as_str());
            let tokens = place..place + 1;
            let told = context::told((&read.tokens, &read.named), &tokens, digits.len());
            let is_other = context::is_of_something_else(&read.tokens, &tokens);
            let kind = told.or(asked.filter(|_| !is_when && !is_other));
            let kind = kind.filter(|kind| context::is_short_secret(*kind) && self.rules.hides(*kind));
            if let Some(kind) = kind.filter(|_| !is_money) {
                self.found[line].push(Found { kind, at: token.at.clone() });
                all.push((kind, digits));
            }
        }
        all
    }

    /// Keys are pressed for secrets, unless another number was asked for.
    fn keyed(&self, line: usize, asked: Option<Hidden>) -> Option<Hidden> {
        let secrets = [Hidden::Pin, Hidden::Otp, Hidden::Cvv, Hidden::Card, Hidden::Aadhaar];
        let any = secrets.into_iter().find(|kind| self.rules.hides(*kind));
        asked.or_else(|| any.filter(|_| !self.asks_for_another(line)))
    }

    /// The lines before this one that others said last.
    fn before(&self, line: usize) -> Option<Range<usize>> {
        let by = self.lines[line].by;
        let last = (0..line).rev().take(FURTHER).find(|before| self.lines[*before].by != by)?;
        let first = (0..=last).rev().take_while(|before| self.lines[*before].by != by).take(2).last()?;
        Some(first..last + 1)
    }

    fn asks_for_another(&self, line: usize) -> bool {
        let words = |before: usize| {
            context::asks(self.lines[before].text, &self.lines[before].tokens) == Asks::Another
        };
        self.before(line).is_some_and(|mut lines| lines.any(words))
    }

    /// What is spelled when an account's or a taxpayer's number was asked for.
    fn asked_letters(&mut self, line: usize, asked: Option<Hidden>) {
        let Some(kind @ (Hidden::Iban | Hidden::Pan)) = asked.filter(|_| self.lines[line].by != Speaker::Bot)
        else {
            return;
        };
        let runs =
            self.lines[line].spelled.iter().filter(|run| run.characters() >= SPELLED && run.has_letters());
        let found: Vec<Found> = runs.map(|run| Found { kind, at: run.at() }).collect();
        self.found[line].extend(found);
    }

    /// What was hidden once and is said again, by whomever.
    fn repeated(&mut self) {
        let mut secrets = std::mem::take(&mut self.secrets);
        secrets.sort();
        secrets.dedup();
        secrets.truncate(MOST_SECRETS);
        for line in 0..self.lines.len() {
            for number in 0..self.lines[line].numbers.len() {
                let place = Place { line, number };
                if self.is_hidden(place) {
                    continue;
                }
                let (read, own) = (&self.lines[line], self.number(place));
                let digits = own.digits();
                let is_known = |secret: &str| {
                    (digits.len() >= FEW && secret == digits)
                        || (digits.len() >= KNOWN_AGAIN
                            && secret.len() >= LONG_SECRET
                            && secret.contains(&digits))
                        || (secret.len() >= KNOWN_AGAIN && digits.contains(secret))
                };
                let is_shown =
                    own.is_amount || context::is_an_ending(&read.tokens, &own.tokens, digits.len());
                let may_be = |kind: Hidden| !own.is_counted && (!is_shown || context::is_short_secret(kind));
                let mut known = secrets.iter().filter(|(kind, secret)| may_be(*kind) && is_known(secret));
                let known = known.next().map(|(kind, _)| *kind);
                if let Some(kind) = known {
                    self.hide(kind, place);
                }
            }
        }
    }
}

/// Whether no more of it is to come.
fn is_complete(kind: Hidden, digits: &str) -> bool {
    match kind {
        Hidden::Card => is_card(digits) || digits.len() >= 16,
        Hidden::Aadhaar => digits.len() >= 12,
        Hidden::Phone | Hidden::Pan => digits.len() >= 10,
        Hidden::Iban => digits.len() >= 18,
        Hidden::Cvv => digits.len() >= 3,
        Hidden::Otp | Hidden::Pin => digits.len() >= 4,
        Hidden::Email => true,
    }
}
