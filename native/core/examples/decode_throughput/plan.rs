//! A SCHEMA message to an Arrow schema, as far as the generated streams need it.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use serde_json::{Map, Value};

/// The Arrow schema of the message's stream and its JSON Schema.
pub fn of_message(line: &[u8]) -> (SchemaRef, Vec<u8>) {
    let message: Value = serde_json::from_slice(line).expect("a SCHEMA message");
    let schema = &message["schema"];
    (Arc::new(Schema::new(fields(schema, &String::from_utf8_lossy(line)))), schema.to_string().into_bytes())
}

fn fields(schema: &Value, document: &str) -> Fields {
    let none = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&none);
    // `serde_json` sorts keys; records have them in the order of the document.
    let mut ordered: Vec<_> = properties.iter().collect();
    ordered.sort_by_key(|(name, _)| document.find(&format!("\"{name}\": {{")));
    ordered.into_iter().map(|(name, property)| Field::new(name, kind(property, document), true)).collect()
}

fn kind(property: &Value, document: &str) -> DataType {
    let types = &property["type"];
    let is = |name: &str| types == name || types.as_array().is_some_and(|types| types.iter().any(|one| one == name));
    match property["format"].as_str() {
        Some("date-time") => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Some("date") => DataType::Date32,
        _ if is("integer") => DataType::Int64,
        _ if is("number") => DataType::Float64,
        _ if is("boolean") => DataType::Boolean,
        _ if is("array") => DataType::new_list(kind(&property["items"], document), true),
        _ if is("object") => DataType::Struct(fields(property, document)),
        _ => DataType::Utf8,
    }
}
