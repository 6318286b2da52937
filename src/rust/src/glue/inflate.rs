//! `rxUnserializeModel` and `rxReadObject`: compressed bytes.

use crate::error::{malformed, respond};
use extendr_api::prelude::*;
use rx_data::Result;

/// What memCompress(type = "gzip") made its argument of.
#[extendr]
fn rx_engine_inflate(bytes: Robj) -> Robj {
    respond(|| inflate(&bytes))
}

fn inflate(bytes: &Robj) -> Result<Robj> {
    let bytes = bytes.as_raw_slice().ok_or_else(|| malformed("bytes", "they are not raw"))?;
    Ok(Raw::from_bytes(&rx_data::inflate::inflate(bytes)?).into())
}

extendr_module! {
    mod inflate;
    fn rx_engine_inflate;
}
