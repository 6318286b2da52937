//! Dates and times by format, in RevoScaleR's small language.
//!
//! `%d` day, `%m` month (a number, or an English name or its first three letters), `%y` year (below 100: see
//! [`Century`]), `%Y` year as it stands, `%H` hour, `%M` minute, `%S` second, `%n` milliseconds, `%N` a fraction of a
//! second, `%p` am or pm; `%c` skips a character, `%5c` five, `%$c` the rest, `%w` a word; `[...]` may be there or not;
//! `%%`, `%[`, `%]` are those characters. A blank stands for any number of them.

use super::parse;
use crate::error::{Error, ErrorKind, Result};

/// RevoScaleR's format of dates.
pub(super) const DATE: &str = "[%y[-][/]%m[-][/]%d]";
/// RevoScaleR's format of times.
pub(super) const DATE_TIME: &str = "%y[-][/]%m[-][/]%d [%H:%M[:%S]][%p]";

/// Steps after which a value is taken not to match, so that no format makes reading a file take for ever.
const MOST_STEPS: usize = 10_000;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Years below this are of the 21st century, other years below 100 of the 20th.
#[derive(Debug, Clone, Copy)]
pub(super) struct Century(pub i64);

/// How dates, or times, are written in a file.
#[derive(Debug, Clone)]
pub(super) struct TimeFormat {
    text: String,
    steps: Vec<Step>,
    century: Century,
}

/// What comes next in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Is(u8),
    Blanks,
    Number(Part),
    Month,
    /// Digits behind the point of a second.
    Fraction,
    HalfDay,
    Skip(usize),
    SkipWord,
    SkipRest,
    /// What follows up to another step may be left out.
    Optional(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    FullYear,
    Day,
    Hour,
    Minute,
    Second,
    Milliseconds,
}

/// What has been read of a time.
#[derive(Debug, Clone, Copy)]
struct Parts {
    year: Option<i64>,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: f64,
    /// Whether it is before or after noon, where that is said.
    afternoon: Option<bool>,
}

impl TimeFormat {
    /// A format that a user passed as `argument`.
    pub fn new(argument: &str, text: &str, century: Century) -> Result<Self> {
        let wrong = |what: String| {
            let message = format!("{argument} = \"{}\" {what}.", text.escape_debug());
            Error::new(ErrorKind::Argument, message).hint("Dates are written like \"%d.%m.%Y\": see ?RxTextData.")
        };
        let (mut steps, mut open) = (Vec::new(), Vec::new());
        let mut rest = text.bytes().peekable();
        while let Some(byte) = rest.next() {
            let step = match byte {
                b'[' => {
                    open.push(steps.len());
                    Step::Optional(0)
                }
                b']' => {
                    let start: usize = open.pop().ok_or_else(|| wrong("has a ] without a [".into()))?;
                    steps[start] = Step::Optional(steps.len());
                    continue;
                }
                b'%' => {
                    let (mut count, mut all) = (None, false);
                    while let Some(&next) = rest.peek() {
                        match next {
                            b'0'..=b'9' => {
                                count = Some(count.unwrap_or(0usize).saturating_mul(10) + usize::from(next - b'0'));
                            }
                            b'$' => all = true,
                            _ => break,
                        }
                        rest.next();
                    }
                    let conversion = rest.next().ok_or_else(|| wrong("ends with %".into()))?;
                    match conversion {
                        b'c' if all => Step::SkipRest,
                        b'c' => Step::Skip(count.unwrap_or(1)),
                        _ if all || count.is_some() => {
                            return Err(wrong("has a count that is not followed by c".into()));
                        }
                        b'%' | b'[' | b']' => Step::Is(conversion),
                        b'd' => Step::Number(Part::Day),
                        b'm' => Step::Month,
                        b'y' => Step::Number(Part::Year),
                        b'Y' => Step::Number(Part::FullYear),
                        b'H' => Step::Number(Part::Hour),
                        b'M' => Step::Number(Part::Minute),
                        b'S' => Step::Number(Part::Second),
                        b'n' => Step::Number(Part::Milliseconds),
                        b'N' => Step::Fraction,
                        b'p' => Step::HalfDay,
                        b'w' => Step::SkipWord,
                        other => return Err(wrong(format!("has %{}, which means nothing", char::from(other)))),
                    }
                }
                b' ' => Step::Blanks,
                other => Step::Is(other),
            };
            steps.push(step);
        }
        if !open.is_empty() {
            return Err(wrong("has a [ without a ]".into()));
        }
        if !steps.iter().any(|s| matches!(s, Step::Number(Part::Year | Part::FullYear))) {
            return Err(wrong("has no year".into()));
        }
        Ok(TimeFormat { text: text.to_string(), steps, century })
    }

    /// The format as the user wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Days since 1970-01-01; the whole of `content`. What the default format stands for is read in ISO's way first,
    /// which is faster.
    pub fn date(&self, content: &[u8]) -> Option<f64> {
        let plain = if self.text == DATE { parse::date(content) } else { None };
        plain.or_else(|| self.read(content)?.date())
    }

    /// Seconds since 1970-01-01 UTC; likewise.
    pub fn date_time(&self, content: &[u8]) -> Option<f64> {
        let plain = if self.text == DATE_TIME { parse::date_time(content) } else { None };
        plain.or_else(|| self.read(content)?.date_time())
    }

    fn read(&self, content: &[u8]) -> Option<Parts> {
        let nothing = Parts { year: None, month: 1, day: 1, hour: 0, minute: 0, second: 0.0, afternoon: None };
        self.matches(0, content, nothing, &mut MOST_STEPS.clone())
    }

    /// Matches the text against the steps from `at` on; the first way that works counts.
    fn matches(&self, at: usize, text: &[u8], parts: Parts, left: &mut usize) -> Option<Parts> {
        *left = left.checked_sub(1)?;
        let Some(step) = self.steps.get(at) else {
            return (text.is_empty() && parts.is_valid()).then_some(parts);
        };
        let mut go_on = |taken: usize, parts: Parts| self.matches(at + 1, text.get(taken..)?, parts, left);
        match *step {
            Step::Is(byte) => text.first().filter(|&&b| b == byte).and_then(|_| go_on(1, parts)),
            Step::Blanks => go_on(blanks(text), parts),
            Step::Skip(count) => go_on(count, parts),
            Step::SkipRest => go_on(text.len(), parts),
            Step::SkipWord => {
                let start = blanks(text);
                let word = text[start..].iter().take_while(|b| !b.is_ascii_whitespace()).count();
                if word > 0 { go_on(start + word, parts) } else { None }
            }
            Step::Optional(after) => {
                let with = go_on(0, parts);
                with.or_else(|| self.matches(after, text, parts, left))
            }
            Step::HalfDay => {
                let half = text.get(..2)?.to_ascii_lowercase();
                let afternoon = match &half[..] {
                    b"am" => false,
                    b"pm" => true,
                    _ => return None,
                };
                go_on(2, Parts { afternoon: Some(afternoon), ..parts })
            }
            Step::Month => {
                month_name(text).and_then(|(month, taken)| go_on(taken, Parts { month, ..parts })).or_else(|| {
                    let months = [2, 1].into_iter().filter_map(|n| Some((n, short_number(text, n, 2)?)));
                    months
                        .filter(|(_, m)| (1..=12).contains(m))
                        .find_map(|(n, month)| go_on(n, Parts { month, ..parts }))
                })
            }
            Step::Fraction => {
                let digits = text.iter().take_while(|b| b.is_ascii_digit()).count().min(9);
                let value = number(text, digits)? as f64 / 10f64.powi(digits as i32);
                go_on(digits, Parts { second: parts.second + value, ..parts })
            }
            Step::Number(part) => part.widths().iter().find_map(|&n| {
                let value = short_number(text, n, if matches!(part, Part::Milliseconds) { 3 } else { 2 })?;
                let parts = parts.with(part, value, self.century)?;
                // Seconds may have decimals.
                let fraction = match part {
                    Part::Second => fraction(&text[n..])
                        .and_then(|(value, taken)| go_on(n + taken, Parts { second: parts.second + value, ..parts })),
                    _ => None,
                };
                fraction.or_else(|| go_on(n, parts))
            }),
        }
    }
}

impl Part {
    /// The numbers of digits that are tried, in this order.
    fn widths(self) -> &'static [usize] {
        match self {
            Part::Year | Part::FullYear => &[4, 2, 3, 1],
            Part::Milliseconds => &[3, 2, 1],
            Part::Day | Part::Hour | Part::Minute | Part::Second => &[2, 1],
        }
    }
}

impl Parts {
    /// The same with one part more; None if it cannot have this value.
    fn with(self, part: Part, value: i64, Century(cutoff): Century) -> Option<Parts> {
        let in_range = |low, high| (low..=high).contains(&value);
        match part {
            Part::Year if value < 100 => {
                Some(Parts { year: Some(value + if value < cutoff { 2_000 } else { 1_900 }), ..self })
            }
            Part::Year | Part::FullYear => Some(Parts { year: Some(value), ..self }),
            Part::Day => in_range(1, 31).then_some(Parts { day: value, ..self }),
            // 24:00 is the end of a day; a minute may have a leap second.
            Part::Hour => in_range(0, 24).then_some(Parts { hour: value, ..self }),
            Part::Minute => in_range(0, 59).then_some(Parts { minute: value, ..self }),
            Part::Second => in_range(0, 61).then_some(Parts { second: value as f64, ..self }),
            Part::Milliseconds => Some(Parts { second: self.second + value as f64 / 1e3, ..self }),
        }
    }

    fn is_valid(&self) -> bool {
        let clock = match self.afternoon {
            Some(_) => (1..=12).contains(&self.hour),
            None => self.hour < 24 || (self.minute == 0 && self.second == 0.0),
        };
        clock && self.date().is_some()
    }

    fn date(&self) -> Option<f64> {
        parse::days(self.year?, self.month, self.day).map(|days| days as f64)
    }

    fn date_time(&self) -> Option<f64> {
        let hour = match self.afternoon {
            Some(afternoon) => self.hour % 12 + if afternoon { 12 } else { 0 },
            None => self.hour,
        };
        Some(self.date()? * 86_400.0 + (hour * 3_600 + self.minute * 60) as f64 + self.second)
    }
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|b| b.is_ascii_whitespace()).count()
}

/// The number of exactly `n` digits that a text begins with.
fn number(text: &[u8], n: usize) -> Option<i64> {
    let digits = text.get(..n).filter(|d| n > 0 && d.iter().all(u8::is_ascii_digit))?;
    Some(digits.iter().fold(0, |value, d| value * 10 + i64::from(d - b'0')))
}

/// The same; one of less than `usual` digits, or an unusual year of three, ends before something else than a digit.
fn short_number(text: &[u8], n: usize, usual: usize) -> Option<i64> {
    let followed = text.get(n).is_some_and(u8::is_ascii_digit);
    if followed && (n < usual || n == 3 && usual == 2) { None } else { number(text, n) }
}

/// The decimals that a text begins with, and how long they are with their point.
fn fraction(text: &[u8]) -> Option<(f64, usize)> {
    let decimals = text.strip_prefix(b".")?;
    let end = 1 + decimals.iter().take_while(|b| b.is_ascii_digit()).count();
    Some((parse::number(&text[..end], b'.')?, end))
}

/// The month whose name, or its first three letters, a text begins with, and how long that is.
fn month_name(text: &[u8]) -> Option<(i64, usize)> {
    let letters = text.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let begins = |name: &str, n: usize| text.get(..n).is_some_and(|t| t.eq_ignore_ascii_case(&name.as_bytes()[..n]));
    let at = MONTHS.iter().position(|name| letters >= 3 && begins(name, 3))?;
    let taken = if begins(MONTHS[at], MONTHS[at].len()) { MONTHS[at].len() } else { 3 };
    Some((at as i64 + 1, taken))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn format(text: &str) -> TimeFormat {
        TimeFormat::new("readDateFormat", text, Century(20)).unwrap()
    }

    /// The date in ISO's form, or nothing.
    fn date(format_text: &str, content: &str) -> Option<f64> {
        format(format_text).date(content.as_bytes())
    }

    fn iso(text: &str) -> Option<f64> {
        Some(parse::date(text.as_bytes()).unwrap())
    }

    #[test]
    fn the_default_reads_what_is_usual() {
        for text in ["2013-01-02", "2013/1/2", "20130102", "130102", "13-01-02", "2013-Jan-02", "13/January/2"] {
            assert_eq!(date(DATE, text), iso("2013-01-02"), "{text}");
        }
        assert_eq!(date(DATE, "750102"), iso("1975-01-02"));
        for text in ["02.01.2013", "2013-02-30", "2013-13-01", "2013-01-02x", "", "2013-01", "20131"] {
            assert_eq!(date(DATE, text), None, "{text}");
        }
    }

    #[test]
    fn parts_may_come_in_any_order() {
        assert_eq!(date("%d.%m.%Y", "2.1.2013"), iso("2013-01-02"));
        assert_eq!(date("%m/%d/%y", "12/31/99"), iso("1999-12-31"));
        assert_eq!(date("%m/%d/%y", "12/31/19"), iso("2019-12-31"));
        assert_eq!(date("%d %m, %Y", "2 sept, 2013"), None);
        assert_eq!(date("%d %m, %Y", "2 SEP, 2013"), iso("2013-09-02"));
        assert_eq!(date("%d%m%Y", "31012013"), iso("2013-01-31"));
        assert_eq!(date("%m-%Y", "3-2013"), iso("2013-03-01"));
        assert_eq!(date("%Y", "13"), iso("0013-01-01"));
    }

    #[test]
    fn things_are_skipped() {
        assert_eq!(date("%w %d %m %Y", "Wednesday 2 Jan 2013"), iso("2013-01-02"));
        assert_eq!(date("%3c%d%c%m%c%Y%$c", "on:02-01-2013 and more"), iso("2013-01-02"));
        assert_eq!(date("%%%[%Y-%m-%d%]", "%[2013-01-02]"), iso("2013-01-02"));
        assert_eq!(date("%Y-%m-%d[ %w]", "2013-01-02"), iso("2013-01-02"));
    }

    #[test]
    fn times_have_halves_and_fractions() {
        let noon = iso("2013-01-01").unwrap() * 86_400.0 + 43_200.0;
        let time = |format_text: &str, text: &str| format(format_text).date_time(text.as_bytes());
        for text in ["2013-01-01 12:00", "13/1/1 12:00:00", "2013-01-01 12:00pm", "20130101 12:00", "2013-01-01T12:00Z"]
        {
            assert_eq!(time(DATE_TIME, text), Some(noon), "{text}");
        }
        assert_eq!(time(DATE_TIME, "2013-01-01"), Some(noon - 43_200.0));
        assert_eq!(time("%d.%m.%y %H:%M:%S %p", "1.1.13 12:00:00 AM"), Some(noon - 43_200.0));
        assert_eq!(time("%d.%m.%y %H:%M:%S %p", "1.1.13 1:30:00 PM"), Some(noon + 5_400.0));
        assert_eq!(time("%d.%m.%y %H:%M:%S %p", "1.1.13 13:30:00 PM"), None);
        assert_eq!(time("%Y-%m-%d %H:%M:%S", "2013-01-01 12:00:00.25"), Some(noon + 0.25));
        assert_eq!(time("%Y-%m-%d %H:%M:%S.%n", "2013-01-01 12:00:00.025"), Some(noon + 0.025));
        assert_eq!(time("%Y-%m-%d %H:%M:%S,%N", "2013-01-01 12:00:00,5"), Some(noon + 0.5));
        assert_eq!(time("%Y-%m-%d %H:%M", "2013-01-01 24:00"), Some(noon + 43_200.0));
        assert_eq!(time("%Y-%m-%d %H:%M", "2013-01-01 24:01"), None);
    }

    #[test]
    fn the_century_is_told_by_the_cutoff() {
        let year = |cutoff, text: &str| {
            let format = TimeFormat::new("readDateFormat", "%y", Century(cutoff)).unwrap();
            format.date(text.as_bytes()).unwrap()
        };
        assert_eq!(year(0, "05"), iso("1905-01-01").unwrap());
        assert_eq!(year(100, "99"), iso("2099-01-01").unwrap());
        assert_eq!(year(50, "2013"), iso("2013-01-01").unwrap());
    }

    #[test]
    fn impossible_formats_are_refused_and_slow_ones_end() {
        for text in ["%q", "%", "[%y", "%y]", "%d.%m", "%5d", ""] {
            let error = TimeFormat::new("readDateFormat", text, Century(20)).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Argument, "{text}");
            assert!(error.message.starts_with("readDateFormat"));
        }
        let slow = "[%w][ ][%w]".repeat(50) + "%y";
        assert_eq!(date(&slow, &"a ".repeat(100)), None);
    }
}
