//! `== != < <= > >=`. Where a value is missing, or not a number, so is the answer.

use super::convert::{as_codes, as_double};
use super::{Compiled, doubles2, ints2, refuse};
use crate::column::NA_I32;
use crate::expr::node::{Kernel, Node, Typed};
use crate::expr::types::Type;
use crate::expr::vector::{Texts, Vector, common_len};

/// A comparison.
pub fn compare(fun: &str, a: Typed, b: Typed) -> Compiled {
    let (a, b) = (day_of_text(a, &b.ty), b);
    let (b, a) = (day_of_text(b, &a.ty), a);
    let equality = matches!(fun, "==" | "!=");
    match (&a.ty, &b.ty) {
        (x, y) if x.is_whole() && y.is_whole() => Ok(Typed::call(Type::Logical, [a, b], whole(fun))),
        (x, y) if x.is_number() && y.is_number() => real(fun, a, b),
        (Type::Date, Type::Date) | (Type::Time { .. }, Type::Time { .. }) => real(fun, a, b),
        (Type::Date | Type::Time { .. } | Type::Span, y) if y.is_number() => real(fun, a, b),
        (x, Type::Date | Type::Time { .. } | Type::Span) if x.is_number() => real(fun, a, b),
        (Type::Text, Type::Text) | (Type::Factor { .. }, Type::Text) | (Type::Text, Type::Factor { .. })
            if equality =>
        {
            Ok(text(fun == "==", a, b))
        }
        (Type::Factor { ordered: true, .. }, Type::Text) => {
            let level = level_of(&b, &a.ty)?;
            Ok(Typed::call(Type::Logical, [as_codes(a)?, level], whole(fun)))
        }
        (Type::Text, Type::Factor { ordered: true, .. }) => {
            let level = level_of(&a, &b.ty)?;
            Ok(Typed::call(Type::Logical, [level, as_codes(b)?], whole(fun)))
        }
        _ => Err(refuse(fun, &[&a, &b])),
    }
}

fn real(fun: &str, a: Typed, b: Typed) -> Compiled {
    // Integers are compared as such with a whole number.
    if let Some(whole_b) = a.ty.is_whole().then(|| as_whole(&b)).flatten() {
        return Ok(Typed::call(Type::Logical, [a, whole_b], whole(fun)));
    }
    if let Some(whole_a) = b.ty.is_whole().then(|| as_whole(&a)).flatten() {
        return Ok(Typed::call(Type::Logical, [whole_a, b], whole(fun)));
    }
    fn kernel(holds: impl Fn(f64, f64) -> bool + Send + Sync + 'static) -> Kernel {
        doubles2(move |x, y| if x.is_nan() | y.is_nan() { NA_I32 } else { i32::from(holds(x, y)) })
    }
    let kernel = match fun {
        "==" => kernel(|x, y| x == y),
        "!=" => kernel(|x, y| x != y),
        "<" => kernel(|x, y| x < y),
        "<=" => kernel(|x, y| x <= y),
        ">" => kernel(|x, y| x > y),
        _ => kernel(|x, y| x >= y),
    };
    Ok(Typed::call(Type::Logical, [as_double(a)?, as_double(b)?], kernel))
}

/// A constant double as an integer, if it is one.
fn as_whole(x: &Typed) -> Option<Typed> {
    match (&x.ty, x.constant()) {
        (Type::Double, Some(Vector::Dbl(v))) if v.len() == 1 => {
            let whole = v[0] as i32;
            let node = Node::Constant(vec![whole].into());
            (f64::from(whole) == v[0] && whole != NA_I32).then_some(Typed { ty: Type::Integer, node })
        }
        _ => None,
    }
}

fn whole(fun: &str) -> Kernel {
    fn kernel(holds: impl Fn(i32, i32) -> bool + Send + Sync + 'static) -> Kernel {
        ints2(move |x, y| if (x == NA_I32) | (y == NA_I32) { NA_I32 } else { i32::from(holds(x, y)) })
    }
    match fun {
        "==" => kernel(|x, y| x == y),
        "!=" => kernel(|x, y| x != y),
        "<" => kernel(|x, y| x < y),
        "<=" => kernel(|x, y| x <= y),
        ">" => kernel(|x, y| x > y),
        _ => kernel(|x, y| x >= y),
    }
}

/// Equality of texts. Their order depends on the locale and is left to R.
fn text(equal: bool, a: Typed, b: Typed) -> Typed {
    let kernel = move |args: &[Vector]| -> crate::Result<Vector> {
        let one = |texts: &Texts| (texts.len() == 1).then(|| texts.get(0).map(str::to_string));
        let (a, b) = (args[0].texts()?, args[1].texts()?);
        let same = |x: Option<&str>, y: Option<&str>| match (x, y) {
            (Some(x), Some(y)) => i32::from((x == y) == equal),
            _ => NA_I32,
        };
        Ok(match (one(a), one(b)) {
            (_, Some(y)) => a.map(|x| same(x, y.as_deref())),
            (Some(x), _) => b.map(|y| same(x.as_deref(), y)),
            _ => (0..common_len(args)).map(|i| same(a.get(i), b.get(i))).collect::<Vec<_>>(),
        }
        .into())
    };
    Typed::call(Type::Logical, [a, b], Box::new(move |args, _| kernel(args)))
}

/// The position of a constant label among the levels of a factor; missing if it is none.
fn level_of(label: &Typed, factor: &Type) -> Compiled {
    let (Some(label), Type::Factor { levels: Some(levels), .. }) = (label.constant(), factor) else {
        return Err("the order of a factor whose levels are not known, or of no constant".into());
    };
    let label = label.texts().ok().and_then(|texts| texts.get(0));
    let code = label.and_then(|label| levels.iter().position(|l| l == label)).map_or(NA_I32, |i| i as i32 + 1);
    Ok(Typed { ty: Type::Integer, node: Node::Constant(vec![code].into()) })
}

/// A constant text such as "2013-06-30", where it is compared with dates.
fn day_of_text(text: Typed, other: &Type) -> Typed {
    let day = match (text.constant(), other, &text.ty) {
        (Some(Vector::Text(texts)), Type::Date, Type::Text) => texts.get(0).and_then(day),
        _ => None,
    };
    match day {
        Some(day) => Typed { ty: Type::Date, node: Node::Constant(vec![day].into()) },
        None => text,
    }
}

/// Days since 1970-01-01 of a date written yyyy-mm-dd, counted from March on (Richards 2013).
fn day(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 10
        && bytes.iter().enumerate().all(|(i, b)| if i == 4 || i == 7 { *b == b'-' } else { b.is_ascii_digit() });
    if !shaped {
        return None;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > days || year < 1 {
        return None;
    }
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    Some((365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 719_469) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_r_reads_them() {
        assert_eq!(day("1970-01-01"), Some(0.0));
        assert_eq!(day("2000-02-29"), Some(11016.0));
        assert_eq!(day("1969-07-20"), Some(-165.0));
        assert_eq!(day("1900-02-29"), None);
        assert_eq!(day("2013-6-30"), None);
    }
}
