//! `as.numeric()`, `as.integer()`, `as.logical()`, `as.character()`, `as.factor()`, `as.Date()`.

use super::{Compiled, doubles, ints, refuse};
use crate::column::{NA_F64, NA_I32};
use crate::expr::node::{Kernel, Node, Typed, Warned};
use crate::expr::types::Type;
use crate::expr::vector::{Texts, Vector};
use crate::interner::Interner;
use std::sync::Arc;

/// Numbers, dates and times held as doubles.
pub fn as_double(x: Typed) -> Compiled {
    let widen = |x: i32| if x == NA_I32 { NA_F64 } else { f64::from(x) };
    match (&x.ty, &x.node) {
        (Type::Logical | Type::Integer, Node::Constant(Vector::Int(v))) => {
            let values: Vec<f64> = v.iter().map(|&x| widen(x)).collect();
            Ok(Typed { ty: Type::Double, node: Node::Constant(values.into()) })
        }
        (Type::Logical | Type::Integer, _) => Ok(Typed::call(Type::Double, [x], ints(widen))),
        (Type::Double | Type::Date | Type::Time { .. } | Type::Span, _) => Ok(x),
        _ => Err(refuse("a number", &[&x])),
    }
}

/// The codes of a factor whose levels are agreed on.
pub fn as_codes(x: Typed) -> Compiled {
    match &x.ty {
        Type::Factor { levels: Some(_), .. } => Ok(Typed::call(
            Type::Integer,
            [x],
            Box::new(|args, _| match args[0].texts()? {
                Texts::Coded { codes, .. } => Ok(Vector::Int(codes.clone())),
                Texts::Plain(_) => Err(crate::Error::internal("a factor has no codes")),
            }),
        )),
        _ => Err("codes of a factor whose levels are not known before the data are read".into()),
    }
}

/// `as.numeric()`.
pub fn to_double(x: Typed) -> Compiled {
    match x.ty {
        Type::Factor { .. } => as_double(as_codes(x)?),
        Type::Text => Err(refuse("as.numeric()", &[&x])),
        _ => Ok(as_double(x)?.retyped(Type::Double)),
    }
}

/// `as.integer()`.
pub fn to_integer(x: Typed) -> Compiled {
    match x.ty {
        Type::Logical | Type::Integer => Ok(x.retyped(Type::Integer)),
        Type::Factor { .. } => as_codes(x),
        Type::Text => Err(refuse("as.integer()", &[&x])),
        _ => {
            let kernel: Kernel = Box::new(|args, warned| {
                let mut beyond = false;
                let truncated = |&x: &f64| {
                    let fits = x > -2_147_483_648.0 && x < 2_147_483_648.0;
                    beyond |= !fits && !x.is_nan();
                    if fits { x as i32 } else { NA_I32 }
                };
                let values: Vec<i32> = args[0].doubles()?.iter().map(truncated).collect();
                Warned::note(&warned.integer_range, beyond);
                Ok(values.into())
            });
            Ok(Typed::call(Type::Integer, [x], kernel))
        }
    }
}

/// `as.logical()`.
pub fn to_logical(x: Typed) -> Compiled {
    let kernel: Kernel = match &x.ty {
        Type::Logical => return Ok(x),
        Type::Integer => ints(|x| if x == NA_I32 { NA_I32 } else { i32::from(x != 0) }),
        Type::Double => Box::new(|args, _| {
            let truth = |&x: &f64| if x.is_nan() { NA_I32 } else { i32::from(x != 0.0) };
            Ok(args[0].doubles()?.iter().map(truth).collect::<Vec<_>>().into())
        }),
        Type::Text | Type::Factor { .. } => Box::new(|args, _| {
            let truth = |text: Option<&str>| match text {
                Some("T" | "True" | "TRUE" | "true") => 1,
                Some("F" | "False" | "FALSE" | "false") => 0,
                _ => NA_I32,
            };
            Ok(args[0].texts()?.map(truth).into())
        }),
        _ => return Err(refuse("as.logical()", &[&x])),
    };
    Ok(Typed::call(Type::Logical, [x], kernel))
}

/// `as.character()`. How R writes doubles is left to R.
pub fn to_text(x: Typed) -> Compiled {
    let written = |write: fn(i32) -> String| -> Kernel {
        Box::new(move |args, _| {
            let mut interner = Interner::default();
            let code = |&x: &i32| if x == NA_I32 { NA_I32 } else { interner.code(&write(x)) };
            let codes = args[0].ints()?.iter().map(code).collect();
            Ok(Texts::Coded { codes, labels: Arc::new(interner.into_labels()) }.into())
        })
    };
    match x.ty {
        Type::Text | Type::Factor { .. } => Ok(x.retyped(Type::Text)),
        Type::Logical => {
            Ok(Typed::call(Type::Text, [x], written(|x| if x == 0 { "FALSE".into() } else { "TRUE".into() })))
        }
        Type::Integer => Ok(Typed::call(Type::Text, [x], written(|x| x.to_string()))),
        _ => Err(refuse("as.character()", &[&x])),
    }
}

/// `as.factor()`: only what is one already, since other levels depend on all rows.
pub fn to_factor(x: Typed) -> Compiled {
    if matches!(x.ty, Type::Factor { .. }) { Ok(x) } else { Err(refuse("as.factor()", &[&x])) }
}

/// `as.Date()`; of times only those in UTC, where all versions of R agree.
pub fn to_date(x: Typed) -> Compiled {
    match &x.ty {
        Type::Date => Ok(x),
        Type::Time { tz: Some(tz) } if tz == "UTC" => {
            Ok(Typed::call(Type::Date, [x], doubles(|x| (x / 86_400.0).floor())))
        }
        _ => Err(refuse("as.Date()", &[&x])),
    }
}
