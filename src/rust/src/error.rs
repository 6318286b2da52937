//! What R gets back from every engine function: `list(ok, err)`.

use extendr_api::prelude::*;
use rx_data::{Error, ErrorKind, Result};
use rx_run::local::panicked;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs an engine function and packs its result, its error, or the panic of a defect, as `engine_call()` wants it.
pub fn respond<T: Into<Robj>>(f: impl FnOnce() -> Result<T>) -> Robj {
    match catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| Err(panicked(&*panic))) {
        Ok(value) => list!(ok = value.into(), err = NULL).into(),
        Err(error) => list!(ok = NULL, err = described(&error)).into(),
    }
}

fn described(error: &Error) -> List {
    list!(
        kind = error.kind.name(),
        message = error.message.as_str(),
        hint = or_null(error.hint.as_deref()),
        column = or_null(error.column.as_deref()),
        file = or_null(error.file.as_deref()),
        row = or_null(error.row.map(|row| row as f64))
    )
}

/// The error of an argument that is not what the engine function takes.
pub fn malformed(argument: &str, cause: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Argument, format!("The engine cannot read its argument '{argument}': {cause}."))
}

/// A value, or NULL where there is none.
pub fn or_null<T: Into<Robj>>(value: Option<T>) -> Robj {
    value.map_or_else(|| ().into(), Into::into)
}
