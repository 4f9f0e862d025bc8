//! An Arrow schema, and perhaps a JSON Schema, to columns.

use arrow_schema::{DataType, Field, FieldRef, SchemaRef, TimeUnit};

use super::Records;
use super::meta::{Meta, MetaColumn};
use crate::Error;
use crate::columns::{Bits, Builder, Cell, Fixed, List, Map, Nulls, Object, Text};
use crate::fault::pointer_step;
use crate::validate::{self, MISSING, Rules, Shape, Unsupported};

/// How deep columns may nest.
const DEPTH: usize = 100;

/// Columns for the fields of `schema`; an empty `validation` checks types alone.
pub(crate) fn compile(stream: &str, schema: SchemaRef, validation: &[u8]) -> Result<Records, Error> {
    let unsupported =
        |Unsupported { path, message }| Error::UnsupportedSchema { stream: stream.to_string(), path, message };
    let shape = if validation.is_empty() { None } else { Some(validate::parse(validation).map_err(unsupported)?) };
    let mut metas = Vec::new();
    let mut fields = Vec::new();
    for (index, field) in schema.fields().iter().enumerate() {
        match meta(index, field).map_err(unsupported)? {
            Some(column) => metas.push(column),
            None => fields.push(field.clone()),
        }
    }
    let object = object("", &fields, shape.as_ref(), 0).map_err(unsupported)?;
    Ok(Records::new(schema, fields, object, metas))
}

/// The column as one that the envelope fills, if its metadata says so.
fn meta(index: usize, field: &Field) -> Result<Option<MetaColumn>, Unsupported> {
    let Some(source) = field.metadata().get("dativo.source") else {
        return Ok(None);
    };
    let path = pointer_step(field.name());
    let kind = match (source.as_str(), field.data_type()) {
        ("time_extracted", DataType::Timestamp(TimeUnit::Microsecond, Some(_))) => Meta::TimeExtracted,
        ("version", DataType::Int64) => Meta::Version,
        ("line", DataType::Int64) => Meta::Line,
        ("raw", DataType::Utf8) => Meta::Raw,
        (source, kind) => return Err(refuse(&path, &format!("dativo.source {source:?} as {kind}"))),
    };
    Ok(Some(MetaColumn::new(index, kind, builder(field, &path, None, 0)?)))
}

fn object(path: &str, fields: &[FieldRef], shape: Option<&Shape>, depth: usize) -> Result<Object, Unsupported> {
    let mut columns = Vec::with_capacity(fields.len());
    let mut required = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let path = format!("{path}{}", pointer_step(field.name()));
        if columns.iter().any(|(name, _)| name == field.name()) {
            return Err(refuse(&path, "a second column of this name"));
        }
        let shape = shape.and_then(|shape| shape.property(field.name()));
        columns.push((field.name().clone(), cell(field, &path, shape, depth)?));
        if flag(field, "dativo.key") == Some("true") {
            required.push((index, "key property missing"));
        } else if !field.is_nullable() {
            required.push((index, MISSING));
        }
    }
    if let Some(shape) = shape {
        add_assertions(shape, &mut columns, &mut required);
    }
    Ok(Object::new(path.to_string(), columns, fields.len(), required))
}

/// Adds what the schema says about properties beyond their own values: that some must be there, and what those are like
/// that no column holds.
fn add_assertions(shape: &Shape, columns: &mut Vec<(String, Cell)>, required: &mut Vec<(usize, &'static str)>) {
    let unnamed = shape.required.iter().filter(|name| shape.property(name).is_none());
    let any = Shape::any();
    let properties = shape.properties.iter().map(|(name, shape)| (name, shape)).chain(unnamed.map(|name| (name, &any)));
    for (name, property) in properties {
        let index = columns.iter().position(|(known, _)| known == name).unwrap_or(columns.len());
        if index == columns.len() {
            columns.push((name.clone(), Cell::with_rules(Builder::Skip, Rules::new(property, &Builder::Skip, true))));
        }
        if shape.required.contains(name) && !required.iter().any(|&(known, _)| known == index) {
            required.push((index, MISSING));
        }
    }
}

fn cell(field: &Field, path: &str, shape: Option<&Shape>, depth: usize) -> Result<Cell, Unsupported> {
    let builder = builder(field, path, shape, depth)?;
    let any = Shape::any();
    let rules = Rules::new(shape.unwrap_or(&any), &builder, field.is_nullable());
    Ok(Cell::with_rules(builder, rules))
}

fn builder(field: &Field, path: &str, shape: Option<&Shape>, depth: usize) -> Result<Builder, Unsupported> {
    if depth > DEPTH {
        return Err(refuse(path, &format!("nesting beyond {DEPTH} levels")));
    }
    Ok(match field.data_type() {
        DataType::Boolean => Builder::Boolean(Bits::new()),
        DataType::Int64 => Builder::Integer(Fixed::new()),
        DataType::Float64 => Builder::Float(Fixed::new()),
        &DataType::Decimal128(precision, scale) => match u8::try_from(scale) {
            Ok(scale) if scale <= precision => Builder::Decimal { values: Fixed::new(), precision, scale },
            _ => return Err(refuse(path, &format!("decimal({precision},{scale})"))),
        },
        DataType::Utf8 => match flag(field, "dativo.json") {
            Some("text") => Builder::Json(Text::new()),
            _ => Builder::String(Text::new()),
        },
        DataType::Binary => Builder::Binary(Text::new()),
        DataType::FixedSizeBinary(16) => Builder::Uuid(Fixed::new()),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => timestamp(zone.as_deref(), path)?,
        DataType::Date32 => Builder::Date(Fixed::new()),
        DataType::Time64(TimeUnit::Microsecond) => Builder::Time(Fixed::new()),
        DataType::Struct(fields) => {
            Builder::Struct { object: Box::new(object(path, fields, shape, depth + 1)?), nulls: Nulls::default() }
        }
        DataType::List(item) => {
            let shape = shape.and_then(|shape| shape.items.as_deref());
            Builder::List(Box::new(List::new(cell(item, &format!("{path}/*"), shape, depth + 1)?)))
        }
        DataType::Map(entries, _) => Builder::Map(Box::new(Map::new(map_values(entries, path, shape, depth)?))),
        other => return Err(refuse(path, &format!("a column of type {other}"))),
    })
}

fn timestamp(zone: Option<&str>, path: &str) -> Result<Builder, Unsupported> {
    match zone {
        None | Some("UTC" | "+00:00" | "Z" | "Etc/UTC") => {
            Ok(Builder::Timestamp { values: Fixed::new(), zoned: zone.is_some() })
        }
        Some(zone) => Err(refuse(path, &format!("a timestamp in the zone {zone}"))),
    }
}

fn map_values(entries: &Field, path: &str, shape: Option<&Shape>, depth: usize) -> Result<Cell, Unsupported> {
    match entries.data_type() {
        DataType::Struct(fields) if fields.len() == 2 && fields[0].data_type() == &DataType::Utf8 => {
            // A schema that names properties is checked on the text of the whole object.
            let others = shape.filter(|shape| shape.properties.is_empty() && shape.required.is_empty());
            let others = others.and_then(|shape| shape.others.as_deref());
            cell(&fields[1], &format!("{path}/*"), others, depth + 1)
        }
        _ => Err(refuse(path, "a map whose keys are not strings")),
    }
}

fn flag<'a>(field: &'a Field, key: &str) -> Option<&'a str> {
    field.metadata().get(key).map(String::as_str)
}

fn refuse(path: &str, what: &str) -> Unsupported {
    Unsupported { path: path.to_string(), message: format!("{what} cannot be decoded") }
}
