//! Reading the plain lists that R passes.

use crate::error::malformed;
use crate::plain;
use extendr_api::prelude::*;
use rx_data::Result;
use serde::de::DeserializeOwned;

/// An element of a list by name; none if it is absent or NULL.
pub fn get(list: &Robj, name: &str) -> Option<Robj> {
    let position = list.names()?.position(|n| n == name)?;
    let element = List::try_from(list).ok()?.elt(position).ok()?;
    (!element.is_null()).then_some(element)
}

/// An element that must be there.
pub fn need(list: &Robj, name: &str) -> Result<Robj> {
    get(list, name).ok_or_else(|| malformed(name, "it is missing"))
}

/// Plain data as a Rust value.
pub fn parse<T: DeserializeOwned>(data: &Robj, name: &str) -> Result<T> {
    plain::read(data).map_err(|cause| malformed(name, cause))
}

/// An element as a Rust value; none if it is absent or NULL.
pub fn maybe<T: DeserializeOwned>(list: &Robj, name: &str) -> Result<Option<T>> {
    get(list, name).map(|element| parse(&element, name)).transpose()
}

/// The elements of a list but for some, as a Rust value.
pub fn parse_without<T: DeserializeOwned>(list: &Robj, others: &[&str], name: &str) -> Result<T> {
    let elements = List::try_from(list).map_err(|cause| malformed(name, cause))?;
    let own: Vec<_> = elements.iter().filter(|(name, _)| !others.contains(name)).collect();
    parse(&List::from_pairs(own).into(), name)
}
