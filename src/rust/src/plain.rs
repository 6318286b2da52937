//! Plain data of R (numbers, texts, lists of such) for serde. extendr's own deserializer takes no character vectors.

use crate::view::labels;
use extendr_api::prelude::*;
use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// Why data cannot be read; the same for whatever they are read into.
pub type Fault = serde::de::value::Error;

/// Reads plain data into a Rust value. A scalar may stand for a sequence of one; NULL and NA are nothing.
pub fn read<T: DeserializeOwned>(data: &Robj) -> std::result::Result<T, Fault> {
    T::deserialize(Plain::new(data)?)
}

/// Plain data, out of R's hands.
#[derive(Debug, Clone)]
enum Plain {
    Missing,
    Logical(bool),
    Number(f64),
    Text(String),
    Vector(Vec<Plain>),
    List(Vec<(String, Plain)>),
}

impl Plain {
    fn new(data: &Robj) -> std::result::Result<Plain, Fault> {
        let vector = |values: Vec<Plain>| Ok(Plain::Vector(values));
        match data.rtype() {
            Rtype::Null => Ok(Plain::Missing),
            Rtype::Logicals => {
                let values = data.as_logical_slice().unwrap_or_default();
                vector(
                    values
                        .iter()
                        .map(|&x| if x.is_na() { Plain::Missing } else { Plain::Logical(x.is_true()) })
                        .collect(),
                )
            }
            Rtype::Integers => {
                let values = data.as_integer_slice().unwrap_or_default();
                let number = |&x: &i32| if x == i32::MIN { Plain::Missing } else { Plain::Number(f64::from(x)) };
                vector(values.iter().map(number).collect())
            }
            Rtype::Doubles => {
                let values = data.as_real_slice().unwrap_or_default();
                let number = |&x: &f64| if rx_data::column::is_na_f64(x) { Plain::Missing } else { Plain::Number(x) };
                vector(values.iter().map(number).collect())
            }
            Rtype::Strings => vector(labels(data).into_iter().map(Plain::Text).collect()),
            Rtype::List => {
                let values = List::try_from(data).map_err(serde::de::Error::custom)?;
                let names = data.get_attrib("names").map(|names| labels(&names));
                let values = values.values().map(|value| Plain::new(&value));
                match names {
                    Some(names) => Ok(Plain::List(
                        names
                            .into_iter()
                            .zip(values)
                            .map(|(n, v)| Ok((n, v?)))
                            .collect::<std::result::Result<_, Fault>>()?,
                    )),
                    None => Ok(Plain::Vector(values.collect::<std::result::Result<_, Fault>>()?)),
                }
            }
            other => Err(serde::de::Error::custom(format!("{other:?} is no plain data"))),
        }
    }

    /// The one value of a vector of length one.
    fn scalar(self) -> Plain {
        match self {
            Plain::Vector(mut values) if values.len() == 1 => values.pop().unwrap_or(Plain::Missing),
            other => other,
        }
    }
}

impl<'de> IntoDeserializer<'de, Fault> for Plain {
    type Deserializer = Plain;

    fn into_deserializer(self) -> Plain {
        self
    }
}

/// A whole number is an integer to those who want one.
macro_rules! integers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
            match self.scalar() {
                Plain::Number(x) if x.fract() == 0.0 && x.abs() < 9.0e15 => visitor.visit_i64(x as i64),
                other => other.deserialize_any(visitor),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Plain {
    type Error = Fault;

    integers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
    deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        match self.scalar() {
            Plain::Missing => visitor.visit_unit(),
            Plain::Logical(x) => visitor.visit_bool(x),
            Plain::Number(x) => visitor.visit_f64(x),
            Plain::Text(x) => visitor.visit_string(x),
            Plain::Vector(values) => visitor.visit_seq(SeqDeserializer::new(values.into_iter())),
            Plain::List(values) => visitor.visit_map(MapDeserializer::new(values.into_iter())),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        match &self {
            Plain::Missing => visitor.visit_none(),
            Plain::Vector(values) if matches!(values[..], [Plain::Missing]) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        let values = match self {
            Plain::Missing => Vec::new(),
            Plain::Vector(values) => values,
            Plain::List(values) => values.into_iter().map(|(_, value)| value).collect(),
            scalar => vec![scalar],
        };
        visitor.visit_seq(SeqDeserializer::new(values.into_iter()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> std::result::Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        match self {
            Plain::Vector(values) if values.is_empty() => {
                visitor.visit_map(MapDeserializer::new(Vec::<(String, Plain)>::new().into_iter()))
            }
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> std::result::Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    /// A text names a variant; a list of one element is a variant with its content.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> std::result::Result<V::Value, Fault> {
        match self.scalar() {
            Plain::Text(variant) => variant.into_deserializer().deserialize_enum(name, variants, visitor),
            Plain::List(values) => {
                let map = MapDeserializer::new(values.into_iter());
                MapAccessDeserializer::new(map).deserialize_enum(name, variants, visitor)
            }
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> std::result::Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple_struct identifier ignored_any
    }
}
