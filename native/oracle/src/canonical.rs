//! Events and values in the form the cases are written in.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use dativo_core::Event;
use serde_json::{Map, Value, json};

/// The event as the cases write it; none for those that say nothing about the input.
pub fn event(event: &Event) -> Option<Value> {
    Some(match event {
        Event::NeedInput | Event::Idle => return None,
        Event::Schema { stream, .. } => json!({ "schema": stream }),
        Event::Batch { stream, batch, .. } => json!({ "batch": stream, "rows": rows(batch) }),
        Event::State { value, .. } => json!({ "state": value }),
        Event::ActivateVersion { stream, version, .. } => json!({ "activate_version": [stream, version] }),
        Event::BatchFile { stream, .. } => json!({ "batch_file": stream }),
        Event::Invalid { line, stream, path, reason, .. } => {
            json!({ "invalid": { "line": line, "stream": stream, "path": path, "reason": reason } })
        }
        Event::Notice { stream, code, subject, .. } => json!({ "notice": [code, stream, subject] }),
        Event::End { cancelled } => json!({ "end": !cancelled }),
    })
}

/// The rows of a batch.
pub fn rows(batch: &RecordBatch) -> Vec<Value> {
    (0..batch.num_rows())
        .map(|row| {
            let schema = batch.schema();
            let names = schema.fields().iter().map(|field| field.name().clone());
            names.zip(batch.columns()).map(|(name, column)| (name, value(column, row))).collect::<Map<_, _>>().into()
        })
        .collect()
}

fn value(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).into(),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::Binary => hex(array.as_binary::<i32>().value(row)),
        DataType::FixedSizeBinary(_) => hex(array.as_fixed_size_binary().value(row)),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row).into(),
        DataType::Timestamp(_, zone) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            format!("{}{}", moment(micros), if zone.is_some() { "Z" } else { "" }).into()
        }
        DataType::Date32 => day(array.as_primitive::<Date32Type>().value(row).into()).into(),
        DataType::Time64(_) => time(array.as_primitive::<Time64MicrosecondType>().value(row)).into(),
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(array.as_struct().columns());
            columns.map(|(field, column)| (field.name().clone(), value(column, row))).collect::<Map<_, _>>().into()
        }
        DataType::List(_) => values(&array.as_list::<i32>().value(row)).into(),
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, items) = (values(entries.column(0)), values(entries.column(1)));
            keys.into_iter().zip(items).map(|(key, item)| json!([key, item])).collect::<Vec<_>>().into()
        }
        other => panic!("no canonical form of {other}"),
    }
}

fn values(array: &dyn Array) -> Vec<Value> {
    (0..array.len()).map(|row| value(array, row)).collect()
}

fn hex(bytes: &[u8]) -> Value {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

const DAY: i64 = 86_400_000_000;

fn moment(micros: i64) -> String {
    format!("{}T{}", day(micros.div_euclid(DAY)), time(micros.rem_euclid(DAY)))
}

fn time(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    format!("{:02}:{:02}:{:02}.{:06}", seconds / 3600, seconds / 60 % 60, seconds % 60, micros % 1_000_000)
}

/// Counts the calendar forward from year 1, year by year and month by month: slow, and plainly right.
fn day(days: i64) -> String {
    let mut left = days + 719_162;
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1;
    while left >= 365 + i64::from(leap(year)) {
        left -= 365 + i64::from(leap(year));
        year += 1;
    }
    let mut month = 0;
    let months = [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    while left >= months[month] {
        left -= months[month];
        month += 1;
    }
    format!("{year:04}-{:02}-{:02}", month + 1, left + 1)
}

/// Where the events differ from the expected ones.
pub fn difference(events: &[Value], expected: &[Value]) -> Option<String> {
    let pairs = events.iter().zip(expected).enumerate();
    for (index, (event, expected)) in pairs {
        if !same(event, expected) {
            return Some(format!("event {index} is {event}, expected {expected}"));
        }
    }
    let (count, wanted) = (events.len(), expected.len());
    (count != wanted).then(|| format!("{count} events, expected {wanted}; the last is {:?}", events.last()))
}

/// Equality with numbers by value; zeros keep their sign.
pub fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => {
            a.as_f64().map(f64::to_bits) == b.as_f64().map(f64::to_bits)
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}
