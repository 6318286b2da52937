//! Columns whose fields are changed before they become values. Only such columns pay for it.

use super::builder::{Builder, Rules};
use super::parse;
use crate::schema::Kind;
use std::borrow::Cow;

/// How a field is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rewrite {
    /// Text keeps so many characters.
    Cut(usize),
    /// This is taken out from between groups of digits.
    Ungroup(u8),
    /// So many digits of a number without a decimal point are decimals.
    Decimals(u32),
}

/// A builder and what is done to its fields.
#[derive(Debug)]
pub(super) struct Rewritten {
    pub builder: Builder,
    rewrites: Vec<Rewrite>,
}

impl Rewrite {
    /// What is to be done to the fields of a column.
    pub fn all(kind: &Kind, width: Option<usize>, decimal_places: Option<u32>, rules: &Rules) -> Vec<Rewrite> {
        match kind {
            Kind::Character | Kind::Factor { .. } => width.map(Rewrite::Cut).into_iter().collect(),
            Kind::Logical | Kind::Date | Kind::DateTime { .. } => Vec::new(),
            Kind::Int16 | Kind::Integer | Kind::Int64 | Kind::Float32 | Kind::Numeric => {
                let ungroup = rules.thousands.map(Rewrite::Ungroup);
                ungroup.into_iter().chain(decimal_places.map(Rewrite::Decimals)).collect()
            }
        }
    }

    fn apply<'a>(self, content: Cow<'a, [u8]>, decimal: u8) -> Cow<'a, [u8]> {
        match self {
            Rewrite::Cut(width) => match end_of(&content, width) {
                end if end < content.len() => Cow::Owned(content[..end].to_vec()),
                _ => content,
            },
            Rewrite::Ungroup(separator) => match ungrouped(&content, separator, decimal) {
                Some(plain) => Cow::Owned(plain),
                None => content,
            },
            Rewrite::Decimals(places) if parse::is_integer(&content) => {
                let exponent = format!("e-{places}");
                Cow::Owned([&content[..], exponent.as_bytes()].concat())
            }
            Rewrite::Decimals(_) => content,
        }
    }
}

impl Rewritten {
    /// The builder itself if there is nothing to be done.
    pub fn wrap(builder: Builder, rewrites: &[Rewrite]) -> Builder {
        if rewrites.is_empty() {
            return builder;
        }
        Builder::Rewritten(Box::new(Rewritten { builder, rewrites: rewrites.to_vec() }))
    }

    /// Takes a field's content; false if it contradicts the column's type.
    pub fn push(&mut self, rules: &Rules, content: &[u8]) -> bool {
        let is_text = matches!(self.builder, Builder::Character(_) | Builder::Factor(..));
        let content = if is_text { content } else { parse::trim(content) };
        if rules.is_missing(content) {
            self.builder.push_missing();
            return true;
        }
        let decimal = rules.dialect.decimal;
        let changed = self.rewrites.iter().fold(Cow::Borrowed(content), |text, rewrite| rewrite.apply(text, decimal));
        self.builder.push(rules, &changed)
    }
}

/// A number without what groups its digits by thousands; None if it is not written so. The last group has three digits,
/// others two or three, as in India.
pub(super) fn ungrouped(content: &[u8], separator: u8, decimal: u8) -> Option<Vec<u8>> {
    let sign = content.iter().take_while(|b| matches!(b, b'-' | b'+')).count();
    let end = content.iter().position(|&b| b == decimal || matches!(b, b'e' | b'E')).unwrap_or(content.len());
    let groups: Vec<_> = content.get(sign..end)?.split(|&b| b == separator).collect();
    let (last, before) = groups.split_last()?;
    let (first, middle) = before.split_first()?;
    let digits = groups.iter().all(|group| group.iter().all(u8::is_ascii_digit));
    let sizes = (1..=3).contains(&first.len()) && middle.iter().all(|g| (2..=3).contains(&g.len())) && last.len() == 3;
    (digits && sizes).then(|| [&content[..sign], &groups.concat(), &content[end..]].concat())
}

/// Where the first so many characters of a text end.
pub(super) fn end_of(text: &[u8], characters: usize) -> usize {
    if text.len() <= characters {
        return text.len();
    }
    if text[..characters].is_ascii() && is_start(text[characters]) {
        return characters;
    }
    let mut starts = text.iter().enumerate().filter(|(_, byte)| is_start(**byte));
    starts.nth(characters).map_or(text.len(), |(at, _)| at)
}

/// Whether a byte of UTF-8 begins a character.
fn is_start(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn plain(text: &str) -> Option<String> {
        ungrouped(text.as_bytes(), b'.', b',').map(|text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn groups_of_digits_are_joined() {
        assert_eq!(plain("1.234.567,5").as_deref(), Some("1234567,5"));
        assert_eq!(plain("-12.34.567").as_deref(), Some("-1234567"));
        assert_eq!(plain("1.000e3").as_deref(), Some("1000e3"));
        for text in ["1", "1,5", "1.5", "1234.567", "1.2345", ".123", "1..234", "a.123", "1.234.5", ""] {
            assert_eq!(plain(text), None, "{text}");
        }
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        for (text, n, cut) in [("abc", 2, "ab"), ("aéc", 2, "aé"), ("éa", 5, "éa"), ("ééé", 1, "é"), ("", 3, "")]
        {
            assert_eq!(&text[..end_of(text.as_bytes(), n)], cut);
        }
    }

    #[test]
    fn decimals_are_implied_where_there_is_no_point() {
        let value = |text: &str| {
            let text = Rewrite::Decimals(2).apply(Cow::Borrowed(text.as_bytes()), b'.');
            parse::number(&text, b'.').unwrap()
        };
        assert_eq!([value("1234"), value("-7"), value("12.5"), value("3e2")], [12.34, -0.07, 12.5, 300.0]);
    }
}
