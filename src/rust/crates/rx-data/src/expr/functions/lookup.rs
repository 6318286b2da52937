//! Looking values up in constant tables: `%in%`, `match()`, `cut()`, `factor()`.

use super::convert::as_double;
use super::{Compiled, Refusal, refuse};
use crate::column::{NA_F64, NA_I32, is_na_f64};
use crate::expr::node::{Kernel, Typed};
use crate::expr::types::Type;
use crate::expr::vector::{LastLabels, Texts, Vector};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// `x %in% table`.
pub fn contained(x: Typed, table: Typed) -> Compiled {
    look_up(Type::Logical, x, table, |position| i32::from(position.is_some()))
}

/// `match(x, table)`.
pub fn position(x: Typed, table: Typed) -> Compiled {
    look_up(Type::Integer, x, table, |position| position.unwrap_or(NA_I32))
}

/// What is made of every value's first position in the table, from 1. A missing value is found where one is.
fn look_up(ty: Type, x: Typed, table: Typed, answer: fn(Option<i32>) -> i32) -> Compiled {
    let refused: Refusal = refuse("a look-up", &[&x, &table]);
    let Some(values) = table.constant().cloned() else { return Err("a look-up in no constant".into()) };
    match (&x.ty, &table.ty) {
        (Type::Text | Type::Factor { .. }, Type::Text) => {
            let values = values.texts().map_err(|_| refused)?.clone();
            let mut positions: HashMap<Option<String>, i32> = HashMap::new();
            for i in 0..values.len() {
                positions.entry(values.get(i).map(str::to_string)).or_insert(i as i32 + 1);
            }
            let missing = positions.remove(&None);
            let positions: HashMap<String, i32, Quick> =
                positions.into_iter().filter_map(|(text, i)| text.map(|text| (text, i))).collect();
            let find = move |text: Option<&str>| answer(text.map_or(missing, |text| positions.get(text).copied()));
            let last = LastLabels::default();
            Ok(Typed::call(ty, [x], Box::new(move |args, _| Ok(last.map(args[0].texts()?, &find).into()))))
        }
        (a, b) if a.is_number() && b.is_number() => {
            let table = as_double(table)?;
            let Some(Vector::Dbl(values)) = table.constant().cloned() else { return Err(refused) };
            let mut positions: HashMap<u64, i32> = HashMap::new();
            for (i, &value) in values.iter().enumerate() {
                positions.entry(key(value)).or_insert(i as i32 + 1);
            }
            let kernel: Kernel = Box::new(move |args, _| {
                let find = |&x: &f64| answer(positions.get(&key(x)).copied());
                Ok(args[0].doubles()?.iter().map(find).collect::<Vec<_>>().into())
            });
            Ok(Typed::call(ty, [as_double(x)?], kernel))
        }
        _ => Err(refused),
    }
}

/// Equal numbers have equal keys; NA and NaN have one each.
fn key(x: f64) -> u64 {
    if is_na_f64(x) {
        NA_F64.to_bits()
    } else if x.is_nan() {
        f64::NAN.to_bits()
    } else {
        // Both zeros are one.
        (x + 0.0).to_bits()
    }
}

/// `cut()`: the interval of each number.
pub fn cut(x: Typed, breaks: Vec<f64>, levels: Option<Vec<String>>, ends: Ends, ordered: bool) -> Compiled {
    if !matches!(x.ty, Type::Integer | Type::Double) {
        return Err(refuse("cut()", &[&x]));
    }
    let x = as_double(x)?;
    match levels {
        None => Ok(Typed::call(
            Type::Integer,
            [x],
            Box::new(move |args, _| Ok(intervals(args[0].doubles()?, &breaks, ends).into())),
        )),
        Some(levels) => {
            let levels = Arc::new(levels);
            let labels = levels.clone();
            let kernel: Kernel = Box::new(move |args, _| {
                let codes = intervals(args[0].doubles()?, &breaks, ends).into();
                Ok(Texts::Coded { codes, labels: labels.clone() }.into())
            });
            Ok(Typed::call(Type::Factor { levels: Some(levels), ordered }, [x], kernel))
        }
    }
}

/// Which ends belong to the intervals of `cut()`.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    /// The right ones, not the left ones.
    pub right: bool,
    /// The outermost one, too.
    pub include_lowest: bool,
}

/// Up to so many breaks, counting those below is faster than a search among them.
const FEW_BREAKS: usize = 24;

/// The interval of each number, from 1; missing outside all of them.
fn intervals(values: &[f64], breaks: &[f64], ends: Ends) -> Vec<i32> {
    let (Some(&first), Some(&last)) = (breaks.first(), breaks.last()) else { return vec![NA_I32; values.len()] };
    let outermost = if ends.right { first } else { last };
    let mut below = vec![0_i32; values.len()];
    if breaks.len() > FEW_BREAKS {
        for (below, &x) in below.iter_mut().zip(values) {
            *below = breaks.partition_point(|&b| if ends.right { b < x } else { b <= x }) as i32;
        }
    } else {
        // One break after the other, so that each sweep has no jump.
        for &b in breaks {
            let count = |below: &mut i32, lower: bool| *below += i32::from(lower);
            match ends.right {
                true => below.iter_mut().zip(values).for_each(|(below, &x)| count(below, b < x)),
                false => below.iter_mut().zip(values).for_each(|(below, &x)| count(below, b <= x)),
            }
        }
    }
    let most = breaks.len() as i32 - 1;
    for (code, &x) in below.iter_mut().zip(values) {
        // Not a number compares with nothing.
        let inside = (x >= first) & (x <= last) & ((x != outermost) | ends.include_lowest);
        *code = if inside { (*code).max(1).min(most) } else { NA_I32 };
    }
    below
}

/// `factor()` with given levels: each value as text, its level's code.
pub fn factor(x: Typed, values: Vec<String>, codes: &[i32], levels: Vec<String>, ordered: Option<bool>) -> Compiled {
    let ordered = ordered.unwrap_or(matches!(x.ty, Type::Factor { ordered: true, .. }));
    let levels = Arc::new(levels);
    let ty = Type::Factor { levels: Some(levels.clone()), ordered };
    let table: HashMap<String, i32, Quick> = values.into_iter().zip(codes.iter().copied()).collect();
    let last = LastLabels::default();
    let coded =
        move |codes: Vec<i32>| -> Vector { Texts::Coded { codes: codes.into(), labels: levels.clone() }.into() };
    let kernel: Kernel = match &x.ty {
        Type::Text | Type::Factor { .. } => Box::new(move |args, _| {
            Ok(coded(last.map(args[0].texts()?, |t| t.and_then(|t| table.get(t)).copied().unwrap_or(NA_I32))))
        }),
        Type::Logical => {
            let code = |text: &str| table.get(text).copied().unwrap_or(NA_I32);
            let (no, yes) = (code("FALSE"), code("TRUE"));
            Box::new(move |args, _| {
                let code = |&x: &i32| match x {
                    NA_I32 => NA_I32,
                    0 => no,
                    _ => yes,
                };
                Ok(coded(args[0].ints()?.iter().map(code).collect()))
            })
        }
        Type::Integer => {
            // What R does not write in this way is no integer's text.
            let number = |text: &str| text.parse::<i32>().ok().filter(|n| n.to_string() == text);
            let table: HashMap<i32, i32> = table.iter().filter_map(|(t, &c)| Some((number(t)?, c))).collect();
            Box::new(move |args, _| {
                Ok(coded(args[0].ints()?.iter().map(|x| table.get(x).copied().unwrap_or(NA_I32)).collect()))
            })
        }
        Type::Double => {
            let number = |text: &str| text.parse::<i32>().ok().filter(|n| n.abs() < 100_000 && n.to_string() == text);
            let numbers = table.iter().map(|(text, &code)| Some((number(text)?, code)));
            let Some(table) = numbers.collect::<Option<HashMap<i32, i32>>>() else {
                return Err("factor() of numbers with levels other than small whole numbers".into());
            };
            Box::new(move |args, _| {
                let code = |&x: &f64| written_as_whole(x).and_then(|n| table.get(&n).copied()).unwrap_or(NA_I32);
                Ok(coded(args[0].doubles()?.iter().map(code).collect()))
            })
        }
        _ => return Err(refuse("factor()", &[&x])),
    };
    Ok(Typed::call(ty, [x], kernel))
}

/// The small whole number that R writes for a double; it writes 15 significant digits.
fn written_as_whole(x: f64) -> Option<i32> {
    let near = x.round();
    if near.abs() >= 100_000.0 || x.is_nan() {
        return None;
    }
    let same = x == near || ((x - near).abs() < 1e-9 && format!("{x:.14e}") == format!("{near:.14e}"));
    same.then_some(near as i32)
}

/// A hash of texts for tables that the user wrote, which no stranger can choose to collide.
#[derive(Default)]
struct QuickHasher(u64);

type Quick = BuildHasherDefault<QuickHasher>;

impl Hasher for QuickHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.0 = (self.0 ^ u64::from_le_bytes(word)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(26);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_cut() {
        let breaks = [0.0, 1.0, 2.5];
        let more: Vec<f64> = [0.0, 1.0].into_iter().chain((0..30).map(|i| 2.5 + f64::from(i))).collect();
        for (right, include_lowest, expected) in [
            (true, false, [NA_I32, 1, 1, 2, NA_I32, NA_I32]),
            (true, true, [1, 1, 1, 2, NA_I32, NA_I32]),
            (false, false, [1, 1, 2, NA_I32, NA_I32, NA_I32]),
            (false, true, [1, 1, 2, 2, NA_I32, NA_I32]),
        ] {
            let ends = Ends { right, include_lowest };
            assert_eq!(intervals(&[0.0, 0.5, 1.0, 2.5, 3.0, f64::NAN], &breaks, ends), expected);
            assert_eq!(intervals(&[0.0, 0.5, 1.0], &more, ends), expected[..3]);
        }
        assert_eq!([1.0, 1.0 + 1e-15, 1.0 + 1e-13].map(written_as_whole), [Some(1), Some(1), None]);
    }
}
