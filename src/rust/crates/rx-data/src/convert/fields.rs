//! Arrow fields and [`Field`]s. What Arrow's types do not say is kept in the fields' metadata under `rxscale.*`.

use crate::schema::{Field, Kind, Schema};
use arrow::datatypes::{self, DataType, TimeUnit};

const LOW: &str = "rxscale.low";
const HIGH: &str = "rxscale.high";
const DESCRIPTION: &str = "rxscale.description";
/// Set on times without a time zone of their own, which Arrow stores as UTC.
const SESSION_TZ: &str = "rxscale.session_tz";

/// What an Arrow field is to a user. Types that no column can hold (lists, structs, bytes) become Character here and an
/// error when they are read, so that the other columns of their file can be used.
pub fn field_from_arrow(field: &datatypes::Field) -> Field {
    let kind = match field.data_type() {
        DataType::Boolean | DataType::Null => Kind::Logical,
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => Kind::Int16,
        DataType::UInt16 | DataType::Int32 => Kind::Integer,
        DataType::UInt32 | DataType::Int64 | DataType::UInt64 => Kind::Int64,
        DataType::Float16 | DataType::Float32 => Kind::Float32,
        DataType::Float64 => Kind::Numeric,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            Kind::Numeric
        }
        DataType::Date32 | DataType::Date64 => Kind::Date,
        DataType::Timestamp(_, tz) => Kind::DateTime {
            tz: match tz {
                _ if field.metadata().contains_key(SESSION_TZ) => None,
                // A time without a zone is what a clock on some wall showed; UTC shows it unchanged.
                None => Some("UTC".to_string()),
                Some(tz) => Some(tz.to_string()),
            },
        },
        DataType::Dictionary(_, values) if is_text(values) => {
            Kind::Factor { ordered: field.dict_is_ordered().unwrap_or(false) }
        }
        _ => Kind::Character,
    };
    let number = |key| field.metadata().get(key).and_then(|text| text.parse::<f64>().ok());
    Field {
        name: field.name().clone(),
        kind,
        levels: None,
        low: number(LOW),
        high: number(HIGH),
        description: field.metadata().get(DESCRIPTION).cloned(),
    }
}

/// All fields of an Arrow schema.
pub fn schema_from_arrow(schema: &datatypes::Schema) -> Schema {
    Schema::new(schema.fields().iter().map(|f| field_from_arrow(f)).collect())
}

/// How a field is stored. Levels are not part of it: they travel as dictionaries.
pub fn field_to_arrow(field: &Field) -> datatypes::Field {
    let data_type = match &field.kind {
        Kind::Logical => DataType::Boolean,
        Kind::Int16 => DataType::Int16,
        Kind::Integer => DataType::Int32,
        Kind::Int64 => DataType::Int64,
        Kind::Float32 => DataType::Float32,
        Kind::Numeric => DataType::Float64,
        Kind::Character => DataType::Utf8,
        Kind::Factor { .. } => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        Kind::Date => DataType::Date32,
        Kind::DateTime { tz } => {
            DataType::Timestamp(TimeUnit::Microsecond, Some(tz.as_deref().unwrap_or("UTC").into()))
        }
    };
    let mut metadata = datatypes::Metadata::default();
    if let Some(low) = field.low {
        metadata.insert(LOW, low.to_string());
    }
    if let Some(high) = field.high {
        metadata.insert(HIGH, high.to_string());
    }
    if let Some(description) = &field.description {
        metadata.insert(DESCRIPTION, description);
    }
    if field.kind == (Kind::DateTime { tz: None }) {
        metadata.insert(SESSION_TZ, "true");
    }
    datatypes::Field::new(&field.name, data_type, true)
        .with_dict_is_ordered(field.kind == Kind::Factor { ordered: true })
        .with_metadata(metadata)
}

/// All fields as they are stored.
pub fn schema_to_arrow(schema: &Schema) -> datatypes::Schema {
    datatypes::Schema::new(schema.fields.iter().map(field_to_arrow).collect::<Vec<_>>())
}

/// Whether values of this type are labels.
pub(crate) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_its_metadata_return() {
        let kinds = [
            Kind::Logical,
            Kind::Int16,
            Kind::Integer,
            Kind::Int64,
            Kind::Float32,
            Kind::Numeric,
            Kind::Character,
            Kind::Factor { ordered: false },
            Kind::Factor { ordered: true },
            Kind::Date,
            Kind::DateTime { tz: None },
            Kind::DateTime { tz: Some("UTC".to_string()) },
            Kind::DateTime { tz: Some("Europe/Vienna".to_string()) },
        ];
        for kind in kinds {
            let mut field = Field::new("x", kind);
            assert_eq!(field_from_arrow(&field_to_arrow(&field)), field);
            field.low = Some(-0.1);
            field.high = Some(1e300);
            field.description = Some("the x".to_string());
            assert_eq!(field_from_arrow(&field_to_arrow(&field)), field);
        }
    }

    #[test]
    fn wall_clock_times_are_shown_as_they_were_written() {
        let field = datatypes::Field::new("t", DataType::Timestamp(TimeUnit::Nanosecond, None), true);
        assert_eq!(field_from_arrow(&field).kind, Kind::DateTime { tz: Some("UTC".to_string()) });
    }
}
