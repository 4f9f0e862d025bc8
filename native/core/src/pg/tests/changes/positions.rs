//! When a position is handed over.

use std::time::Duration;

use arrow_schema::DataType;

use super::super::field;
use super::{begin, columns, commit, data, insert, keepalive, reader, relation, told};
use crate::pg::tests::Played;
use crate::pg::{ChangesOptions, PgChange, PgChanges, PgOptions};

fn hour() -> ChangesOptions {
    ChangesOptions { commit_interval: Duration::from_secs(3600), ..ChangesOptions::default() }
}

fn key() -> std::sync::Arc<arrow_schema::Schema> {
    columns(vec![field("k", DataType::Int64, "int4")])
}

/// Two transactions with a row each.
fn two() -> Vec<Option<Vec<u8>>> {
    let row = |key: &[u8]| insert(&[Some(key)]);
    vec![
        begin(100, 7),
        data(90, &relation(&["k"])),
        data(95, &row(b"1")),
        commit(100, 110),
        begin(120, 8),
        data(115, &row(b"2")),
        commit(120, 130),
    ]
}

#[test]
fn positions_are_folded_while_changes_come() {
    let mut messages = two();
    messages.push(None);
    let mut changes = reader(messages, hour());
    let said = told(&mut changes, &key()).unwrap();
    assert_eq!(said, ["relation t", "{\"k\":1}\n{\"k\":2}", "commit 130 of 8"]);
    assert_eq!(changes.received().0, 120);
}

#[test]
fn the_end_of_the_stream_brings_out_what_was_committed() {
    assert_eq!(told(&mut reader(two(), hour()), &key()).unwrap().last().unwrap(), "commit 130 of 8");
    let mut open = two();
    open.pop();
    open.insert(4, None);
    let said = told(&mut reader(open, hour()), &key()).unwrap();
    assert_eq!(said, ["relation t", "{\"k\":1}", "commit 110 of 7"], "what was not committed is dropped");
}

#[test]
fn a_wanted_position_comes_with_the_next_commit() {
    let mut changes = reader(two(), hour());
    changes.flush();
    let said = told(&mut changes, &key()).unwrap();
    assert_eq!(said, ["relation t", "{\"k\":1}", "commit 110 of 7", "{\"k\":2}", "commit 130 of 8"]);
}

#[test]
fn what_the_server_says_is_a_position_outside_a_transaction_alone() {
    let mut messages = two();
    messages.insert(3, keepalive(500, 0));
    messages.push(keepalive(140, 0));
    messages.push(keepalive(135, 0));
    let mut changes = reader(messages, ChangesOptions::default());
    let said = told(&mut changes, &key()).unwrap();
    assert_eq!(said[2], "commit 110 of 7", "500 lies beyond what has been read");
    assert_eq!(said[4..], ["commit 130 of 8", "commit 140 of 0"], "and none goes back");
    assert_eq!(changes.received().0, 500);
}

#[test]
fn an_answer_that_is_wanted_is_asked_for_at_once() {
    let mut messages = two();
    messages.insert(3, keepalive(99, 1));
    let mut changes = reader(messages, hour());
    assert!(matches!(changes.next_change(), Ok(PgChange::Relation(_))));
    changes.plan(super::RELID, Some(key()), 0).unwrap();
    assert!(matches!(changes.next_change(), Ok(PgChange::Keepalive { end_lsn: 99 })));
}

#[test]
fn a_cancelled_stream_says_so() {
    let mut changes = reader(two(), hour());
    changes.cancel_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(changes.next_change(), Ok(PgChange::Cancelled)));
    assert!(matches!(changes.next_change(), Ok(PgChange::Cancelled)));
}

#[test]
fn a_caller_gets_a_word_in_while_rows_pour_in() {
    let mut messages = vec![begin(100, 7), data(90, &relation(&["k"]))];
    messages.extend((0..1000).map(|key| data(95, &insert(&[Some(key.to_string().as_bytes())]))));
    messages.push(commit(100, 110));
    let options = PgOptions { idle_millis: 0, ..PgOptions::default() };
    let source = Played { messages: messages.into(), lent: Vec::new() };
    let said = told(&mut PgChanges::new(Box::new(source), options, hour()), &key()).unwrap();
    let idle = said.iter().filter(|said| *said == "Idle").count();
    assert!(idle > 10, "{idle} times");
    let rows: Vec<&str> = said.iter().filter(|said| said.starts_with('{')).flat_map(|batch| batch.lines()).collect();
    assert_eq!(rows.len(), 1000, "and no row is lost by it");
    assert_eq!(said.last().unwrap(), "commit 110 of 7");
}
