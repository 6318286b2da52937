//! `+ - * / ^ %% %/%` of numbers, dates and times.

use super::convert::as_double;
use super::{Compiled, doubles, doubles2, ints, ints2, refuse};
use crate::column::NA_I32;
use crate::expr::node::{Kernel, Node, Typed, Warned};
use crate::expr::types::Type;
use crate::expr::vector::{Vector, zip};
use std::cell::Cell;

/// Divisors up to here leave a remainder that R computes without rounding, too.
const EXACT_DIVISOR: f64 = 2048.0;

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// `+x`, `-x`.
pub fn unary(fun: &str, x: Typed) -> Compiled {
    match (&x.ty, fun) {
        (Type::Logical | Type::Integer, "+") => Ok(x.retyped(Type::Integer)),
        (Type::Logical | Type::Integer, "-") => {
            Ok(Typed::call(Type::Integer, [x], ints(|x| if x == NA_I32 { NA_I32 } else { -x })))
        }
        (Type::Double | Type::Span, "+") => Ok(x),
        (Type::Double | Type::Span, "-") => Ok(Typed::call(x.ty.clone(), [x], doubles(|x| -x))),
        _ => Err(refuse(fun, &[&x])),
    }
}

/// Arithmetic of two values.
pub fn binary(fun: &str, a: Typed, b: Typed) -> Compiled {
    let ty = match (&a.ty, fun, &b.ty) {
        (x, "+" | "-" | "*" | "%%" | "%/%", y) if x.is_whole() && y.is_whole() => return Ok(whole(fun, a, b)),
        (x, _, y) if x.is_number() && y.is_number() => Type::Double,
        (Type::Date | Type::Time { .. }, "+" | "-", y) if y.is_number() => a.ty.clone(),
        (x, "+", Type::Date | Type::Time { .. }) if x.is_number() => b.ty.clone(),
        (Type::Date, "-", Type::Date) => Type::Span,
        (Type::Span, "+" | "-" | "*" | "/", y) if y.is_number() => Type::Span,
        (x, "+" | "*", Type::Span) if x.is_number() => Type::Span,
        _ => return Err(refuse(fun, &[&a, &b])),
    };
    let kernel = match fun {
        "+" => doubles2(|x, y| x + y),
        // R goes by way of seconds.
        "-" if ty == Type::Span && a.ty == Type::Date => doubles2(|x, y| (x * DAY - y * DAY) / DAY),
        "-" => doubles2(|x, y| x - y),
        "*" => doubles2(|x, y| x * y),
        "/" => doubles2(|x, y| x / y),
        "^" => match b.constant() {
            Some(Vector::Dbl(exponent)) if exponent[..] == [2.0] => doubles2(|x, _| x * x),
            _ => doubles2(power),
        },
        _ => {
            let divisor = as_double(b)?;
            let exact = |y: f64| y.fract() == 0.0 && y.abs() <= EXACT_DIVISOR;
            match &divisor.node {
                Node::Constant(Vector::Dbl(y)) if exact(y[0]) => {}
                _ => return Err(format!("x {fun} y unless y is a whole number up to {EXACT_DIVISOR}")),
            }
            let kernel = if fun == "%%" { doubles2(modulo) } else { doubles2(quotient) };
            return Ok(Typed::call(Type::Double, [as_double(a)?, divisor], kernel));
        }
    };
    Ok(Typed::call(ty, [as_double(a)?, as_double(b)?], kernel))
}

/// `difftime()` in given units.
pub fn difftime(a: Typed, b: Typed, units: Typed) -> Compiled {
    let times = |x: &Type| matches!(x, Type::Time { .. });
    if !times(&a.ty) || !times(&b.ty) {
        return Err(refuse("difftime()", &[&a, &b]));
    }
    let seconds = match units.constant().and_then(|units| units.texts().ok()).and_then(|units| units.get(0)) {
        Some("secs") => 1.0,
        Some("mins") => 60.0,
        Some("hours") => 3600.0,
        Some("days") => DAY,
        Some("weeks") => 7.0 * DAY,
        _ => return Err("difftime() without units".into()),
    };
    Ok(Typed::call(Type::Span, [a, b], doubles2(move |x, y| (x - y) / seconds)))
}

/// Integer arithmetic: what does not fit is missing.
fn whole(fun: &str, a: Typed, b: Typed) -> Typed {
    /// `f` gives the result and whether it does not fit.
    fn checked(f: impl Fn(i32, i32) -> (i32, bool) + Send + Sync + 'static) -> Kernel {
        Box::new(move |args, warned| {
            let overflow = Cell::new(false);
            let result = zip(args[0].ints()?, args[1].ints()?, |x, y| {
                let missing = (x == NA_I32) | (y == NA_I32);
                let (exact, beyond) = f(x, y);
                // The lowest integer is the missing one.
                let lost = (beyond | (exact == NA_I32)) & !missing;
                overflow.set(overflow.get() | lost);
                if missing | lost { NA_I32 } else { exact }
            });
            Warned::note(&warned.overflow, overflow.get());
            Ok(result.into())
        })
    }
    fn divided(f: impl Fn(i32, i32) -> i32 + Send + Sync + 'static) -> Kernel {
        ints2(move |x, y| if x == NA_I32 || y == NA_I32 || y == 0 { NA_I32 } else { f(x, y) })
    }
    let kernel = match fun {
        "+" => checked(i32::overflowing_add),
        "-" => checked(i32::overflowing_sub),
        "*" => checked(i32::overflowing_mul),
        // Rounded down, so the remainder has the sign of the divisor. The lowest integer is NA, so nothing overflows.
        "%%" => divided(|x, y| {
            let rest = x % y;
            if rest != 0 && (rest < 0) != (y < 0) { rest + y } else { rest }
        }),
        _ => divided(|x, y| x / y - i32::from(x % y != 0 && (x < 0) != (y < 0))),
    };
    Typed::call(Type::Integer, [a, b], kernel)
}

/// R's `x^y`: 1^y and x^0 are 1 even where something is missing.
fn power(x: f64, y: f64) -> f64 {
    if y == 2.0 {
        x * x
    } else if x == 1.0 || y == 0.0 {
        1.0
    } else if x.is_nan() || y.is_nan() {
        x + y
    } else if x == 0.0 {
        if y > 0.0 { 0.0 } else { f64::INFINITY }
    } else if x == f64::NEG_INFINITY && y.is_finite() {
        match (y.fract() == 0.0, y < 0.0, y % 2.0 != 0.0) {
            (false, ..) => f64::NAN,
            (_, true, _) => 0.0,
            (_, _, true) => x,
            _ => f64::INFINITY,
        }
    } else if x < 0.0 && y.is_infinite() {
        f64::NAN
    } else {
        x.powf(y)
    }
}

/// `x %% y` for a divisor of few digits: the exact remainder, with the divisor's sign.
fn modulo(x: f64, y: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    let rest = x % y;
    if rest == 0.0 {
        0.0
    } else if (rest < 0.0) != (y < 0.0) {
        rest + y
    } else {
        rest
    }
}

/// `x %/% y` for a divisor of few digits.
fn quotient(x: f64, y: f64) -> f64 {
    let q = x / y;
    if y == 0.0 || !q.is_finite() || q.abs() >= 1.0 / f64::EPSILON {
        return q;
    }
    let down = q.floor();
    // Rounding may have lifted the quotient to the next whole number; the product is exact up to 2^53.
    let product = down * y;
    let over = if product.abs() < 1.0 / f64::EPSILON { product - x } else { down.mul_add(y, -x) };
    if over != 0.0 && (over > 0.0) == (y > 0.0) { down - 1.0 } else { down }
}
