//! Messages to batches.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow_schema::{Schema, SchemaRef};
use proptest::prelude::*;

use super::{HEADER, TRAILER, array_of, composite_of, copy_of, reader, row, usual};
use crate::Error;
use crate::pg::{PgOptions, PgRows, PgStep};

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![usual("int4").with_name("a"), usual("text").with_name("b")]))
}

fn message(number: i32) -> Vec<u8> {
    row(&[Some(&number.to_be_bytes()), Some(b"text")])
}

fn steps(rows: &mut PgRows) -> Result<Vec<String>, Error> {
    let mut steps = Vec::new();
    loop {
        match rows.next_step()? {
            PgStep::Batch(batch) => steps.push(batch.num_rows().to_string()),
            PgStep::Idle => steps.push("idle".into()),
            PgStep::End => return Ok(steps),
            PgStep::Cancelled => {
                steps.push("cancelled".into());
                return Ok(steps);
            }
        }
    }
}

fn played(messages: Vec<Option<Vec<u8>>>, options: PgOptions) -> Result<Vec<String>, Error> {
    steps(&mut reader(schema(), messages, options)?)
}

fn table(rows: i32) -> Vec<Option<Vec<u8>>> {
    let mut messages = vec![Some(HEADER.to_vec())];
    messages.extend((0..rows).map(|number| Some(message(number))));
    messages.push(Some(TRAILER.to_vec()));
    messages
}

#[test]
fn the_header_may_come_alone_or_with_the_first_row() {
    assert_eq!(played(table(3), PgOptions::default()).unwrap(), ["3"]);
    let values = [Some(1_i32.to_be_bytes().to_vec()), None];
    let mut rows = reader(Arc::new(Schema::new(vec![usual("int4")])), copy_of(&values), PgOptions::default()).unwrap();
    assert_eq!(steps(&mut rows).unwrap(), ["2"]);
    let mut extended = HEADER[..15].to_vec();
    extended.extend(b"\0\0\0\x02xy");
    assert_eq!(played(vec![Some([&extended[..], TRAILER].concat())], PgOptions::default()).unwrap(), [""; 0]);
}

#[test]
fn batches_are_cut_at_rows_and_at_bytes() {
    let options = PgOptions { batch_rows: 4, ..PgOptions::default() };
    assert_eq!(played(table(10), options).unwrap(), ["4", "4", "2"]);
    assert_eq!(played(table(8), options).unwrap(), ["4", "4"]);
    // A row is 18 bytes here, and not less in Arrow.
    let options = PgOptions { batch_bytes: 40, ..PgOptions::default() };
    assert_eq!(played(table(7), options).unwrap(), ["3", "3", "1"]);
}

#[test]
fn digits_that_grow_count_as_the_bytes_they_are() {
    let huge = [0, 1, 0x7F, 0xFF, 0, 0, 0, 0, 0, 1];
    let values: Vec<_> = (0..10).map(|_| Some(huge.to_vec())).collect();
    let options = PgOptions { batch_bytes: 200_000, ..PgOptions::default() };
    let mut rows = reader(Arc::new(Schema::new(vec![usual("numeric")])), copy_of(&values), options).unwrap();
    assert_eq!(steps(&mut rows).unwrap(), ["2"; 5]);
}

#[test]
fn a_wait_keeps_the_rows_that_came_before() {
    let mut messages = table(2);
    messages.insert(2, None);
    assert_eq!(played(messages, PgOptions::default()).unwrap(), ["idle", "2"]);
}

#[test]
fn a_copy_that_broke_off_drops_what_no_batch_has_taken() {
    let mut messages = table(5);
    messages.pop();
    let options = PgOptions { batch_rows: 2, ..PgOptions::default() };
    let mut rows = reader(schema(), messages, options).unwrap();
    assert_eq!(steps(&mut rows).unwrap(), ["2", "2"]);
    assert!(matches!(rows.next_step(), Ok(PgStep::End)));
}

#[test]
fn whoever_cancels_gets_no_more_rows() {
    let mut rows = reader(schema(), table(5), PgOptions { batch_rows: 2, ..PgOptions::default() }).unwrap();
    assert!(matches!(rows.next_step(), Ok(PgStep::Batch(_))));
    rows.cancel_flag().store(true, Ordering::SeqCst);
    assert_eq!(steps(&mut rows).unwrap(), ["cancelled"]);
    assert_eq!(steps(&mut rows).unwrap(), ["cancelled"]);
}

#[test]
fn messages_that_are_no_rows_are_errors_and_the_end() {
    let mut old = HEADER.to_vec();
    old[12] = 1;
    let after = [&message(1)[..], b"x"].concat();
    for (messages, said) in [
        (vec![b"1\ttext\n".to_vec()], "not the binary format"),
        (vec![HEADER[..13].to_vec()], "ends too early"),
        (vec![old], "unknown"),
        (vec![HEADER.to_vec(), row(&[None])], "a row of 1 columns where 2 are planned"),
        (vec![HEADER.to_vec(), after], "bytes after its end"),
        (vec![HEADER.to_vec(), message(1)[..9].to_vec()], "ends too early"),
        (vec![HEADER.to_vec(), vec![0]], "ends too early"),
        (vec![HEADER.to_vec(), TRAILER.to_vec(), message(1)], "a row after the last"),
    ] {
        let messages = messages.into_iter().map(Some).collect();
        let mut rows = reader(schema(), messages, PgOptions::default()).unwrap();
        let error = rows.next_step().unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert!(matches!(rows.next_step(), Ok(PgStep::End)));
    }
}

#[test]
fn an_error_says_which_row_of_all_it_is() {
    let mut messages = table(5);
    messages[4] = Some(row(&[Some(b"x"), None]));
    let mut rows = reader(schema(), messages, PgOptions { batch_rows: 2, ..PgOptions::default() }).unwrap();
    assert!(matches!(rows.next_step(), Ok(PgStep::Batch(_))));
    let error = rows.next_step().unwrap_err();
    assert_eq!(error.line(), 4);
    assert!(error.to_string().starts_with(r#"row 4, column "/a": "#));
}

proptest! {
    #[test]
    fn no_message_makes_it_panic(rest in proptest::collection::vec(any::<u8>(), 0..80)) {
        let fields = vec![
            usual("text"),
            usual("numeric").with_name("n"),
            array_of(usual("inet"), 2).with_name("l"),
            composite_of(vec![usual("date"), usual("jsonb")]).with_name("c"),
        ];
        let message = [HEADER, b"\0\x04", &rest].concat();
        let mut rows = reader(Arc::new(Schema::new(fields)), vec![Some(message)], PgOptions::default()).unwrap();
        let _ = rows.next_step();
    }
}
