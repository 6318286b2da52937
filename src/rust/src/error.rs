//! What R gets back from every engine function: `list(ok, err, warnings)`.

use extendr_api::prelude::*;
use rx_data::expr::OnWarning;
use rx_data::{Error, ErrorKind, Result};
use rx_run::local::panicked;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

/// Warnings for the user, each once.
type Warnings = Arc<Mutex<BTreeSet<String>>>;

thread_local! {
    /// The warnings of the engine functions that are running: R code that one of them calls may call another.
    static WARNINGS: RefCell<Vec<Warnings>> = const { RefCell::new(Vec::new()) };
}

/// Runs an engine function and packs its result, its error, or the panic of a defect, as `engine_call()` wants it.
pub fn respond<T: Into<Robj>>(f: impl FnOnce() -> Result<T>) -> Robj {
    WARNINGS.with_borrow_mut(|running| running.push(Warnings::default()));
    let result = catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| Err(panicked(&*panic)));
    let own = WARNINGS.with_borrow_mut(Vec::pop).unwrap_or_default();
    let warnings: Vec<String> = own.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
    match result {
        Ok(value) => list!(ok = value.into(), err = NULL, warnings = warnings).into(),
        Err(error) => list!(ok = NULL, err = described(&error), warnings = warnings).into(),
    }
}

/// Takes warnings, from any thread, for the engine function that is running.
pub fn on_warning() -> OnWarning {
    let own = WARNINGS.with_borrow(|running| running.last().cloned()).unwrap_or_default();
    Box::new(move |warning| {
        own.lock().unwrap_or_else(PoisonError::into_inner).insert(warning);
    })
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
