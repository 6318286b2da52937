//! Values from text: numbers are rounded correctly, dates are checked.

use super::split::{word_at, zero_bytes};

/// The powers of ten that are exact in a double.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

#[inline]
fn digit(text: &[u8], at: usize) -> Option<u64> {
    let d = text.get(at)?.wrapping_sub(b'0');
    (d < 10).then_some(u64::from(d))
}

#[inline]
fn sign(text: &[u8], at: usize) -> (bool, usize) {
    match text.get(at) {
        Some(b'-') => (true, at + 1),
        Some(b'+') => (false, at + 1),
        _ => (false, at),
    }
}

/// The integer of at most nine digits that begins at `at`, and where it ends.
#[inline]
pub(super) fn short_integer(text: &[u8], at: usize) -> Option<(i32, usize)> {
    let (negative, start) = sign(text, at);
    let (mut end, mut value) = (start, 0i32);
    while let Some(d) = digit(text, end) {
        if end - start == 9 {
            return None;
        }
        value = value * 10 + d as i32;
        end += 1;
    }
    (end > start).then_some((if negative { -value } else { value }, end))
}

/// ASCII zeros.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The text between two places as the last bytes of a word that begins with zeros, if it has one to eight characters;
/// and whether a minus stood before it, which counts as one of them.
#[inline]
fn word(text: &[u8], (start, stop): (usize, usize)) -> Option<(u64, bool)> {
    let negative = *text.get(start)? == b'-';
    let length = stop.checked_sub(start + usize::from(negative))?;
    if length == 0 || length > 8 {
        return None;
    }
    let keep = !0 << (8 * (8 - length));
    let word = word_at(text, stop.checked_sub(8)?)?;
    Some((word & keep | ZEROS & !keep, negative))
}

/// The number that eight digits make, added up in pairs, then fours, then all at once; None if some is no digit.
#[inline]
fn eight_digits(word: u64) -> Option<u64> {
    let digits = word ^ ZEROS;
    // A byte above 9 carries into its high bit.
    if (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_FFFF_0000_FFFF;
    Some(fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xFFFF_FFFF)
}

/// The integer between two places, if it is of at most nine digits.
#[inline]
pub(super) fn plain_integer(text: &[u8], place: (usize, usize)) -> Option<i32> {
    if let Some((word, negative)) = word(text, place)
        && let Some(value) = eight_digits(word)
    {
        return Some(if negative { -(value as i32) } else { value as i32 });
    }
    let (value, end) = short_integer(text, place.0)?;
    (end == place.1).then_some(value)
}

/// The number between two places, if it is of the kind of [`simple_number`].
#[inline]
pub(super) fn plain_number(text: &[u8], place: (usize, usize), decimal: u8) -> Option<f64> {
    if let Some((word, negative)) = word(text, place) {
        let point = zero_bytes(word ^ (0x0101_0101_0101_0101 * u64::from(decimal)));
        let value = if point == 0 {
            eight_digits(word).map(|whole| whole as f64)
        } else {
            // The bytes before the point move into its place.
            let at = point.trailing_zeros() & !7;
            let before = word & !(!0 << at);
            let after = word & (!0 << at << 8);
            let lone = place.1 - place.0 == 1 + usize::from(negative);
            let digits = eight_digits(before << 8 | after | u64::from(b'0')).filter(|_| !lone);
            digits.map(|digits| digits as f64 / POWERS[7 - at as usize / 8])
        };
        if let Some(value) = value {
            return Some(if negative { -value } else { value });
        }
    }
    let (value, end) = simple_number(text, place.0, decimal)?;
    (end == place.1).then_some(value)
}

/// The number that begins at `at` and where it ends, if it is of the simple kind: up to 19 digits, an integer of at
/// most 53 bits times or over an exact power of ten. One rounding then gives the nearest double (Clinger 1990).
#[inline]
pub(super) fn simple_number(text: &[u8], at: usize, decimal: u8) -> Option<(f64, usize)> {
    let (negative, start) = sign(text, at);
    let (mut end, mut mantissa) = (start, 0u64);
    while let Some(d) = digit(text, end) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(d);
        end += 1;
    }
    let (mut digits, mut exponent) = (end - start, 0i32);
    if text.get(end) == Some(&decimal) {
        end += 1;
        let point = end;
        while let Some(d) = digit(text, end) {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(d);
            end += 1;
        }
        digits += end - point;
        exponent = point.wrapping_sub(end) as i32;
    }
    if digits == 0 || digits > 19 {
        return None;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let (power, after) = short_integer(text, end + 1)?;
        exponent = exponent.checked_add(power)?;
        end = after;
    }
    if mantissa > 1 << 53 || exponent.unsigned_abs() > 22 {
        return None;
    }
    let (m, power) = (mantissa as f64, POWERS[exponent.unsigned_abs() as usize]);
    let value = if exponent < 0 { m / power } else { m * power };
    Some((if negative { -value } else { value }, end))
}

/// Without the blanks around it.
pub(super) fn trim(content: &[u8]) -> &[u8] {
    content.trim_ascii()
}

/// An integer of up to 64 bits; the whole of `content`.
pub(super) fn integer(content: &[u8]) -> Option<i64> {
    std::str::from_utf8(content).ok()?.parse().ok()
}

/// Whether `content` is an integer of any length.
pub(super) fn is_integer(content: &[u8]) -> bool {
    let digits = &content[sign(content, 0).1..];
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// A double; the whole of `content`. `NaN`, `Inf` and their like are numbers.
pub(super) fn number(content: &[u8], decimal: u8) -> Option<f64> {
    match simple_number(content, 0, decimal) {
        Some((value, end)) if end == content.len() => Some(value),
        _ => general(content, decimal),
    }
}

/// A 32-bit float, rounded once; the whole of `content`.
pub(super) fn float32(content: &[u8], decimal: u8) -> Option<f32> {
    general(content, decimal)
}

fn general<T: std::str::FromStr>(content: &[u8], decimal: u8) -> Option<T> {
    let text = std::str::from_utf8(content).ok()?;
    if decimal == b'.' {
        return text.parse().ok();
    }
    if text.contains('.') {
        return None;
    }
    text.replacen(char::from(decimal), ".", 1).parse().ok()
}

/// A logical as R reads it.
pub(super) fn logical(content: &[u8]) -> Option<bool> {
    match content {
        b"TRUE" | b"T" | b"true" | b"True" => Some(true),
        b"FALSE" | b"F" | b"false" | b"False" => Some(false),
        _ => None,
    }
}

/// Days since 1970-01-01 of `yyyy-mm-dd` or `yyyy/mm/dd`; the whole of `content`.
pub(super) fn date(content: &[u8]) -> Option<f64> {
    let (days, end) = leading_date(content)?;
    (end == content.len()).then_some(days as f64)
}

/// Seconds since 1970-01-01 UTC of a date alone or followed, after a blank or a T, by `HH:MM`, `HH:MM:SS` or
/// `HH:MM:SS.fraction`, with or without a closing Z; the whole of `content`.
pub(super) fn date_time(content: &[u8]) -> Option<f64> {
    let (days, end) = leading_date(content)?;
    let midnight = days as f64 * 86_400.0;
    if end == content.len() {
        return Some(midnight);
    }
    if !matches!(content[end], b' ' | b'T') {
        return None;
    }
    let clock = content[end + 1..].strip_suffix(b"Z").unwrap_or(&content[end + 1..]);
    let (hour, at) = digits(clock, 0, 2)?;
    let (minute, at) = digits(clock, separator(clock, at, b":")?, 2)?;
    let seconds = if at == clock.len() { 0.0 } else { seconds(&clock[separator(clock, at, b":")?..])? };
    // 24:00 is the end of a day; a minute may have a leap second.
    if hour > 24 || minute > 59 || seconds >= 62.0 || (hour == 24 && (minute > 0 || seconds > 0.0)) {
        return None;
    }
    Some(midnight + (hour * 3_600 + minute * 60) as f64 + seconds)
}

fn seconds(text: &[u8]) -> Option<f64> {
    let (_, whole) = digits(text, 0, 2)?;
    let fraction = text[whole..].strip_prefix(b".").unwrap_or(&text[whole..]);
    let well_formed = fraction.iter().all(u8::is_ascii_digit) && (whole == text.len() || text[whole] == b'.');
    if well_formed { number(text, b'.') } else { None }
}

/// The days of the date that `content` begins with, and where it ends.
fn leading_date(content: &[u8]) -> Option<(i64, usize)> {
    let (year, at) = digits(content, 0, 4)?;
    if at != 4 {
        return None;
    }
    let mark = *content.get(at)?;
    let (month, at) = digits(content, separator(content, at, b"-/")?, 2)?;
    let (day, at) = digits(content, separator(content, at, &[mark])?, 2)?;
    days(year, month, day).map(|days| (days, at))
}

/// Days since 1970-01-01 of a date, if there is such a one.
pub(super) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=last).contains(&day).then(|| days_from_civil(year, month, day))
}

fn separator(text: &[u8], at: usize, allowed: &[u8]) -> Option<usize> {
    allowed.contains(text.get(at)?).then_some(at + 1)
}

/// An integer of one to `most` digits, and where it ends.
fn digits(text: &[u8], at: usize, most: usize) -> Option<(i64, usize)> {
    let (mut end, mut value) = (at, 0);
    while let Some(d) = digit(text, end) {
        if end - at == most {
            return None;
        }
        value = value * 10 + d as i64;
        end += 1;
    }
    (end > at).then_some((value, end))
}

/// Days since 1970-01-01 of a date in the Gregorian calendar: years begin in March, so leap days come last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn numbers_agree_with_std_to_the_bit() {
        let mut state = 1u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 20
        };
        for i in 0..200_000u64 {
            let x = f64::from_bits(random() << 22 ^ random());
            let text = match i % 6 {
                0 => format!("{x:e}"),
                1 => format!("{}.{}", random() % 100_000, random() % 10_000),
                2 => format!("-{}", random()),
                3 => format!(".{}e{}", random() % 1_000_000, random() % 40),
                4 => format!("{}E-{}", random() % 1_000_000_000, random() % 330),
                _ => format!("{}.{}", random(), random()),
            };
            let expected: f64 = text.parse().unwrap();
            let found = number(text.as_bytes(), b'.').unwrap();
            assert!(found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan(), "{text}");
            assert_eq!(number(text.replace('.', ",").as_bytes(), b',').unwrap().to_bits(), found.to_bits(), "{text}");
        }
        for (text, value) in [("1.", 1.0), ("+.5", 0.5), ("-Inf", f64::NEG_INFINITY), ("1e400", f64::INFINITY)] {
            assert_eq!(number(text.as_bytes(), b'.'), Some(value));
        }
        assert!(number(b"NaN", b'.').unwrap().is_nan() && !crate::column::is_na_f64(number(b"NaN", b'.').unwrap()));
        for text in ["", ".", "-", "1e", "1e+", "1.2.3", "0x1", "1 2", "--1", "1,5", "e5"] {
            assert_eq!(number(text.as_bytes(), b'.'), None, "{text}");
        }
        assert_eq!(number(b"1.5", b','), None);
        assert_eq!(number(b"-0", b'.').unwrap().to_bits(), (-0.0f64).to_bits());
    }

    #[test]
    fn words_agree_with_digit_by_digit() {
        let characters = b"0123456789.-+e ,";
        let mut state = 1u64;
        for i in 0..300_000u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let length = 1 + (state >> 60) as usize % 11;
            // Mostly digits.
            let character = |k: usize| {
                let random = (state >> (5 * k)) as usize & 31;
                characters[if random < 16 || i % 3 == 0 { random % 10 } else { random - 16 }]
            };
            let content: Vec<u8> = (0..length).map(character).collect();
            for before in ["", "7,12345678,"] {
                let text = [before.as_bytes(), &content, b"\n"].concat();
                let place = (before.len(), before.len() + length);
                let integer = short_integer(&text, place.0).filter(|&(_, end)| end == place.1).map(|(x, _)| x);
                assert_eq!(plain_integer(&text, place), integer, "{content:?}");
                let number = simple_number(&text, place.0, b'.').filter(|&(_, end)| end == place.1).map(|(x, _)| x);
                assert_eq!(plain_number(&text, place, b'.').map(f64::to_bits), number.map(f64::to_bits), "{content:?}");
            }
        }
        assert_eq!(plain_number(b"0,00000-.,", (8, 9), b'.'), None);
    }

    #[test]
    fn integers_to_their_limits() {
        assert_eq!(short_integer(b"-123456789,", 0), Some((-123_456_789, 10)));
        assert_eq!(short_integer(b"1234567890", 0), None);
        assert_eq!(short_integer(b"-", 0), None);
        assert_eq!(integer(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(integer(b"9223372036854775808"), None);
        assert!(is_integer(b"-99999999999999999999") && !is_integer(b"-") && !is_integer(b"1.0"));
    }

    #[test]
    fn dates_agree_with_a_walk_through_the_calendar() {
        let mut expected = -719_162;
        for year in 1..=2400 {
            for (month, days) in [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].into_iter().enumerate() {
                let leap = month == 1 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
                for day in 1..=days + i32::from(leap) {
                    let text = format!("{year:04}-{:02}-{day:02}", month + 1);
                    assert_eq!(date(text.as_bytes()), Some(f64::from(expected)), "{text}");
                    expected += 1;
                }
            }
        }
        assert_eq!(date(b"2013/1/1"), Some(15_706.0));
        for text in ["2013-02-29", "2013-13-01", "2013-1", "2013-01-01x", "13-01-01", "2013-01/01", "2013-00-10", ""] {
            assert_eq!(date(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn times_are_utc() {
        let noon = 15_706.0 * 86_400.0 + 43_200.0;
        for text in ["2013-01-01 12:00", "2013/01/01 12:00:00", "2013-01-01T12:00:00Z", "2013-01-01 12:00:00.0"] {
            assert_eq!(date_time(text.as_bytes()), Some(noon), "{text}");
        }
        assert_eq!(date_time(b"2013-01-01"), Some(noon - 43_200.0));
        assert_eq!(date_time(b"2013-01-01 12:00:00.25"), Some(noon + 0.25));
        for text in ["2013-01-01 25:00", "2013-01-01 12:60", "2013-01-01 12", "2013-01-01 12:00:", "2013-01-01x12:00"] {
            assert_eq!(date_time(text.as_bytes()), None, "{text}");
        }
    }
}
