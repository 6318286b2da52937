//! Expressions of R, compiled to run over blocks on the threads that read them, with R's own results.
//!
//! R passes on what the user wrote as [`Step`]s ([`ast`]). They are compiled in order ([`program`]): each [`Expr`] is
//! given its type ([`types`]) and becomes a tree of kernels ([`node`]), chosen in [`functions`], over the values of a
//! few thousand rows ([`vector`]). The first step that does not compile is told, and from there on everything is R's.
//! [`run`] takes blocks through the program, [`Compiled`] is the source of the results.
//!
//! What compiles gives the values, types and levels that R gives. One thing is more regular: the type of `ifelse()` is
//! the common one of both answers, even in a chunk where only one of them occurs.

mod ast;
mod functions;
mod node;
mod program;
mod run;
mod source;
mod types;
mod vector;

pub use ast::{Constant, Expr, Place, Step};
pub use program::Refused;
pub use source::{Compiled, OnWarning};
