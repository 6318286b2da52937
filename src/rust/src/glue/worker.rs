//! The worker's end of `rxExec()`: called by `exec_worker()` of R/exec-worker.R only.

use crate::error::respond;
use crate::result;
use extendr_api::prelude::*;
use rx_data::{Error, ErrorKind, Result};
use rx_run::procs::FrameKind;
use rx_run::procs::worker::Port;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Never dropped: the supervisor takes the end of the pipes for the end of the process.
static PORT: Mutex<Option<Port>> = Mutex::new(None);

/// Connects the worker with the process that started it.
#[extendr]
fn rx_worker_open() -> Robj {
    respond(|| {
        let port = Port::open().map_err(lost)?;
        *port_or_none() = Some(port);
        Ok(())
    })
}

/// Waits for work: list(call, from, to, body), or NULL when there will be none any more.
#[extendr]
fn rx_worker_receive() -> Robj {
    respond(|| {
        with_port(|port| -> Result<Robj> {
            let Some(frame) = port.receive().map_err(lost)? else { return Ok(().into()) };
            let (kind, from, to, len) = frame.header();
            let body = result::raw_filled(len, |place| frame.read(place).map_err(lost))?;
            Ok(list!(call = kind == FrameKind::Call, from = from as f64, to = to as f64, body = body).into())
        })
    })
}

/// The next task to run, from 0; -1 if there is none, or if results shall be sent first.
#[extendr]
fn rx_worker_next() -> i32 {
    let task = port_or_none().as_mut().and_then(Port::claim);
    task.and_then(|task| i32::try_from(task).ok()).unwrap_or(-1)
}

/// Sends the results of tasks `from`, ..., `to` - 1; whether the chunk has more tasks.
#[extendr]
fn rx_worker_results(from: f64, to: f64, body: Robj) -> Robj {
    respond(|| {
        let body = body.as_raw_slice().unwrap_or_default();
        with_port(|port| port.results(from as usize, to as usize, body).map_err(lost))
    })
}

fn with_port<T>(f: impl FnOnce(&mut Port) -> Result<T>) -> Result<T> {
    let none = || Error::internal("this process is no worker");
    f(port_or_none().as_mut().ok_or_else(none)?)
}

fn port_or_none() -> MutexGuard<'static, Option<Port>> {
    PORT.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lost(cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Worker, format!("The worker has lost the process that started it: {cause}."))
}

extendr_module! {
    mod worker;
    fn rx_worker_open;
    fn rx_worker_receive;
    fn rx_worker_next;
    fn rx_worker_results;
}
