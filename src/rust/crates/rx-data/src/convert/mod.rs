//! Arrow's arrays and fields to columns and fields of rxscale, and back.

mod fields;
mod read;
mod write;

pub(crate) use fields::is_text;
pub use fields::{field_from_arrow, field_to_arrow, schema_from_arrow, schema_to_arrow};
pub(crate) use read::cannot_hold;
pub use read::{Dictionary, Nulls, column_from_array};
pub use write::{Stored, array_from_column, range, union};
