//! The functions of R that compile: for each, which types it takes, what it gives, and how it is computed.
//!
//! A function that cannot promise R's result to the last bit refuses (its error says why), and R runs the expression.

mod arithmetic;
mod choose;
mod compare;
mod convert;
mod logic;
mod lookup;
mod math;
mod text;

pub(super) use logic::is_missing;
pub(super) use lookup::{Ends, cut, factor};

use super::node::{Kernel, Typed};
use super::vector::{Vector, zip};

/// Why something does not compile.
pub(super) type Refusal = String;
pub(super) type Compiled = std::result::Result<Typed, Refusal>;

/// The arguments of a call, in the order of the function's formal ones.
pub(super) struct Args {
    fun: String,
    args: std::vec::IntoIter<Option<Typed>>,
}

impl Args {
    fn next(&mut self) -> Compiled {
        self.maybe().ok_or_else(|| format!("{}() lacks an argument", self.fun))
    }

    fn maybe(&mut self) -> Option<Typed> {
        self.args.next().flatten()
    }

    fn rest(self) -> Vec<Typed> {
        self.args.flatten().collect()
    }
}

/// A call of a function by its name in R.
pub(super) fn call(fun: &str, args: Vec<Option<Typed>>) -> Compiled {
    let set = matches!(fun, "%in%" | "match");
    if !set && args.iter().flatten().any(|arg| !arg.is_elementwise()) {
        return Err(format!("{fun}() of several constants"));
    }
    let mut args = Args { fun: fun.to_string(), args: args.into_iter() };
    match fun {
        "(" => args.next(),
        "+" | "-" | "*" | "/" | "^" | "%%" | "%/%" => {
            let first = args.next()?;
            match args.maybe() {
                Some(second) => arithmetic::binary(fun, first, second),
                None => arithmetic::unary(fun, first),
            }
        }
        "==" | "!=" | "<" | "<=" | ">" | ">=" => compare::compare(fun, args.next()?, args.next()?),
        "&" | "|" | "xor" => logic::binary(fun, args.next()?, args.next()?),
        "!" => logic::not(args.next()?),
        "is.na" | "is.nan" | "is.finite" | "is.infinite" => logic::is(fun, args.next()?),
        "ifelse" => choose::ifelse(args.next()?, args.next()?, args.next()?),
        "pmin" | "pmax" => choose::parallel(fun, args.rest()),
        "%in%" => lookup::contained(args.next()?, args.next()?),
        "match" => lookup::position(args.next()?, args.next()?),
        "log" => {
            let x = args.next()?;
            math::log(x, args.maybe())
        }
        "atan2" => math::atan2(args.next()?, args.next()?),
        "round" => {
            let x = args.next()?;
            math::round(x, args.maybe())
        }
        "abs" => math::abs(args.next()?),
        "floor" | "ceiling" | "trunc" | "sign" => math::whole(fun, args.next()?),
        "as.numeric" | "as.double" => convert::to_double(args.next()?),
        "as.integer" => convert::to_integer(args.next()?),
        "as.logical" => convert::to_logical(args.next()?),
        "as.character" => convert::to_text(args.next()?),
        "as.factor" => convert::to_factor(args.next()?),
        "as.Date" => convert::to_date(args.next()?),
        "difftime" => {
            let (a, b) = (args.next()?, args.next()?);
            arithmetic::difftime(a, b, args.next()?)
        }
        "nchar" => text::nchar(args.next()?),
        "substr" => text::substr(args.next()?, args.next()?, args.next()?),
        "startsWith" | "endsWith" | "grepl" => text::find(fun, args.next()?, args.next()?),
        "paste" => {
            let separator = args.next()?;
            text::paste(separator, args.rest())
        }
        _ => math::unary(fun, args.next()?),
    }
}

/// A kernel of one argument held as doubles.
fn doubles(f: impl Fn(f64) -> f64 + Send + Sync + 'static) -> Kernel {
    Box::new(move |args, _| Ok(args[0].doubles()?.iter().map(|&x| f(x)).collect::<Vec<_>>().into()))
}

/// A kernel of two arguments held as doubles.
fn doubles2<T>(f: impl Fn(f64, f64) -> T + Send + Sync + 'static) -> Kernel
where
    Vec<T>: Into<Vector>,
{
    Box::new(move |args, _| Ok(zip(args[0].doubles()?, args[1].doubles()?, &f).into()))
}

/// A kernel of one argument held as integers.
fn ints<T>(f: impl Fn(i32) -> T + Send + Sync + 'static) -> Kernel
where
    Vec<T>: Into<Vector>,
{
    Box::new(move |args, _| Ok(args[0].ints()?.iter().map(|&x| f(x)).collect::<Vec<_>>().into()))
}

/// A kernel of two arguments held as integers.
fn ints2<T>(f: impl Fn(i32, i32) -> T + Send + Sync + 'static) -> Kernel
where
    Vec<T>: Into<Vector>,
{
    Box::new(move |args, _| Ok(zip(args[0].ints()?, args[1].ints()?, &f).into()))
}

/// The refusal of a function to take such types.
fn refuse(fun: &str, args: &[&Typed]) -> Refusal {
    let types: Vec<_> = args.iter().map(|arg| arg.ty.name()).collect();
    format!("{fun} of {}", types.join(" and "))
}
