//! R functions called by the engine. For the main thread only.

use crate::interrupt::contained;
use crate::spec;
use extendr_api::prelude::*;
use libR_sys::{R_GlobalEnv, R_NilValue, R_tryEvalSilent, Rf_install, Rf_lcons, Rf_protect, Rf_unprotect, SEXP};
use rx_data::{Error, ErrorKind, Result};

/// Calls an R function through `guarded_call()` of R/engine.R. What it raises becomes an error of kind transform, or of
/// the kind that rxscale's own R code says; its warnings reach the user when the engine function has returned.
pub fn call(fun: SEXP, arguments: &[SEXP]) -> Result<Robj> {
    let mut answer: SEXP = std::ptr::null_mut();
    // SAFETY: everything allocated is protected until it is part of the call; the closure owns nothing.
    let whole = contained(|| unsafe {
        let mut list = Rf_protect(R_NilValue);
        for &argument in arguments.iter().rev().chain([&fun]) {
            let longer = Rf_lcons(argument, list);
            Rf_unprotect(1);
            list = Rf_protect(longer);
        }
        let package = Rf_protect(Rf_lcons(Rf_install(c"guarded_call".as_ptr()), R_NilValue));
        let package = Rf_protect(Rf_lcons(Rf_install(c"rxscale".as_ptr()), package));
        let guard = Rf_protect(Rf_lcons(Rf_install(c":::".as_ptr()), package));
        let call = Rf_protect(Rf_lcons(guard, list));
        let mut failed = 0;
        let result = R_tryEvalSilent(call, R_GlobalEnv, &raw mut failed);
        if failed == 0 {
            answer = result;
        }
        Rf_unprotect(5);
    });
    if !whole || answer.is_null() {
        return Err(Error::new(ErrorKind::Transform, "an R function called by the engine did not return"));
    }
    // SAFETY: nothing has been allocated since the value was returned.
    let answer = unsafe { Robj::from_sexp(answer) };
    match (spec::get(&answer, "error"), spec::get(&answer, "interrupt")) {
        (Some(message), _) => {
            let kind = spec::get(&answer, "kind").and_then(|kind| ErrorKind::of_condition(kind.as_str()?));
            Err(Error::new(kind.unwrap_or(ErrorKind::Transform), message.as_str().unwrap_or_default()))
        }
        (None, Some(_)) => Err(Error::interrupted()),
        (None, None) => Ok(spec::get(&answer, "value").unwrap_or_else(|| ().into())),
    }
}
