//! Values as text.

/// "00" to "99", so that a division by a hundred gives two digits.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut i = 0;
    while i < 100 {
        pairs[i] = [b'0' + (i / 10) as u8, b'0' + (i % 10) as u8];
        i += 1;
    }
    pairs
};

/// Powers of ten that doubles hold.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Whole numbers below this one are written without an exponent.
const WHOLE: f64 = 1e15;
/// What decimals of doubles suffice for any of them.
const MOST_DIGITS: usize = 17;

/// The digits of a number, at the end of the buffer.
fn digits(buffer: &mut [u8; 20], mut rest: u64) -> &[u8] {
    let mut at = buffer.len();
    while rest >= 100 {
        at -= 2;
        buffer[at..at + 2].copy_from_slice(&PAIRS[(rest % 100) as usize]);
        rest /= 100;
    }
    if rest >= 10 {
        at -= 2;
        buffer[at..at + 2].copy_from_slice(&PAIRS[rest as usize]);
    } else {
        at -= 1;
        buffer[at] = b'0' + rest as u8;
    }
    &buffer[at..]
}

/// Appends an integer.
pub(super) fn integer(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(digits(&mut [0; 20], value.unsigned_abs()));
}

/// Appends a number: by so many significant digits (but never less than those before the point, as R does), or by as
/// few as read back to the same double.
pub(super) fn number(out: &mut Vec<u8>, value: f64, digits: Option<u8>) {
    let whole = value as i64;
    if whole as f64 == value && value.abs() < WHOLE && (whole != 0 || value.is_sign_positive()) {
        return integer(out, whole);
    }
    if !put_sign(out, value) {
        return;
    }
    let size = value.abs();
    match digits {
        Some(digits) => {
            let wanted = usize::from(digits.max(1));
            let exponent = exponent_of(size).unwrap_or_else(|| size.log10().floor() as i32);
            let count = wanted.max(exponent.clamp(0, 16) as usize + 1);
            match rounded(size, count) {
                Some((mantissa, exponent)) => notation(out, mantissa, exponent),
                None => scientific(out, &format!("{size:.*e}", count - 1)),
            }
        }
        None => match shortest(size) {
            Some((mantissa, exponent)) => notation(out, mantissa, exponent),
            None => scientific(out, &format!("{size:e}")),
        },
    }
}

/// Appends a 32-bit float, likewise.
pub(super) fn float32(out: &mut Vec<u8>, value: f32, digits: Option<u8>) {
    if digits.is_some() {
        number(out, f64::from(value), digits);
    } else if put_sign(out, f64::from(value)) {
        scientific(out, &format!("{:e}", value.abs()));
    }
}

/// Appends the sign; or all of what is no finite number, and tells so.
fn put_sign(out: &mut Vec<u8>, value: f64) -> bool {
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
        return false;
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    if value.is_infinite() {
        out.extend_from_slice(b"Inf");
    }
    value.is_finite()
}

/// The power of ten of the first digit, of numbers of a common size; perhaps one too large just below a power.
fn exponent_of(size: f64) -> Option<i32> {
    if !(1e-5..WHOLE).contains(&size) {
        return None;
    }
    if size >= 1.0 {
        // By the power of two: log10(2) is 1233 / 4096.
        let least = (((size.to_bits() >> 52) as usize - 1023) * 1233) >> 12;
        return Some((least + usize::from(size >= TENS[least + 1])) as i32);
    }
    Some([0.1, 0.01, 0.001, 1e-4].iter().position(|&tenth| size >= tenth).map_or(-5, |i| -1 - i as i32))
}

/// A number of common size rounded to so many digits, halves to even: those digits, and the power of ten of the first.
///
/// A double is m 2^e with a negative e here, and scaled by 10^k it is m 5^k 2^(e+k), of which 128 bits hold all.
fn rounded(size: f64, count: usize) -> Option<(u64, i32)> {
    if count > MOST_DIGITS {
        return None;
    }
    let mut exponent = exponent_of(size)?;
    let bits = size.to_bits();
    let power = (bits >> 52) as i32 - 1075;
    let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
    let ten = 10_u64.pow(count as u32);
    loop {
        let scale = count as i32 - 1 - exponent;
        let product = u128::from(mantissa) * u128::from(5_u64.pow(u32::try_from(scale).ok().filter(|&k| k <= 27)?));
        let shift = u32::try_from(-(power + scale)).ok().filter(|shift| (1..128).contains(shift))?;
        let half = 1_u128 << (shift - 1);
        let (mut whole, rest) = ((product >> shift) as u64, product & (2 * half - 1));
        if whole < ten / 10 {
            exponent -= 1;
            continue;
        }
        whole += u64::from(rest > half || (rest == half && whole & 1 == 1));
        return Some(if whole == ten { (ten / 10, exponent + 1) } else { (whole, exponent) });
    }
}

/// The fewest digits that read back to the same number, if 15 do.
fn shortest(size: f64) -> Option<(u64, i32)> {
    const ALWAYS_EXACT: usize = 15;
    let (mantissa, exponent) = rounded(size, ALWAYS_EXACT)?;
    // Both are held exactly, so that the quotient is what reading gives.
    let power = usize::try_from(ALWAYS_EXACT as i32 - 1 - exponent).ok()?;
    (mantissa as f64 / TENS.get(power)? == size).then_some((mantissa, exponent))
}

/// Lays out a number written as `d.ddde±x`.
fn scientific(out: &mut Vec<u8>, text: &str) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let digits: Vec<u8> = mantissa.bytes().filter(|&b| b != b'.').collect();
    lay_out(out, &digits, exponent.parse().unwrap_or(0));
}

/// Lays out a number by its digits and the power of ten of the first.
fn notation(out: &mut Vec<u8>, mantissa: u64, exponent: i32) {
    lay_out(out, digits(&mut [0; 20], mantissa), exponent);
}

/// In fixed notation unless scientific is shorter.
fn lay_out(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    // A single zero stays.
    let count = digits.iter().rposition(|&b| b != b'0').map_or(1, |last| last + 1);
    let digits = &digits[..count];
    let (count, places) = (count as i32, exponent.unsigned_abs() as usize);
    let fixed_width = if exponent < 0 { count + 1 - exponent } else { (exponent + 1).max(count + 1) };
    let scientific_width = count + i32::from(count > 1) + if places >= 100 { 5 } else { 4 };
    if fixed_width > scientific_width {
        out.push(digits[0]);
        if count > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        if places < 10 {
            out.push(b'0');
        }
        integer(out, places as i64);
    } else if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + places - 1, b'0');
        out.extend_from_slice(digits);
    } else if count <= exponent + 1 {
        out.extend_from_slice(digits);
        out.resize(out.len() + places + 1 - digits.len(), b'0');
    } else {
        out.extend_from_slice(&digits[..=places]);
        out.push(b'.');
        out.extend_from_slice(&digits[places + 1..]);
    }
}

/// Appends the date of days since 1970-01-01.
pub(super) fn date(out: &mut Vec<u8>, days: f64) {
    if !days.is_finite() || days.abs() > 1e9 {
        return number(out, days, None);
    }
    let (year, month, day) = civil_from_days(days.floor() as i64);
    let [[m, n], [d, e]] = [month, day].map(|part| PAIRS[part as usize]);
    if let 0..=9999 = year {
        out.extend_from_slice(&PAIRS[year as usize / 100]);
        out.extend_from_slice(&PAIRS[year as usize % 100]);
    } else {
        out.extend_from_slice(format!("{year:04}").as_bytes());
    }
    out.extend_from_slice(&[b'-', m, n, b'-', d, e]);
}

/// Appends the time of seconds since 1970-01-01 UTC; fractions to the microsecond.
pub(super) fn date_time(out: &mut Vec<u8>, seconds: f64) {
    if !seconds.is_finite() || seconds.abs() > 1e13 {
        return number(out, seconds, None);
    }
    let micros = (seconds * 1e6).round() as i128;
    let (whole, fraction) = (micros.div_euclid(1_000_000) as i64, micros.rem_euclid(1_000_000));
    date(out, whole.div_euclid(86_400) as f64);
    let clock = whole.rem_euclid(86_400);
    let [[h, i], [m, n], [s, t]] = [clock / 3_600, clock / 60 % 60, clock % 60].map(|part| PAIRS[part as usize]);
    out.extend_from_slice(&[b' ', h, i, b':', m, n, b':', s, t]);
    if fraction != 0 {
        out.extend_from_slice(format!(".{fraction:06}").as_bytes());
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

/// Year, month and day of days since 1970-01-01 in the Gregorian calendar: years begin in March.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn text(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_look_as_in_r() {
        for (value, shown) in [
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (123456.789, "123456.789"),
            (1e5, "100000"),
            (1e15, "1e+15"),
            (1.5e-7, "1.5e-07"),
            (1e-300, "1e-300"),
            (0.0001, "1e-04"),
            (0.00123, "0.00123"),
            (1e22, "1e+22"),
            (123456789012345680.0, "123456789012345680"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
            (0.0, "0"),
            (-0.0, "-0"),
        ] {
            assert_eq!(text(|out| number(out, value, None)), shown);
        }
        assert_eq!(text(|out| number(out, std::f64::consts::PI, Some(7))), "3.141593");
        assert_eq!(text(|out| number(out, 1234567.8, Some(3))), "1234568");
        assert_eq!(text(|out| number(out, 2.0, Some(7))), "2");
        assert_eq!(text(|out| number(out, 99.99, Some(2))), "100");
        assert_eq!(text(|out| float32(out, 0.1, None)), "0.1");
        assert_eq!(text(|out| integer(out, i64::MIN)), i64::MIN.to_string());
    }

    #[test]
    fn rounding_is_that_of_exact_arithmetic() {
        let mut bits = 7u64;
        for i in 0..200_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let values = [
                (bits >> 11) as f64 * 0.5_f64.powi(20 + i % 50),
                (bits >> 40) as f64 / 1e3,
                (bits >> 50) as f64 / 64.0,
                f64::from_bits(10_f64.powi(i % 20 - 5).to_bits() - u64::from(i % 3 == 0)),
            ];
            for value in values {
                for count in [1, 3, 7, 15, 17] {
                    let Some((mantissa, exponent)) = rounded(value, count) else { continue };
                    let text = mantissa.to_string();
                    let point = if count > 1 { "." } else { "" };
                    let text = format!("{}{point}{}e{exponent}", &text[..1], &text[1..]);
                    assert_eq!(text, format!("{value:.*e}", count - 1), "{value:?}");
                }
                if let Some((mantissa, exponent)) = shortest(value) {
                    let mut plain = Vec::new();
                    notation(&mut plain, mantissa, exponent);
                    assert_eq!(plain, text(|out| scientific(out, &format!("{value:e}"))).into_bytes());
                }
            }
        }
    }

    #[test]
    fn shortest_text_reads_back() {
        let mut bits = 1u64;
        for _ in 0..200_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            for value in [f64::from_bits(bits), (bits >> 40) as f64 / 1e3, (bits >> 11) as f64] {
                let back: f64 = text(|out| number(out, value, None)).parse().unwrap();
                assert!(back.to_bits() == value.to_bits() || value.is_nan());
            }
        }
    }

    #[test]
    fn dates_and_times() {
        assert_eq!(text(|out| date(out, 15_706.0)), "2013-01-01");
        assert_eq!(text(|out| date(out, -719_162.0)), "0001-01-01");
        assert_eq!(text(|out| date(out, 11_016.9)), "2000-02-29");
        assert_eq!(text(|out| date_time(out, 1_357_095_840.0)), "2013-01-02 03:04:00");
        assert_eq!(text(|out| date_time(out, -0.25)), "1969-12-31 23:59:59.75");
        assert_eq!(text(|out| date(out, f64::INFINITY)), "Inf");
    }
}
