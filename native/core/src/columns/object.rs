//! The members of a JSON object, each to its column.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::cell::Cell;
use super::context::Context;
use super::expect::Expect;
use super::hash::KeyHasher;
use super::nulls::Lagging;
use super::order::Order;
use super::{Builder, key};
use crate::fault::{Fault, Parsed, pointer_step};
use crate::scan::{Here, skip_space};

/// How many keys without a column are remembered for each object.
const IGNORED: usize = 1_000;
/// How many fields after the expected one are tried before the key is looked up.
const LOOK_AHEAD: usize = 3;

/// The columns of an object, found by their keys.
pub(crate) struct Object {
    /// The columns in their order, then keys that have none.
    fields: Vec<Field>,
    columns: usize,
    /// How many fields there may be.
    room: usize,
    by_name: HashMap<Box<[u8]>, usize, BuildHasherDefault<KeyHasher>>,
    /// The first key of the last object: field and bytes.
    opening: (usize, Expect),
    order: Order,
    /// Fields that every object must have, and what to say if one does not.
    required: Vec<(usize, &'static str)>,
    /// Counts the objects begun; a field seen in this one carries the number.
    turn: u64,
    rows: usize,
    /// JSON pointer of the object inside the record.
    path: String,
}

struct Field {
    expect: Expect,
    /// The field that came after this one last time.
    next: usize,
    seen: u64,
    cell: Cell,
    name: Box<str>,
}

/// What comes after a value.
enum Turn {
    Member { field: usize, value: usize },
    End(usize),
}

impl Object {
    /// An object of the properties in `known`, the first `columns` of which are columns; the rest is checked and dropped.
    pub(crate) fn new(
        path: String,
        known: Vec<(String, Cell)>,
        columns: usize,
        required: Vec<(usize, &'static str)>,
    ) -> Object {
        let by_name = known.iter().enumerate().map(|(index, (name, _))| (name.as_bytes().into(), index)).collect();
        let fields: Vec<Field> =
            known.into_iter().enumerate().map(|(index, (name, cell))| Field::new(name, cell, index + 1)).collect();
        let (room, order) = (fields.len() + IGNORED, Order::new(fields.len()));
        Object {
            fields,
            columns,
            room,
            by_name,
            opening: (0, Expect::new(b"")),
            order,
            required,
            turn: 0,
            rows: 0,
            path,
        }
    }

    /// Reads the members from `pos`, after the opening brace, as the next row. On a fault the row leaves no trace.
    ///
    /// The row is complete when [`Object::commit`] is called; until then [`Object::rollback`] undoes it.
    pub(crate) fn read(&mut self, bytes: &[u8], pos: usize, context: &mut Context) -> Parsed {
        let end = self.members(bytes, pos, context).and_then(|end| self.check_required().map(|()| end));
        if end.is_err() {
            self.rollback();
        }
        end
    }

    #[inline]
    fn members(&mut self, bytes: &[u8], pos: usize, context: &mut Context) -> Parsed {
        self.turn += 1;
        let (mut index, mut pos) = match self.opening.1.after(Here::at(bytes, pos)) {
            Some(value) => (self.opening.0, value),
            None => match self.open(bytes, pos, context)? {
                Turn::Member { field, value } => (field, value),
                Turn::End(end) => return Ok(end),
            },
        };
        loop {
            let field = &mut self.fields[index];
            if field.seen == self.turn {
                field.cell.builder.forget(self.rows);
            }
            field.seen = self.turn;
            pos = match field.cell.decode(self.rows, Here::at(bytes, pos), context) {
                Ok(end) => end,
                Err(fault) => field.decode_behind_space(self.rows, bytes, pos, fault, context)?,
            };
            let (here, next) = (Here::at(bytes, pos), field.next);
            if let Some(value) = self.fields.get(next).and_then(|field| field.expect.after(here)) {
                (index, pos) = (next, value);
                continue;
            }
            match self.turn(index, bytes, pos, context)? {
                Turn::Member { field, value } => (index, pos) = (field, value),
                Turn::End(end) => return Ok(end),
            }
        }
    }

    /// What comes after the value of `previous`, when it is not what came last time.
    fn turn(&mut self, previous: usize, bytes: &[u8], pos: usize, context: &mut Context) -> Result<Turn, Box<Fault>> {
        if bytes.get(pos) == Some(&b'}') {
            return Ok(Turn::End(pos + 1));
        }
        let here = Here::at(bytes, pos);
        for &field in self.order.after(previous, LOOK_AHEAD) {
            if let Some(value) = self.fields[field].expect.after(here) {
                self.fields[previous].next = field;
                return Ok(Turn::Member { field, value });
            }
        }
        let Some(start) = key::after_comma(bytes, pos)? else {
            return key::end_of_object(bytes, pos).map(Turn::End);
        };
        let (field, value) = self.find(bytes, start, Some(previous), context)?;
        self.order.learn(previous, field);
        self.fields[previous].next = field;
        if self.fields[field].expect.after(here) != Some(value) {
            self.fields[field].expect = Expect::new(&bytes[pos..value]);
        }
        Ok(Turn::Member { field, value })
    }

    /// The first member, when it is not the one that was first last time.
    fn open(&mut self, bytes: &[u8], pos: usize, context: &mut Context) -> Result<Turn, Box<Fault>> {
        let start = skip_space(bytes, pos);
        if bytes.get(start) == Some(&b'}') {
            return Ok(Turn::End(start + 1));
        }
        let (field, value) = self.find(bytes, start, None, context)?;
        self.opening = (field, Expect::new(&bytes[pos..value]));
        Ok(Turn::Member { field, value })
    }

    /// The field of the key at `pos`, which comes after that of `previous`, and the position of its value.
    fn find(
        &mut self,
        bytes: &[u8],
        pos: usize,
        previous: Option<usize>,
        context: &mut Context,
    ) -> Result<(usize, usize), Box<Fault>> {
        let mut scratch = std::mem::take(&mut context.key);
        let found = key::read(bytes, pos, &mut scratch).map(|(name, value)| {
            let known = self.by_name.get(name).copied();
            (known.unwrap_or_else(|| self.ignore(name, previous, context)), value)
        });
        context.key = scratch;
        found
    }

    /// A field for a key without a column: its values are skipped.
    fn ignore(&mut self, name: &[u8], previous: Option<usize>, context: &mut Context) -> usize {
        let full = self.fields.len() >= self.room;
        let name = if full { String::new() } else { String::from_utf8_lossy(name).into_owned() };
        if full && self.fields.last().is_some_and(|field| field.name.is_empty()) {
            return self.fields.len() - 1;
        }
        if !full {
            context.notice(|| format!("{}{}", self.path, pointer_step(&name)));
            self.by_name.insert(name.as_bytes().into(), self.fields.len());
        }
        self.order.add(previous);
        self.fields.push(Field::new(name, Cell::plain(Builder::Skip), usize::MAX));
        self.fields.len() - 1
    }

    fn check_required(&self) -> Result<(), Box<Fault>> {
        for &(index, reason) in &self.required {
            let field = &self.fields[index];
            if field.seen != self.turn {
                return Err(Fault::value(reason).within(&*field.name));
            }
        }
        Ok(())
    }

    /// Keeps the row just read.
    #[inline(always)]
    pub(crate) fn commit(&mut self) {
        self.rows += 1;
    }

    /// Drops the row just read.
    #[cold]
    pub(crate) fn rollback(&mut self) {
        self.truncate(self.rows);
    }

    /// The builders of the columns, in their order.
    pub(crate) fn builders(&mut self) -> impl Iterator<Item = &mut Builder> {
        self.fields[..self.columns].iter_mut().map(|field| &mut field.cell.builder)
    }

    /// Bytes that the rows take in Arrow.
    pub(crate) fn footprint(&self) -> usize {
        self.fields[..self.columns].iter().map(|field| field.cell.builder.footprint(self.rows)).sum()
    }

    /// Starts again at row 0, after the builders were emptied.
    pub(crate) fn restart(&mut self) {
        self.rows = 0;
    }
}

impl Lagging for Object {
    #[inline(always)]
    fn len(&self) -> usize {
        self.rows
    }

    fn pad(&mut self, rows: usize) {
        self.rows = rows;
    }

    fn truncate(&mut self, rows: usize) {
        self.rows = self.rows.min(rows);
        for builder in self.builders() {
            builder.forget(rows);
        }
    }
}

impl Field {
    fn new(name: String, cell: Cell, next: usize) -> Field {
        Field { expect: Expect::key(&name), next, seen: 0, cell, name: name.into() }
    }

    /// Decodes again from behind white space: a guess stops before it when there is more than last time.
    #[cold]
    fn decode_behind_space(
        &mut self,
        row: usize,
        bytes: &[u8],
        pos: usize,
        fault: Box<Fault>,
        context: &mut Context,
    ) -> Parsed {
        let value = skip_space(bytes, pos);
        let end = if value == pos {
            Err(fault)
        } else {
            self.cell.builder.forget(row);
            self.cell.decode(row, Here::at(bytes, value), context)
        };
        end.map_err(|fault| fault.within(&*self.name))
    }
}
