//! Logic of three values, and questions about single values.

use super::convert::to_logical;
use super::{Compiled, ints, ints2, refuse};
use crate::column::{NA_I32, is_na_f64};
use crate::expr::node::{Kernel, Typed};
use crate::expr::types::Type;
use crate::expr::vector::Vector;

/// `&`, `|`, `xor()`. A missing value is the least integer.
pub fn binary(fun: &str, a: Typed, b: Typed) -> Compiled {
    if !a.ty.is_number() || !b.ty.is_number() {
        return Err(refuse(fun, &[&a, &b]));
    }
    let kernel = match fun {
        "&" => ints2(|x, y| if (x == 0) | (y == 0) { 0 } else { x.min(y) }),
        "|" => ints2(|x, y| if (x == 1) | (y == 1) { 1 } else { x.min(y) }),
        _ => ints2(|x, y| if (x == NA_I32) | (y == NA_I32) { NA_I32 } else { x ^ y }),
    };
    Ok(Typed::call(Type::Logical, [to_logical(a)?, to_logical(b)?], kernel))
}

/// `!`.
pub fn not(x: Typed) -> Compiled {
    if !x.ty.is_number() {
        return Err(refuse("!", &[&x]));
    }
    Ok(Typed::call(Type::Logical, [to_logical(x)?], ints(|x| if x == NA_I32 { NA_I32 } else { 1 - x })))
}

/// `is.na()`, `is.nan()`, `is.finite()`, `is.infinite()`.
pub fn is(fun: &str, x: Typed) -> Compiled {
    fn of_doubles(f: impl Fn(f64) -> bool + Send + Sync + 'static) -> Kernel {
        Box::new(move |args, _| Ok(args[0].doubles()?.iter().map(|&x| i32::from(f(x))).collect::<Vec<_>>().into()))
    }
    let kernel: Kernel = match (&x.ty, fun) {
        (Type::Text | Type::Factor { .. }, "is.na") => {
            Box::new(|args, _| Ok(args[0].texts()?.map(|text| i32::from(text.is_none())).into()))
        }
        (Type::Logical | Type::Integer, "is.na") => ints(|x| i32::from(x == NA_I32)),
        (Type::Logical | Type::Integer, "is.finite") => ints(|x| i32::from(x != NA_I32)),
        (Type::Logical | Type::Integer, _) => ints(|_| 0),
        (Type::Double | Type::Date | Type::Time { .. }, "is.na") => of_doubles(f64::is_nan),
        (Type::Double, "is.nan") => of_doubles(|x| x.is_nan() && !is_na_f64(x)),
        (Type::Double, "is.finite") => of_doubles(f64::is_finite),
        (Type::Double, "is.infinite") => of_doubles(f64::is_infinite),
        _ => return Err(refuse(&format!("{fun}()"), &[&x])),
    };
    Ok(Typed::call(Type::Logical, [x], kernel))
}

/// The rows at which a value is missing, for those that must be complete.
pub fn is_missing(values: &Vector, row: usize) -> bool {
    let row = if values.len() == 1 { 0 } else { row };
    match values {
        Vector::Int(v) => v[row] == NA_I32,
        Vector::Dbl(v) => v[row].is_nan(),
        Vector::Text(v) => v.get(row).is_none(),
    }
}
