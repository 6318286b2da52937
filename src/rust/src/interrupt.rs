//! R code that may jump, and the jumps caught: no error or interrupt of R ever passes over Rust's frames.

use libR_sys::Rboolean;
use rx_data::{Error, Result};
use std::os::raw::c_void;

unsafe extern "C" {
    // Not bound by extendr-ffi.
    fn R_ToplevelExec(fun: unsafe extern "C" fn(*mut c_void), data: *mut c_void) -> Rboolean;
    fn R_CheckUserInterrupt();
}

/// Runs calls of R's API that may end in a jump; false if they did. For the main thread only.
///
/// The closure must own nothing that needs dropping and must not panic: a jump skips its frame.
pub fn contained<F: FnMut()>(mut f: F) -> bool {
    unsafe extern "C" fn run<F: FnMut()>(data: *mut c_void) {
        // SAFETY: the data are the closure below, alive until R_ToplevelExec returns.
        unsafe { (*data.cast::<F>())() }
    }
    // SAFETY: on the main thread, with a function and data of matching types.
    unsafe { R_ToplevelExec(run::<F>, (&raw mut f).cast()) != Rboolean::FALSE }
}

/// The same, but not for nothing: the error is that of an interrupt, or else `refused()`. To know which, calls that were
/// jumped out of are made once more; what R refuses it refuses again.
pub fn attempt<F: FnMut()>(mut f: F, refused: impl FnOnce() -> Error) -> Result<()> {
    match contained(&mut f) {
        true => Ok(()),
        false if contained(&mut f) => Err(Error::interrupted()),
        false => Err(refused()),
    }
}

/// Whether the user has pressed Ctrl-C. For the main thread only.
pub fn interrupted() -> bool {
    // SAFETY: the jump that R_CheckUserInterrupt makes is caught.
    !contained(|| unsafe { R_CheckUserInterrupt() })
}
