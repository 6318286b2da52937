//! Mathematical functions of doubles. They are those of the C library, as R's are.

use super::convert::as_double;
use super::{Compiled, doubles, doubles2, ints, refuse};
use crate::column::NA_I32;
use crate::expr::node::{Kernel, Typed, Warned};
use crate::expr::types::Type;
use crate::expr::vector::Vector;

/// Functions of one number.
pub fn unary(fun: &str, x: Typed) -> Compiled {
    match fun {
        "sqrt" => number(fun, x, f64::sqrt),
        "exp" => number(fun, x, f64::exp),
        "log2" => number(fun, x, f64::log2),
        "log10" => number(fun, x, f64::log10),
        "log1p" => number(fun, x, f64::ln_1p),
        "expm1" => number(fun, x, f64::exp_m1),
        "sin" => number(fun, x, f64::sin),
        "cos" => number(fun, x, f64::cos),
        "tan" => number(fun, x, f64::tan),
        "asin" => number(fun, x, f64::asin),
        "acos" => number(fun, x, f64::acos),
        "atan" => number(fun, x, f64::atan),
        "sinh" => number(fun, x, f64::sinh),
        "cosh" => number(fun, x, f64::cosh),
        "tanh" => number(fun, x, f64::tanh),
        _ => Err(format!("{fun}()")),
    }
}

/// `log()`, perhaps to a given base.
pub fn log(x: Typed, base: Option<Typed>) -> Compiled {
    let Some(base) = base else { return number("log", x, f64::ln) };
    match base.constant().and_then(scalar) {
        Some(10.0) => number("log", x, f64::log10),
        Some(2.0) => number("log", x, f64::log2),
        Some(base) if base > 0.0 => {
            let scale = base.ln();
            number("log", x, move |x| x.ln() / scale)
        }
        _ => Err("log() to no constant base".into()),
    }
}

fn scalar(values: &Vector) -> Option<f64> {
    match values {
        Vector::Int(v) if v[0] != NA_I32 => Some(f64::from(v[0])),
        Vector::Dbl(v) => Some(v[0]),
        _ => None,
    }
}

/// A function that warns where it makes a NaN of a number.
fn number(fun: &str, x: Typed, f: impl Fn(f64) -> f64 + Send + Sync + 'static) -> Compiled {
    if !x.ty.is_number() {
        return Err(refuse(&format!("{fun}()"), &[&x]));
    }
    let kernel: Kernel = Box::new(move |args, warned| {
        let mut nan = false;
        let value = |&x: &f64| {
            if x.is_nan() {
                return x;
            }
            let y = f(x);
            nan |= y.is_nan();
            y
        };
        let values: Vec<f64> = args[0].doubles()?.iter().map(value).collect();
        Warned::note(&warned.nan, nan);
        Ok(values.into())
    });
    Ok(Typed::call(Type::Double, [as_double(x)?], kernel))
}

/// `atan2()`.
pub fn atan2(y: Typed, x: Typed) -> Compiled {
    if !x.ty.is_number() || !y.ty.is_number() {
        return Err(refuse("atan2()", &[&y, &x]));
    }
    let kernel = doubles2(|y, x| if y.is_nan() || x.is_nan() { y + x } else { y.atan2(x) });
    Ok(Typed::call(Type::Double, [as_double(y)?, as_double(x)?], kernel))
}

/// `abs()`, which keeps integers.
pub fn abs(x: Typed) -> Compiled {
    match x.ty {
        Type::Logical | Type::Integer => {
            Ok(Typed::call(Type::Integer, [x], ints(|x| if x == NA_I32 { NA_I32 } else { x.abs() })))
        }
        Type::Double => Ok(Typed::call(Type::Double, [x], doubles(f64::abs))),
        _ => Err(refuse("abs()", &[&x])),
    }
}

/// `floor()`, `ceiling()`, `trunc()`, `sign()` of doubles; what they make of integers depends on the version of R.
pub fn whole(fun: &str, x: Typed) -> Compiled {
    if x.ty != Type::Double {
        return Err(refuse(&format!("{fun}()"), &[&x]));
    }
    let kernel = match fun {
        "floor" => doubles(floor),
        "ceiling" => doubles(|x| -floor(-x)),
        "trunc" => doubles(|x| floor(x.abs()).copysign(x)),
        _ => doubles(|x| if x.is_nan() || x == 0.0 { x } else { x.signum() }),
    };
    Ok(Typed::call(Type::Double, [x], kernel))
}

/// The nearest whole number, halves to the even one. Adding what leaves no bit for decimals rounds; the machine's own
/// instruction is not on every x86-64, and the C library's function is a call for every value.
fn near(x: f64) -> f64 {
    const NO_DECIMALS: f64 = 4_503_599_627_370_496.0;
    let size = x.abs();
    let near = (size + NO_DECIMALS) - NO_DECIMALS;
    if size < NO_DECIMALS { near.copysign(x) } else { x }
}

/// The next lower whole number.
fn floor(x: f64) -> f64 {
    let near = near(x);
    if near > x { near - 1.0 } else { near }
}

/// `round()` to a constant number of decimals.
pub fn round(x: Typed, digits: Option<Typed>) -> Compiled {
    if x.ty != Type::Double {
        return Err(refuse("round()", &[&x]));
    }
    let digits = match digits {
        None => Some(0.0),
        Some(digits) => digits.constant().and_then(scalar),
    };
    match digits {
        Some(0.0) => Ok(Typed::call(Type::Double, [x], doubles(near))),
        Some(digits) if digits.fract() == 0.0 && (1.0..=MOST_DECIMALS).contains(&digits) => {
            let power = 10_f64.powi(digits as i32);
            let decimals = digits as i32;
            Ok(Typed::call(Type::Double, [x], doubles(move |x| rounded(x, decimals, power))))
        }
        _ => Err(format!("round() to other than 0 to {MOST_DECIMALS} decimals")),
    }
}

/// Powers of ten up to this one are exact.
const MOST_DECIMALS: f64 = 15.0;

/// The nearer one of the two neighbours with so many decimals, as R rounds from version 4.0 on; of two equally near
/// ones that with an even last digit.
fn rounded(x: f64, decimals: i32, power: f64) -> f64 {
    // Numbers with no more than 15 digits before and after the point have nothing to lose.
    let digits_before = (x.abs().log2().floor() + 0.5) * std::f64::consts::LOG10_2;
    if !x.is_finite() || x == 0.0 || f64::from(decimals) > 15.0 - digits_before.ceil() {
        return x;
    }
    let size = x.abs();
    let scaled = power * size;
    let (down, up) = (scaled.floor() / power, scaled.ceil() / power);
    let (above, below) = (up - size, size - down);
    let even = scaled.floor() % 2.0 == 0.0;
    let near = if below < above || (even && below == above) { down } else { up };
    near.copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_those_of_the_c_library() {
        let big = 4_503_599_627_370_496.0;
        let values = [0.0, 0.3, 0.5, 0.7, 1.0, 1.5, 2.5, 1e9 + 0.5, big - 0.5, big, big + 1.0, 1e300, f64::INFINITY];
        for x in values.into_iter().flat_map(|x| [x, -x]) {
            let same = |a: f64, b: f64| assert_eq!(a.to_bits(), b.to_bits(), "{x}");
            same(near(x), x.round_ties_even());
            same(floor(x), x.floor());
            same(-floor(-x), x.ceil());
            same(floor(x.abs()).copysign(x), x.trunc());
        }
        assert!(crate::column::is_na_f64(floor(crate::column::NA_F64)));
    }
}
