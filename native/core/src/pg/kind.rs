//! Arrow fields to columns.

use arrow_schema::{DataType, Field, TimeUnit};

use super::column::{Column, Integers, Slot, Texts};
use super::nested::{Array, Composite, Hstore};
use crate::Error;
use crate::columns::{Bits, Fixed, Text};
use crate::fault::pointer_step;

/// How deep columns may nest.
const DEPTH: usize = 100;

/// The key of a field's metadata that names the form its values come in.
const KEY: &str = "dativo.pg";

/// The key for the character between the items of an array's text form, if it is no comma.
const DELIMITER: &str = "dativo.pg.delimiter";

/// The column for a field at `path` (of what holds it).
///
/// # Errors
/// `UnsupportedSchema`: there is no such form, or its values are not what the Arrow type is for.
pub(super) fn slot(field: &Field, path: &str, depth: usize) -> Result<Slot, Error> {
    let path = format!("{path}{}", pointer_step(field.name()));
    let form = form(field).unwrap_or_default();
    if depth > DEPTH {
        return Err(refuse(path, format!("nesting beyond {DEPTH} levels")));
    }
    let column = match column(form, field.data_type()) {
        Some(column) => Some(column),
        None => nested(form, field, &path, depth)?,
    };
    let unknown = || refuse(path, format!("{KEY} {form:?} as a column of type {}", field.data_type()));
    let column = column.ok_or_else(unknown)?;
    Ok(Slot { name: field.name().clone(), column, nullable: field.is_nullable() })
}

/// The column of a form whose values have no parts.
fn column(form: &str, kind: &DataType) -> Option<Column> {
    Some(match (form, kind) {
        ("bool", DataType::Boolean) => Column::Boolean(Bits::new()),
        ("int2", DataType::Int64) => integers(Integers::Int2),
        ("int4", DataType::Int64) => integers(Integers::Int4),
        ("int8", DataType::Int64) => integers(Integers::Int8),
        ("oid", DataType::Int64) => integers(Integers::Oid),
        ("float4" | "float8", DataType::Float64) => Column::Float { values: Fixed::new(), single: form == "float4" },
        ("numeric", &DataType::Decimal128(precision, scale)) => {
            let scale = u8::try_from(scale).ok().filter(|scale| *scale <= precision && precision <= 38)?;
            Column::Decimal { values: Fixed::new(), precision, scale }
        }
        ("date", DataType::Date32) => Column::Date(Fixed::new()),
        ("time", DataType::Time64(TimeUnit::Microsecond)) => Column::Time(Fixed::new()),
        ("timestamp", DataType::Timestamp(TimeUnit::Microsecond, None)) => Column::Timestamp(Fixed::new()),
        ("timestamptz", DataType::Timestamp(TimeUnit::Microsecond, Some(zone))) => utc(zone)?,
        ("uuid", DataType::FixedSizeBinary(16)) => Column::Uuid(Fixed::new()),
        ("bytea", DataType::Binary) => Column::Binary(Text::new()),
        (form, DataType::Utf8) => Column::Text { values: Text::new(), form: texts(form)? },
        _ => return None,
    })
}

fn integers(wire: Integers) -> Column {
    Column::Integer { values: Fixed::new(), wire }
}

fn utc(zone: &str) -> Option<Column> {
    matches!(zone, "UTC" | "+00:00" | "Z" | "Etc/UTC").then(|| Column::Timestamp(Fixed::new()))
}

fn texts(form: &str) -> Option<Texts> {
    Some(match form {
        "text" | "json" => Texts::Verbatim,
        "jsonb" => Texts::Jsonb,
        "char" => Texts::Char,
        "numeric" => Texts::Numeric,
        "bytea" => Texts::Hex,
        "inet" | "cidr" => Texts::Inet,
        _ => return None,
    })
}

fn nested(form: &str, field: &Field, path: &str, depth: usize) -> Result<Option<Column>, Error> {
    Ok(Some(match (form, field.data_type()) {
        ("array", DataType::List(item)) => {
            let (dimensions, item) = innermost(item);
            let item = slot(item, path, depth + dimensions)?;
            Column::Array(Box::new(Array::new(dimensions, item, delimiter(field, path)?)))
        }
        ("composite", DataType::Struct(fields)) => {
            let columns = fields.iter().map(|field| slot(field, path, depth + 1));
            Column::Composite(Box::new(Composite::new(columns.collect::<Result<_, _>>()?)))
        }
        ("hstore", DataType::Map(entries, _)) if of_texts(entries) => Column::Hstore(Box::new(Hstore::new())),
        _ => return Ok(None),
    }))
}

fn delimiter(field: &Field, path: &str) -> Result<u8, Error> {
    match field.metadata().get(DELIMITER).map(String::as_bytes) {
        None => Ok(b','),
        Some([byte @ (b'!'..=b'/' | b':'..=b'@')]) if *byte != b'"' => Ok(*byte),
        Some(_) => Err(refuse(path.to_owned(), format!("{DELIMITER} that is no mark of punctuation"))),
    }
}

/// How many lists are in one another, `item` being the field in the first, and the field in the last.
fn innermost(mut item: &Field) -> (usize, &Field) {
    let mut dimensions = 1;
    while let (Some("array"), DataType::List(inner)) = (form(item), item.data_type()) {
        (item, dimensions) = (inner, dimensions + 1);
    }
    (dimensions, item)
}

fn form(field: &Field) -> Option<&str> {
    field.metadata().get(KEY).map(String::as_str)
}

fn of_texts(entries: &Field) -> bool {
    matches!(entries.data_type(), DataType::Struct(fields)
        if fields.iter().map(|field| field.data_type()).eq([&DataType::Utf8, &DataType::Utf8]))
}

#[cold]
fn refuse(path: String, message: String) -> Error {
    Error::UnsupportedSchema { stream: String::new(), path, message }
}
