//! The columns of a case's plan as an Arrow schema.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use serde_json::Value;

/// The schema of such columns.
pub fn of(columns: &Value) -> SchemaRef {
    Arc::new(Schema::new(fields(columns)))
}

fn fields(columns: &Value) -> Fields {
    columns
        .as_array()
        .expect("columns")
        .iter()
        .map(|column| field(column["name"].as_str().expect("a name"), column))
        .collect()
}

fn field(name: &str, column: &Value) -> Field {
    let mut metadata = HashMap::new();
    if column["type"] == "json" {
        metadata.insert("dativo.json".to_string(), "text".to_string());
    }
    if column["key"] == true {
        metadata.insert("dativo.key".to_string(), "true".to_string());
    }
    if let Some(source) = column["source"].as_str() {
        metadata.insert("dativo.source".to_string(), source.to_string());
    }
    Field::new(name, kind(column), true).with_metadata(metadata)
}

fn kind(column: &Value) -> DataType {
    match column["type"].as_str().expect("a type") {
        "int64" => DataType::Int64,
        "float64" => DataType::Float64,
        "bool" => DataType::Boolean,
        "utf8" | "json" => DataType::Utf8,
        "binary" => DataType::Binary,
        "timestamp[us,UTC]" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        "timestamp[us]" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "date32" => DataType::Date32,
        "time64[us]" => DataType::Time64(TimeUnit::Microsecond),
        "uuid" => DataType::FixedSizeBinary(16),
        "struct" => DataType::Struct(fields(&column["fields"])),
        "list" => DataType::List(Arc::new(field("item", &column["item"]))),
        "map" => {
            let entry = vec![Field::new("key", DataType::Utf8, false), field("value", &column["item"])];
            DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entry.into()), false)), false)
        }
        other => decimal(other),
    }
}

fn decimal(name: &str) -> DataType {
    let digits = name.strip_prefix("decimal128(").and_then(|rest| rest.strip_suffix(')'));
    let (precision, scale) =
        digits.and_then(|digits| digits.split_once(',')).unwrap_or_else(|| panic!("no such type: {name}"));
    DataType::Decimal128(precision.parse().unwrap(), scale.parse().unwrap())
}
