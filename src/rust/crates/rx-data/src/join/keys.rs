//! Keys of two sides that are to be compared.

use crate::column::{Column, NA_F64, NA_I32, NA_I64, is_na_f32};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Field, Kind, Schema};
use crate::sort::Sorts;

/// How a key of one side and one of the other are compared, and what becomes of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The key's position on both sides.
    pub columns: [usize; 2],
    /// How its values are compared.
    pub sorts: Sorts,
    /// The type of the result.
    pub kind: Kind,
    /// Which sides are factors to be taken for text.
    pub as_text: [bool; 2],
}

/// How the keys of these names are compared.
pub fn matches(first: &Schema, second: &Schema, names: &[String]) -> Result<Vec<Match>> {
    let of_name = |name: &String| {
        let columns = [first.index_of(name)?, second.index_of(name)?];
        let (a, b) = (&first.fields[columns[0]], &second.fields[columns[1]]);
        let kind = common(&a.kind, &b.kind).ok_or_else(|| different(a, b))?;
        let text = kind == Kind::Character;
        let as_text = [a, b].map(|field| text && field.kind != Kind::Character);
        Ok(Match { columns, sorts: Sorts::of(&kind), kind, as_text })
    };
    names.iter().map(of_name).collect()
}

/// The type that holds the values of both, if they can be equal at all.
fn common(a: &Kind, b: &Kind) -> Option<Kind> {
    use Kind::{Character, DateTime, Factor, Float32, Int16, Int64, Integer, Logical, Numeric};
    Some(match (a, b) {
        (a, b) if a == b => a.clone(),
        (Factor { .. }, Factor { .. }) => Factor { ordered: false },
        (Factor { .. }, Character) | (Character, Factor { .. }) => Character,
        (DateTime { .. }, DateTime { .. }) => a.clone(),
        (Logical | Int16 | Integer, Logical | Int16 | Integer) => Integer,
        (Logical | Int16 | Integer | Int64, Logical | Int16 | Integer | Int64) => Int64,
        (
            Logical | Int16 | Integer | Int64 | Float32 | Numeric,
            Logical | Int16 | Integer | Int64 | Float32 | Numeric,
        ) => Numeric,
        _ => return None,
    })
}

fn different(a: &Field, b: &Field) -> Error {
    let message = format!(
        "Column '{}' is {} in the first input and {} in the second, which cannot be matched.",
        a.name,
        a.kind.name(),
        b.kind.name()
    );
    Error::new(ErrorKind::WrongType, message).column(&a.name).hint("Convert one of them with rxDataStep().")
}

/// The values of a key in the storage that its common type has.
pub(super) fn cast(column: Column, kind: &Kind) -> Result<Column> {
    let double = |x: i32| if x == NA_I32 { NA_F64 } else { f64::from(x) };
    Ok(match (kind, column) {
        (Kind::Int64, Column::I32(v)) => {
            Column::I64(v.iter().map(|&x| if x == NA_I32 { NA_I64 } else { i64::from(x) }).collect())
        }
        (Kind::Numeric | Kind::Date | Kind::DateTime { .. }, Column::I32(v)) => {
            Column::F64(v.iter().map(|&x| double(x)).collect())
        }
        (Kind::Numeric, Column::F32(v)) => {
            Column::F64(v.iter().map(|&x| if is_na_f32(x) { NA_F64 } else { f64::from(x) }).collect())
        }
        (Kind::Numeric, Column::I64(v)) => {
            Column::F64(v.iter().map(|&x| if x == NA_I64 { NA_F64 } else { x as f64 }).collect())
        }
        (_, column) => column,
    })
}

/// Each row's value of the first column, or of the second one where that is told.
pub(super) fn either(first: Column, second: Column, kind: &Kind, take_second: &[bool]) -> Result<Column> {
    macro_rules! mix {
        ($a:expr, $b:expr) => {
            $a.iter().zip($b.iter()).zip(take_second).map(|((&a, &b), &second)| if second { b } else { a }).collect()
        };
    }
    let (first, second) = match (first, second) {
        // The labels of a factor's first side are the first ones of its second side; those of text have no order.
        (first, second) if *kind == Kind::Character => (first.spelled_out(), second.spelled_out()),
        sides => sides,
    };
    Ok(match (first, second) {
        (Column::I32(a), Column::I32(b)) => Column::I32(mix!(a, b)),
        (Column::I64(a), Column::I64(b)) => Column::I64(mix!(a, b)),
        (Column::F32(a), Column::F32(b)) => Column::F32(mix!(a, b)),
        (Column::F64(a), Column::F64(b)) => Column::F64(mix!(a, b)),
        (Column::Dict { codes: a, .. }, Column::Dict { codes: b, labels }) => {
            Column::Dict { codes: mix!(a, b), labels }
        }
        (Column::Str(a), Column::Str(b)) => {
            let texts = a.iter().zip(b.iter()).zip(take_second).map(|((a, b), &second)| if second { b } else { a });
            Column::Str(texts.collect())
        }
        _ => return Err(Error::internal("a key is stored in two ways")),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn keys_have_a_common_type_or_none() {
        let factor = Kind::Factor { ordered: false };
        let times = |tz: &str| Kind::DateTime { tz: Some(tz.to_string()) };
        let cases = [
            (Kind::Integer, Kind::Numeric, Some(Kind::Numeric)),
            (Kind::Logical, Kind::Int16, Some(Kind::Integer)),
            (Kind::Int64, Kind::Integer, Some(Kind::Int64)),
            (factor.clone(), Kind::Factor { ordered: true }, Some(factor.clone())),
            (factor.clone(), Kind::Character, Some(Kind::Character)),
            (times("UTC"), times("CET"), Some(times("UTC"))),
            (Kind::Date, times("UTC"), None),
            (factor, Kind::Integer, None),
            (Kind::Character, Kind::Numeric, None),
        ];
        for (a, b, expected) in cases {
            assert_eq!(common(&a, &b), expected);
        }
        let schema = |kind| Schema::new(vec![Field::new("k", kind)]);
        let error = matches(&schema(Kind::Date), &schema(Kind::Integer), &["k".to_string()]).unwrap_err();
        assert_eq!((error.kind, error.column.as_deref()), (ErrorKind::WrongType, Some("k")));
    }
}
