//! Transactions that come before their commit.

use std::time::Duration;

use arrow_schema::DataType;

use super::super::field;
use super::{columns, data, insert, reader, relation, told};
use crate::pg::{ChangesOptions, SpoolOptions};

/// A part of the transaction `top`: changes of `xid`, each a row with a key.
fn part(top: u32, xid: u32, keys: std::ops::Range<u32>) -> Vec<Option<Vec<u8>>> {
    let start = [&b"S"[..], &top.to_be_bytes(), &[1]].concat();
    let tagged = |message: &[u8]| [&message[..1], &xid.to_be_bytes(), &message[1..]].concat();
    let rows = keys.map(|key| data(1, &tagged(&insert(&[Some(key.to_string().as_bytes())]))));
    let described = data(1, &tagged(&relation(&["k"])));
    [data(1, &start), data(1, b"O\0\0\0\0\0\0\0\x01there\0"), described]
        .into_iter()
        .chain(rows)
        .chain([data(1, b"E")])
        .collect()
}

fn abort(top: u32, xid: u32) -> Option<Vec<u8>> {
    data(1, &[&b"A"[..], &top.to_be_bytes(), &xid.to_be_bytes()].concat())
}

fn commit(top: u32, lsn: u64) -> Option<Vec<u8>> {
    let rest = [lsn, lsn + 10, 0].into_iter().flat_map(u64::to_be_bytes);
    data(lsn, &[b'c'].into_iter().chain(top.to_be_bytes()).chain([0]).chain(rest).collect::<Vec<_>>())
}

/// What comes out with so much memory for what waits.
fn rows(messages: Vec<Option<Vec<u8>>>, memory: usize) -> Vec<String> {
    let spool = SpoolOptions { memory, ..SpoolOptions::default() };
    let limits = ChangesOptions { commit_interval: Duration::ZERO, spool };
    let schema = columns(vec![field("k", DataType::Int64, "int4")]);
    let said = told(&mut reader(messages, limits), &schema).unwrap();
    said.iter().map(|told| told.replace("{\"k\":", "").replace("}\n", " ").replace('}', "")).collect()
}

#[test]
fn parts_that_take_turns_come_out_by_their_commits() {
    let messages: Vec<_> = [
        part(1, 1, 0..3),
        part(2, 2, 10..13),
        part(1, 4, 3..5),
        part(3, 3, 20..30),
        part(1, 5, 5..7),
        vec![abort(1, 4)],
        part(2, 2, 13..14),
        vec![commit(2, 100), abort(3, 3), commit(1, 200), commit(3, 300)],
    ]
    .concat();
    let expected = ["relation t", "10 11 12 13", "commit 110 of 2", "0 1 2 5 6", "commit 210 of 1", "commit 310 of 3"];
    for memory in [0, 100, 200, 400, 1 << 20] {
        assert_eq!(rows(messages.clone(), memory), expected, "with {memory} bytes of memory");
    }
}

#[test]
fn a_large_transaction_is_not_in_memory() {
    let messages: Vec<_> = [part(1, 1, 0..20_000), vec![commit(1, 100)]].concat();
    let said = rows(messages, 1000);
    assert_eq!(said.len(), 3);
    assert_eq!(said[1].split(' ').count(), 20_000);
    assert!(said[1].ends_with(" 19998 19999"));
}

#[test]
fn a_directory_that_is_none_is_an_error() {
    let spool = SpoolOptions { directory: "/nowhere/at/all".into(), memory: 10 };
    let limits = ChangesOptions { spool, ..ChangesOptions::default() };
    let said = told(&mut reader(part(1, 1, 0..3), limits), &columns(vec![])).unwrap_err();
    assert!(said.is_retryable(), "{said}");
}
