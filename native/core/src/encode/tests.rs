//! Whole lines: what a batch becomes, and what is refused.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{Int64Builder, MapBuilder, StringBuilder};
use arrow_array::types::{Int8Type, Int64Type, UInt16Type};
use arrow_array::*;
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};

use super::Encoder;
use crate::Error;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn records(batch: &RecordBatch) -> Result<Vec<String>, Error> {
    let mut encoder = Encoder::new("s", batch.schema(), None)?;
    let lines = encoder.encode(batch, None)?;
    let text = String::from_utf8_lossy(lines).into_owned();
    let record = |line: &str| {
        let opened = line.strip_prefix(r#"{"type":"RECORD","stream":"s","record":"#)?;
        opened.strip_suffix('}').map(str::to_owned)
    };
    Ok(text.lines().map(|line| record(line).unwrap_or_else(|| format!("no record: {line}"))).collect())
}

/// The JSON of every value of one column.
fn values(array: ArrayRef) -> Result<Vec<String>, Error> {
    let field = Field::new("v", array.data_type().clone(), true);
    column(field, array)
}

fn column(field: Field, array: ArrayRef) -> Result<Vec<String>, Error> {
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array])?;
    let bare = |record: String| record.trim_start_matches(r#"{"v":"#).trim_end_matches('}').to_owned();
    Ok(records(&batch)?.into_iter().map(bare).collect())
}

#[test]
fn the_envelope_has_the_order_of_the_sdk() -> Outcome {
    let batch = RecordBatch::try_from_iter([("a\"b", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef)])?;
    let mut encoder = Encoder::new("s\n", batch.schema(), Some(-7))?;
    let lines = encoder.encode(&batch.slice(0, 1), Some("2024-01-01T00:00:00Z"))?;
    let expected = concat!(
        r#"{"type":"RECORD","stream":"s\n","record":{"a\"b":1},"version":-7,"#,
        r#""time_extracted":"2024-01-01T00:00:00Z"}"#,
        "\n"
    );
    assert_eq!(std::str::from_utf8(lines)?, expected);
    let lines = encoder.encode(&batch.slice(1, 1), None)?;
    let expected = "{\"type\":\"RECORD\",\"stream\":\"s\\n\",\"record\":{\"a\\\"b\":2},\"version\":-7}\n";
    assert_eq!(std::str::from_utf8(lines)?, expected);
    assert!(encoder.encode(&batch.slice(2, 0), None)?.is_empty());
    Ok(())
}

#[test]
fn nulls_are_written_and_rows_of_no_columns_are_empty_objects() -> Outcome {
    let options = RecordBatchOptions::new().with_row_count(Some(2));
    let empty = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options)?;
    assert_eq!(records(&empty)?, ["{}", "{}"]);
    assert_eq!(values(Arc::new(NullArray::new(2)))?, ["null", "null"]);
    assert_eq!(values(Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])))?, ["true", "null", "false"]);
    Ok(())
}

#[test]
fn a_bare_encoder_writes_records_without_envelopes() -> Outcome {
    let array: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), None]));
    let batch = RecordBatch::try_from_iter([("v", array)])?;
    let mut encoder = Encoder::bare(batch.schema())?;
    for _ in 0..2 {
        let lines = encoder.encode(&batch, Some("2026-01-31T12:00:00+00:00"))?;
        assert_eq!(lines, b"{\"v\":true}\n{\"v\":null}\n");
    }
    Ok(())
}

#[test]
fn strings_of_every_layout_are_the_same_json() -> Outcome {
    let texts = ["", "plain", "a \"quoted\" one that is longer than a block of thirty-two bytes", "tab\there", "ž🦀"];
    let expected: Vec<String> =
        texts.iter().map(|text| format!("\"{}\"", text.replace('"', "\\\"").replace('\t', "\\t"))).collect();
    assert_eq!(values(Arc::new(StringArray::from(texts.to_vec())))?, expected);
    assert_eq!(values(Arc::new(LargeStringArray::from(texts.to_vec())))?, expected);
    assert_eq!(values(Arc::new(StringViewArray::from(texts.to_vec())))?, expected);
    Ok(())
}

#[test]
fn json_text_is_embedded_without_its_line_breaks() -> Outcome {
    let field = Field::new("v", DataType::Utf8, true)
        .with_metadata(HashMap::from([("dativo.json".to_owned(), "text".to_owned())]));
    let texts = [Some("{\"a\":\r\n[1, 2]}"), None, Some("\"x\\n\""), Some("null")];
    let encoded = column(field.clone(), Arc::new(StringArray::from(texts.to_vec())))?;
    // `column` strips the braces that close the record, and here those of the text go with them.
    assert_eq!(encoded, ["{\"a\":  [1, 2]", "null", "\"x\\n\"", "null"]);
    for broken in ["", " ", "{", "1 2", "[NaN]", "nonsense"] {
        let refused = column(field.clone(), Arc::new(StringArray::from(vec!["{}", broken])));
        assert!(refused.is_err_and(|error| error.to_string().starts_with("field /v of row 1:")), "{broken}");
    }
    Ok(())
}

#[test]
fn bytes_are_base64_and_sixteen_of_them_a_uuid() -> Outcome {
    assert_eq!(values(Arc::new(BinaryArray::from(vec![b"foob".as_slice(), b""])))?, ["\"Zm9vYg==\"", "\"\""]);
    assert_eq!(values(Arc::new(BinaryViewArray::from(vec![b"fo".as_slice()])))?, ["\"Zm8=\""]);
    let uuid: Vec<u8> = (0..16).map(|i| i * 17).collect();
    let array = FixedSizeBinaryArray::try_from_iter(std::iter::once(uuid))?;
    assert_eq!(values(Arc::new(array))?, ["\"00112233-4455-6677-8899-aabbccddeeff\""]);
    let array = FixedSizeBinaryArray::try_from_iter(std::iter::once([1u8, 2]))?;
    assert_eq!(values(Arc::new(array))?, ["\"AQI=\""]);
    Ok(())
}

#[test]
fn lists_respect_offsets_slices_and_nulls() -> Outcome {
    let rows = vec![Some(vec![Some(1), None]), None, Some(vec![]), Some(vec![Some(4)])];
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>(rows.clone());
    assert_eq!(values(Arc::new(list.clone()))?, ["[1,null]", "null", "[]", "[4]"]);
    assert_eq!(values(Arc::new(list.slice(2, 2)))?, ["[]", "[4]"]);
    let large = LargeListArray::from_iter_primitive::<Int64Type, _, _>(rows);
    assert_eq!(values(Arc::new(large.slice(0, 2)))?, ["[1,null]", "null"]);
    let pairs = [Some([Some(1), Some(2)]), None, Some([None, Some(6)])];
    let fixed = FixedSizeListArray::from_iter_primitive::<Int64Type, _, _>(pairs, 2);
    assert_eq!(values(Arc::new(fixed.slice(1, 2)))?, ["null", "[null,6]"]);
    Ok(())
}

#[test]
fn structs_nest_and_their_nulls_hide_what_is_below() -> Outcome {
    let fields = Fields::from(vec![Field::new("x", DataType::Int64, true), Field::new("y/z", DataType::Date32, true)]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])),
        Arc::new(Date32Array::from(vec![0, i32::MAX, 1])),
    ];
    let nulls = NullBuffer::from(vec![true, false, true]);
    let array = StructArray::try_new(fields.clone(), columns.clone(), Some(nulls))?;
    assert_eq!(values(Arc::new(array))?, [r#"{"x":1,"y/z":"1970-01-01""#, "null", r#"{"x":3,"y/z":"1970-01-02""#]);
    let visible = StructArray::try_new(fields, columns, None)?;
    let message = values(Arc::new(visible)).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(message.starts_with("field /v/y~1z of row 1: the day 2147483647"), "{message}");
    Ok(())
}

#[test]
fn maps_are_objects() -> Outcome {
    let mut builder = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    builder.keys().append_value("k\"");
    builder.values().append_value(1);
    builder.keys().append_value("l");
    builder.values().append_null();
    builder.append(true)?;
    builder.append(true)?;
    builder.append(false)?;
    let batch = RecordBatch::try_from_iter([("v", Arc::new(builder.finish()) as ArrayRef)])?;
    assert_eq!(records(&batch)?, [r#"{"v":{"k\"":1,"l":null}}"#, r#"{"v":{}}"#, r#"{"v":null}"#]);
    Ok(())
}

#[test]
fn dictionaries_are_what_their_values_are() -> Outcome {
    let words: DictionaryArray<Int8Type> = [Some("a"), None, Some("b"), Some("a")].into_iter().collect();
    assert_eq!(values(Arc::new(words))?, ["\"a\"", "null", "\"b\"", "\"a\""]);
    let numbers = Int64Array::from(vec![Some(7), None]);
    let with_null_value = DictionaryArray::<UInt16Type>::try_new(vec![1, 0].into(), Arc::new(numbers))?;
    assert_eq!(values(Arc::new(with_null_value))?, ["null", "7"]);
    Ok(())
}

#[test]
fn a_type_without_json_form_is_refused_with_its_path() {
    let duration = Field::new("item", DataType::Duration(TimeUnit::Second), true);
    let list = Field::new("a/b", DataType::List(Arc::new(duration)), true);
    let int_keys =
        Fields::from(vec![Field::new("key", DataType::Int64, false), Field::new("value", DataType::Int64, true)]);
    let entries = Arc::new(Field::new("entries", DataType::Struct(int_keys), false));
    for (field, place) in [
        (Field::new("outer", DataType::Struct(vec![list].into()), true), "/outer/a~1b/*"),
        (Field::new("m", DataType::Map(entries, false), true), "/m"),
    ] {
        let refused = Encoder::new("s", Arc::new(Schema::new(vec![field])), None).err();
        assert!(
            matches!(&refused, Some(Error::UnsupportedSchema { stream, path, .. }) if stream == "s" && path == place),
            "{refused:?}"
        );
    }
}

#[test]
fn a_batch_of_another_schema_is_refused() -> Outcome {
    let made_for = RecordBatch::try_from_iter([("a", Arc::new(Int64Array::from(vec![1])) as ArrayRef)])?;
    let mut encoder = Encoder::new("s", made_for.schema(), None)?;
    for (name, array) in
        [("b", Arc::new(Int64Array::from(vec![1])) as ArrayRef), ("a", Arc::new(Int32Array::from(vec![1])) as ArrayRef)]
    {
        let other = RecordBatch::try_from_iter([(name, array)])?;
        assert!(matches!(encoder.encode(&other, None), Err(Error::InvalidArgument(_))));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let fewer = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options)?;
    assert!(matches!(encoder.encode(&fewer, None), Err(Error::InvalidArgument(_))));
    assert!(!encoder.encode(&made_for, None)?.is_empty());
    Ok(())
}

#[test]
fn half_floats_and_small_decimals_are_numbers() -> Outcome {
    let half = Float16Array::from_iter_values([half(1.5), half(-0.25)]);
    assert_eq!(values(Arc::new(half))?, ["1.5", "-0.25"]);
    let decimal = Decimal32Array::from(vec![1234]).with_precision_and_scale(6, 2)?;
    assert_eq!(values(Arc::new(decimal))?, ["12.34"]);
    Ok(())
}

fn half(value: f32) -> <types::Float16Type as ArrowPrimitiveType>::Native {
    <types::Float16Type as ArrowPrimitiveType>::Native::from_f32(value)
}
