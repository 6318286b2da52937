//! Values as text.

use std::io::Write;

/// Appends an integer.
pub(super) fn integer(out: &mut Vec<u8>, value: i64) {
    let mut digits = [0; 20];
    let (mut at, mut rest) = (digits.len(), value.unsigned_abs());
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a number: by so many significant digits (but never less than those before the point, as R does), or by as
/// few as read back to the same double.
pub(super) fn number(out: &mut Vec<u8>, value: f64, digits: Option<u8>) {
    if value.fract() == 0.0 && value.abs() < 1e15 && (value != 0.0 || value.is_sign_positive()) {
        return integer(out, value as i64);
    }
    match digits {
        Some(digits) => {
            let before_point = value.abs().log10().floor().clamp(0.0, 16.0) as usize;
            notation(out, value, |v| format!("{v:.*e}", before_point.max(usize::from(digits.max(1)) - 1)));
        }
        None => notation(out, value, |v| format!("{v:e}")),
    }
}

/// Appends a 32-bit float, likewise.
pub(super) fn float32(out: &mut Vec<u8>, value: f32, digits: Option<u8>) {
    match digits {
        Some(_) => number(out, f64::from(value), digits),
        None => notation(out, f64::from(value), |_| format!("{value:e}")),
    }
}

/// Lays out a number that `scientific` gives as `d.ddde±x`: in fixed notation unless scientific is shorter.
fn notation(out: &mut Vec<u8>, value: f64, scientific: impl Fn(f64) -> String) {
    if value.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    if value.is_infinite() {
        return out.extend_from_slice(b"Inf");
    }
    let text = scientific(value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.replace('.', "");
    // A single zero stays.
    let digits = match digits.trim_end_matches('0') {
        "" => "0",
        trimmed => trimmed,
    };
    let (count, places) = (digits.len() as i32, exponent.unsigned_abs() as usize);
    let fixed_width = if exponent < 0 { count + 1 - exponent } else { (exponent + 1).max(count + 1) };
    let scientific_width = count + i32::from(count > 1) + if places >= 100 { 5 } else { 4 };
    if fixed_width > scientific_width {
        out.push(digits.as_bytes()[0]);
        if count > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits.as_bytes()[1..]);
        }
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        if places < 10 {
            out.push(b'0');
        }
        integer(out, places as i64);
    } else if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + places - 1, b'0');
        out.extend_from_slice(digits.as_bytes());
    } else if count <= exponent + 1 {
        out.extend_from_slice(digits.as_bytes());
        out.resize(out.len() + places + 1 - digits.len(), b'0');
    } else {
        out.extend_from_slice(&digits.as_bytes()[..=places]);
        out.push(b'.');
        out.extend_from_slice(&digits.as_bytes()[places + 1..]);
    }
}

/// Appends the date of days since 1970-01-01.
pub(super) fn date(out: &mut Vec<u8>, days: f64) {
    if !days.is_finite() || days.abs() > 1e9 {
        return number(out, days, None);
    }
    let (year, month, day) = civil_from_days(days.floor() as i64);
    let _ = write!(out, "{year:04}-{month:02}-{day:02}");
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
    let _ = write!(out, " {:02}:{:02}:{:02}", clock / 3_600, clock / 60 % 60, clock % 60);
    if fraction != 0 {
        let _ = write!(out, ".{fraction:06}");
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
