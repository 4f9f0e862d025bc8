//! The messages of `pgoutput`, as protocol 1 and 2 have them.

use std::ops::Range;

use super::super::wire::Wire;
use super::relation::{PgRelation, PgRelationColumn};
use crate::fault::Fault;

/// From 1970-01-01 to 2000-01-01, PostgreSQL's own epoch, in microseconds.
const EPOCH: i64 = 10_957 * 86_400 * 1_000_000;

/// What the walsender's messages are around.
#[derive(Debug, PartialEq)]
pub(super) enum Envelope<'a> {
    /// A message of the plugin, at a position.
    Data {
        lsn: u64,
        clock: i64,
        message: &'a [u8],
    },
    Keepalive {
        end_lsn: u64,
        clock: i64,
        reply: bool,
    },
}

pub(super) fn envelope(bytes: &[u8]) -> Result<Envelope<'_>, Box<Fault>> {
    let mut wire = Wire(bytes);
    match wire.u8()? {
        b'w' => {
            let (lsn, _end, clock) = (wire.u64()?, wire.u64()?, time(&mut wire)?);
            Ok(Envelope::Data { lsn, clock, message: wire.0 })
        }
        b'k' => Ok(Envelope::Keepalive { end_lsn: wire.u64()?, clock: time(&mut wire)?, reply: wire.u8()? != 0 }),
        _ => Err(broken("a message that is neither data nor keepalive")),
    }
}

/// A transaction whose changes are to come, or have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Transaction {
    /// Where it was committed.
    pub(super) lsn: u64,
    /// Microseconds since 1970.
    pub(super) commit_time: i64,
    pub(super) xid: u32,
}

/// What controls the flow of changes.
#[derive(Debug, PartialEq)]
pub(super) enum Control {
    Begin(Transaction),
    Commit { end_lsn: u64 },
    StreamStart { xid: u32 },
    StreamStop,
    StreamCommit { transaction: Transaction, end_lsn: u64 },
    StreamAbort { xid: u32, subxid: u32 },
}

/// The control that a message is, none for the others.
pub(super) fn control(message: &[u8]) -> Result<Option<Control>, Box<Fault>> {
    let mut wire = Wire(message);
    Ok(Some(match wire.u8()? {
        b'B' => {
            let (lsn, commit_time) = (wire.u64()?, time(&mut wire)?);
            Control::Begin(Transaction { lsn, commit_time, xid: wire.u32()? })
        }
        b'C' => {
            let (_flags, _lsn) = (wire.u8()?, wire.u64()?);
            Control::Commit { end_lsn: wire.u64()? }
        }
        b'S' => Control::StreamStart { xid: wire.u32()? },
        b'E' => Control::StreamStop,
        b'c' => {
            let (xid, _flags, lsn, end_lsn) = (wire.u32()?, wire.u8()?, wire.u64()?, wire.u64()?);
            let transaction = Transaction { lsn, commit_time: time(&mut wire)?, xid };
            Control::StreamCommit { transaction, end_lsn }
        }
        b'A' => Control::StreamAbort { xid: wire.u32()?, subxid: wire.u32()? },
        _ => return Ok(None),
    }))
}

/// What a transaction consists of; its tuples are in a [`Row`].
#[derive(Debug, PartialEq)]
pub(super) enum Content<'a> {
    Relation(PgRelation),
    Insert {
        relid: u32,
    },
    Update {
        relid: u32,
    },
    Delete {
        relid: u32,
    },
    Truncate {
        relids: Vec<u32>,
    },
    Message {
        lsn: u64,
        prefix: &'a [u8],
        content: &'a [u8],
    },
    /// Says nothing that is needed: an origin, the name of a type.
    Other,
}

/// Reads what a transaction consists of, putting the values of rows into `row`.
pub(super) fn content<'a>(message: &'a [u8], row: &mut Row) -> Result<Content<'a>, Box<Fault>> {
    let mut wire = Wire(message);
    let content = match wire.u8()? {
        b'I' => {
            let relid = wire.u32()?;
            row.read(&mut wire, message, false)?;
            Content::Insert { relid }
        }
        b'U' => {
            let relid = wire.u32()?;
            row.read(&mut wire, message, true)?;
            Content::Update { relid }
        }
        b'D' => {
            let relid = wire.u32()?;
            row.read_old(&mut wire, message)?;
            Content::Delete { relid }
        }
        b'R' => Content::Relation(relation(&mut wire)?),
        b'T' => {
            let (count, _options) = (wire.count(4)?, wire.u8()?);
            Content::Truncate { relids: (0..count).map(|_| wire.u32()).collect::<Result<_, _>>()? }
        }
        b'M' => {
            let (_flags, lsn, prefix) = (wire.u8()?, wire.u64()?, cstring(&mut wire)?);
            let length = wire.count(1)?;
            Content::Message { lsn, prefix, content: wire.take(length)? }
        }
        b'O' | b'Y' => return Ok(Content::Other),
        other => return Err(broken(&format!("a message {:?} that is unknown", char::from(other)))),
    };
    wire.end()?;
    Ok(content)
}

fn relation(wire: &mut Wire) -> Result<PgRelation, Box<Fault>> {
    let relid = wire.u32()?;
    let (schema, table) = (name(wire)?, name(wire)?);
    let identity = char::from(wire.u8()?);
    let count = wire.i16()?;
    let column = |_| {
        let key = wire.u8()? & 1 != 0;
        Ok(PgRelationColumn { key, name: name(wire)?, type_oid: wire.u32()?, modifier: wire.i32()? })
    };
    let columns = (0..count).map(column).collect::<Result<_, Box<Fault>>>()?;
    Ok(PgRelation { relid, schema, table, identity, columns })
}

fn name(wire: &mut Wire) -> Result<String, Box<Fault>> {
    Ok(String::from_utf8_lossy(cstring(wire)?).into_owned())
}

fn cstring<'a>(wire: &mut Wire<'a>) -> Result<&'a [u8], Box<Fault>> {
    let length = wire.0.iter().position(|byte| *byte == 0).ok_or_else(|| broken("a text that does not end"))?;
    let text = wire.take(length)?;
    wire.u8()?;
    Ok(text)
}

fn time(wire: &mut Wire) -> Result<i64, Box<Fault>> {
    Ok((wire.u64()? as i64).saturating_add(EPOCH))
}

/// A value of a tuple.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    /// It is stored out of line and did not change, so it was not sent.
    Unchanged,
    /// Where in the message its text is.
    Text(Range<usize>),
}

/// The values of one change. The memory is used again for the next.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) new: Vec<Value>,
    pub(super) old: Option<Old>,
    spare: Vec<Value>,
}

/// What the row was before: all of it, or its key alone.
#[derive(Debug)]
pub(super) struct Old {
    pub(super) values: Vec<Value>,
}

impl Row {
    /// The tuples of an insert or update, of which only the second may have an old one.
    fn read(&mut self, wire: &mut Wire, message: &[u8], update: bool) -> Result<(), Box<Fault>> {
        self.clear();
        if update && matches!(wire.0.first(), Some(b'K' | b'O')) {
            self.read_old(wire, message)?;
        }
        match wire.u8()? {
            b'N' => tuple(wire, message, &mut self.new),
            _ => Err(broken("a change without a new tuple")),
        }
    }

    /// The old tuple that comes next.
    fn read_old(&mut self, wire: &mut Wire, message: &[u8]) -> Result<(), Box<Fault>> {
        self.clear();
        if !matches!(wire.u8()?, b'K' | b'O') {
            return Err(broken("a change without an old tuple"));
        }
        let mut values = std::mem::take(&mut self.spare);
        tuple(wire, message, &mut values)?;
        self.old = Some(Old { values });
        Ok(())
    }

    fn clear(&mut self) {
        self.new.clear();
        if let Some(old) = self.old.take() {
            self.spare = old.values;
        }
        self.spare.clear();
    }
}

#[inline(always)]
fn tuple(wire: &mut Wire, message: &[u8], values: &mut Vec<Value>) -> Result<(), Box<Fault>> {
    let count = wire.i16()?;
    for _ in 0..count {
        values.push(match wire.u8()? {
            b'n' => Value::Null,
            b'u' => Value::Unchanged,
            b't' => {
                let length = wire.count(1)?;
                let start = message.len() - wire.0.len();
                wire.take(length)?;
                Value::Text(start..start + length)
            }
            _ => return Err(broken("a value that is not text: start the replication without binary")),
        });
    }
    Ok(())
}

#[cold]
pub(super) fn broken(why: &str) -> Box<Fault> {
    Fault::value(format!("malformed message of pgoutput: {why}"))
}
