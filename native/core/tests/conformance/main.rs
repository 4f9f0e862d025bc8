//! The decoder against the cases of `tests/conformance/cases/decode`, however the input is cut.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod case;

use std::io;
use std::time::Duration;

use dativo_core::{Event, Fill, Reader, Source};
use serde_json::Value;

use case::Case;
use dativo_oracle::canonical;

/// Hands out a few bytes at a time, and sometimes none.
struct Drops {
    bytes: Vec<u8>,
    pos: usize,
    chunk: usize,
    dry: bool,
}

impl Source for Drops {
    fn read(&mut self, buf: &mut [u8], _wait: Duration) -> io::Result<Fill> {
        self.dry = !self.dry;
        if self.dry {
            return Ok(Fill::TimedOut);
        }
        let count = self.chunk.min(buf.len()).min(self.bytes.len() - self.pos);
        buf[..count].copy_from_slice(&self.bytes[self.pos..self.pos + count]);
        self.pos += count;
        Ok(if count == 0 { Fill::End } else { Fill::Bytes(count) })
    }
}

/// The events until the reader needs more input or ends.
fn drain(reader: &mut Reader, case: &mut Case, events: &mut Vec<Value>) {
    loop {
        let event = reader.next_event().expect("a readable input");
        if let Event::Schema { stream, text, .. } = &event {
            case.plan(reader, stream, text);
        }
        events.extend(canonical::event(&event));
        if matches!(event, Event::NeedInput | Event::End { .. }) {
            return;
        }
    }
}

fn fed(mut case: Case, chunk: usize) -> Vec<Value> {
    let mut events = Vec::new();
    let mut reader = Reader::fed(case.options);
    for bytes in case.input.clone().chunks(chunk) {
        reader.feed(bytes).unwrap();
        drain(&mut reader, &mut case, &mut events);
    }
    reader.finish().unwrap();
    drain(&mut reader, &mut case, &mut events);
    events
}

fn pulled(mut case: Case, chunk: usize) -> Vec<Value> {
    let mut events = Vec::new();
    let source = Drops { bytes: case.input.clone(), pos: 0, chunk, dry: false };
    let mut reader = Reader::from_source(Box::new(source), case.options);
    drain(&mut reader, &mut case, &mut events);
    events
}

/// Runs every case in one way and names those that differ.
fn run(way: impl Fn(Case) -> Vec<Value>) {
    let mut failures = Vec::new();
    for case in case::all() {
        let (name, expected) = (case.name.clone(), case.expected.clone());
        let events = way(case);
        if let Some(difference) = canonical::difference(&events, &expected) {
            failures.push(format!("{name}: {difference}"));
        }
    }
    assert!(failures.is_empty(), "{} cases differ:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn fed_whole() {
    run(|case| fed(case, usize::MAX));
}

#[test]
fn fed_in_sevens() {
    run(|case| fed(case, 7));
}

#[test]
fn fed_byte_by_byte() {
    run(|case| fed(case, 1));
}

#[test]
fn pulled_in_odd_chunks() {
    run(|case| pulled(case, 113));
}

#[test]
fn there_are_cases() {
    assert!(case::all().len() >= 45);
}
