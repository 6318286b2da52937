//! Choosing between values: `ifelse()`, `pmin()`, `pmax()`.

use super::convert::{as_codes, as_double, to_logical};
use super::{Compiled, refuse};
use crate::column::{NA_F64, NA_I32, is_na_f64};
use crate::expr::node::{Kernel, Typed};
use crate::expr::types::Type;
use crate::expr::vector::{Texts, Vector, common_len, zip};
use crate::interner::Interner;
use std::sync::Arc;

/// `ifelse()`. Its type is the common one of both answers, whichever of them occur.
pub fn ifelse(test: Typed, yes: Typed, no: Typed) -> Compiled {
    if !test.ty.is_number() {
        return Err(refuse("ifelse() by", &[&test]));
    }
    if test.is_scalar() && !(yes.is_scalar() && no.is_scalar()) {
        // R takes the first value only.
        return Err("ifelse() of one value for many rows".into());
    }
    let stripped = |x: Typed| match x.ty {
        Type::Date | Type::Time { .. } | Type::Span => Ok(x.retyped(Type::Double)),
        Type::Factor { .. } => as_codes(x),
        _ => Ok(x),
    };
    let test = to_logical(test)?;
    let (yes, no) = (stripped(yes)?, stripped(no)?);
    let (ty, yes, no): (Type, Typed, Typed) = match (&yes.ty, &no.ty) {
        (Type::Text, Type::Text) => (Type::Text, yes, no),
        (Type::Logical, Type::Logical) => (Type::Logical, yes, no),
        (x, y) if x.is_whole() && y.is_whole() => (Type::Integer, yes, no),
        (x, y) if x.is_number() && y.is_number() => (Type::Double, as_double(yes)?, as_double(no)?),
        // A missing value of any type.
        (Type::Text, Type::Logical) | (Type::Logical, Type::Text) => {
            let only_missing =
                |x: &Typed| x.constant().is_some_and(|v| v.ints().is_ok_and(|v| v.iter().all(|&x| x == NA_I32)));
            let (yes_missing, no_missing) = (only_missing(&yes), only_missing(&no));
            let missing = || Typed {
                ty: Type::Text,
                node: crate::expr::node::Node::Constant(
                    Texts::Coded { codes: vec![NA_I32].into(), labels: Arc::default() }.into(),
                ),
            };
            match (yes_missing, no_missing) {
                (true, _) => (Type::Text, missing(), no),
                (_, true) => (Type::Text, yes, missing()),
                _ => return Err(refuse("ifelse()", &[&yes, &no])),
            }
        }
        _ => return Err(refuse("ifelse()", &[&yes, &no])),
    };
    let kernel: Kernel = match ty {
        Type::Text => Box::new(|args, _| chosen_texts(args)),
        Type::Double => Box::new(|args, _| {
            let (yes, no) = (args[1].doubles()?, args[2].doubles()?);
            Ok(chosen(args[0].ints()?, yes, no, common_len(args), NA_F64).into())
        }),
        _ => Box::new(|args, _| {
            let (yes, no) = (args[1].ints()?, args[2].ints()?);
            Ok(chosen(args[0].ints()?, yes, no, common_len(args), NA_I32).into())
        }),
    };
    Ok(Typed::call(ty, [test, yes, no], kernel))
}

fn chosen<T: Copy>(test: &[i32], yes: &[T], no: &[T], rows: usize, missing: T) -> Vec<T> {
    let pick = |test: i32, yes: T, no: T| match test {
        NA_I32 => missing,
        0 => no,
        _ => yes,
    };
    match (test, yes, no) {
        (&[test], ..) => {
            let at = |values: &[T], i: usize| if values.len() == 1 { values[0] } else { values[i] };
            (0..rows).map(|i| pick(test, at(yes, i), at(no, i))).collect()
        }
        (test, &[yes], &[no]) => test.iter().map(|&test| pick(test, yes, no)).collect(),
        (test, &[yes], no) => zip(test, no, |test, no| pick(test, yes, no)),
        (test, yes, &[no]) => zip(test, yes, |test, yes| pick(test, yes, no)),
        (test, yes, no) => test.iter().zip(yes).zip(no).map(|((&test, &yes), &no)| pick(test, yes, no)).collect(),
    }
}

fn chosen_texts(args: &[Vector]) -> crate::Result<Vector> {
    let mut interner = Interner::default();
    let yes = args[1].texts()?.codes_in(&mut interner);
    let no = args[2].texts()?.codes_in(&mut interner);
    let codes = chosen(args[0].ints()?, &yes, &no, common_len(args), NA_I32);
    Ok(Texts::Coded { codes: codes.into(), labels: Arc::new(interner.into_labels()) }.into())
}

/// `pmin()`, `pmax()`; where one value is missing so is the result.
pub fn parallel(fun: &str, args: Vec<Typed>) -> Compiled {
    if args.is_empty() || !args.iter().all(|arg| arg.ty.is_number()) {
        return Err(refuse(&format!("{fun}()"), &args.iter().collect::<Vec<_>>()));
    }
    let least = fun == "pmin";
    if args.iter().all(|arg| arg.ty.is_whole()) {
        let better = move |x: i32, y: i32| match (x, y) {
            (NA_I32, _) | (_, NA_I32) => NA_I32,
            _ if least => x.min(y),
            _ => x.max(y),
        };
        let kernel: Kernel = Box::new(move |args, _| {
            let mut best = args[0].ints()?.to_vec();
            for arg in &args[1..] {
                best = zip(&best, arg.ints()?, better);
            }
            Ok(best.into())
        });
        return Ok(Typed::call(Type::Integer, args, kernel));
    }
    let better = move |x: f64, y: f64| {
        if x.is_nan() || y.is_nan() {
            if is_na_f64(x) || !y.is_nan() { x } else { y }
        } else if (y < x) == least && y != x {
            y
        } else {
            x
        }
    };
    let kernel: Kernel = Box::new(move |args, _| {
        let mut best = args[0].doubles()?.to_vec();
        for arg in &args[1..] {
            best = zip(&best, arg.doubles()?, better);
        }
        Ok(best.into())
    });
    let args = args.into_iter().map(as_double).collect::<Result<Vec<_>, _>>()?;
    Ok(Typed::call(Type::Double, args, kernel))
}
