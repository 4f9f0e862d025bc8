//! The rows of one relation, on their way into batches.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{ArrayBuilder, Int16Builder, ListBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::super::column::{Column, Integers, Slot};
use super::super::finish::finish;
use super::super::kind::slot;
use super::super::policy::{Context, PgOptions};
use super::super::text::put;
use super::message::{Old, Row, Transaction, Value, broken};
use super::relation::PgRelation;
use crate::Error;
use crate::columns::{Fixed, Pool};
use crate::fault::{Fault, pointer_step};

/// The name of the column that says which values are missing because they did not change.
const UNCHANGED: &str = "_dativo_unchanged";

/// As many columns as their indices can tell apart.
const MOST_COLUMNS: usize = i16::MAX as usize;

const NOT_SENT: &str = "a value that did not change and was not sent, where the schema allows no null";

/// What a column is filled from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// A column of the relation, if it still has it.
    Value,
    Lsn,
    CommitTime,
    Xid,
    DeletedAt,
}

/// A change, and where it belongs.
pub(super) struct Change<'a> {
    pub(super) message: &'a [u8],
    pub(super) lsn: u64,
    pub(super) transaction: Transaction,
}

/// Changes of one relation to columns.
pub(super) struct Batches {
    schema: SchemaRef,
    slots: Vec<Slot>,
    origins: Vec<Origin>,
    /// For each column of the relation, the one it goes into.
    targets: Vec<Option<usize>>,
    /// Columns of the relation that are both in the plan's key and in the replica identity.
    keys: Vec<usize>,
    has_deletions: bool,
    context: Context,
    pub(super) tally: Vec<u64>,
    width: usize,
    /// Rows with values that did not change, and the columns of those.
    unchanged: Vec<(usize, Vec<i16>)>,
    pub(super) rows: usize,
    pub(super) bytes: usize,
    /// Rows of the batches before.
    done: u64,
}

impl Batches {
    /// Batches of `planned` columns for the rows of a relation.
    pub(super) fn new(planned: &Schema, relation: &PgRelation, options: &PgOptions) -> Result<Batches, Error> {
        if let Some(field) = planned.fields().get(MOST_COLUMNS) {
            return Err(refuse(field, format!("a relation of more than {MOST_COLUMNS} columns")));
        }
        let mut batches = Batches {
            schema: Arc::new(with_unchanged(planned)),
            slots: Vec::new(),
            origins: planned.fields().iter().map(|field| origin(field)).collect::<Result<_, _>>()?,
            targets: Vec::new(),
            keys: Vec::new(),
            has_deletions: false,
            context: Context::new(options),
            tally: vec![0; planned.fields().len()],
            width: 0,
            unchanged: Vec::new(),
            rows: 0,
            bytes: 0,
            done: 0,
        };
        batches.slots = batches.empty()?;
        batches.width = batches.slots.iter().map(|slot| slot.column.width()).sum();
        batches.has_deletions = batches.origins.contains(&Origin::DeletedAt);
        batches.match_columns(planned, relation)?;
        Ok(batches)
    }

    /// New columns. Those of a batch that is done would keep its memory.
    fn empty(&self) -> Result<Vec<Slot>, Error> {
        let planned = self.schema.fields().iter().zip(&self.origins);
        planned
            .map(|(field, origin)| {
                let column = match origin {
                    Origin::Value => return slot(field, "", 0),
                    Origin::Lsn | Origin::Xid => Column::Integer { values: Fixed::new(), wire: Integers::Int8 },
                    Origin::CommitTime | Origin::DeletedAt => Column::Timestamp(Fixed::new()),
                };
                Ok(Slot { name: field.name().clone(), column, nullable: field.is_nullable() })
            })
            .collect()
    }

    fn match_columns(&mut self, planned: &Schema, relation: &PgRelation) -> Result<(), Error> {
        let values = planned.fields().iter().zip(&self.origins).enumerate();
        let values = values.filter(|(_, (_, origin))| **origin == Origin::Value).map(|(at, (field, _))| (at, field));
        let mut by_name: HashMap<&str, (usize, &Field)> =
            values.map(|(at, field)| (field.name().as_str(), (at, field.as_ref()))).collect();
        for (index, column) in relation.columns.iter().enumerate() {
            let target = by_name.remove(column.name.as_str());
            let is_key = |field: &Field| field.metadata().get("dativo.key").is_some_and(|flag| flag == "true");
            if column.key && target.is_some_and(|(_, field)| is_key(field)) {
                self.keys.push(index);
            }
            self.targets.push(target.map(|(at, _)| at));
        }
        match by_name.into_values().find(|(_, field)| !field.is_nullable()) {
            Some((_, field)) => Err(refuse(field, "is not null, and the relation has no such column".to_owned())),
            None => Ok(()),
        }
    }

    pub(super) fn insert(&mut self, change: &Change, row: &Row) -> Result<(), Error> {
        self.put_row(change, &row.new, None, None)
    }

    /// The row as it is now. If its key is another than before, the old one is deleted first.
    pub(super) fn update(&mut self, change: &Change, row: &Row) -> Result<(), Error> {
        let Some(old) = &row.old else {
            return self.put_row(change, &row.new, None, None);
        };
        let moved = |&key: &usize| match (row.new.get(key), old.values.get(key)) {
            (Some(Value::Text(new)), Some(Value::Text(old))) => {
                change.message.get(new.clone()) != change.message.get(old.clone())
            }
            (Some(Value::Unchanged), _) => false,
            (new, old) => new != old,
        };
        if self.keys.iter().any(moved) {
            self.delete(change, old)?;
        }
        self.put_row(change, &row.new, Some(old), None)
    }

    pub(super) fn delete(&mut self, change: &Change, old: &Old) -> Result<(), Error> {
        if !self.has_deletions {
            return Ok(());
        }
        self.put_row(change, &old.values, None, Some(change.transaction.commit_time))
    }

    /// Adds a row of `values`; those that did not change are those of `old`, as far as it has them.
    fn put_row(
        &mut self,
        change: &Change,
        values: &[Value],
        old: Option<&Old>,
        deleted_at: Option<i64>,
    ) -> Result<(), Error> {
        if values.len() != self.targets.len() {
            let reason = format!("a row of {} columns where the relation has {}", values.len(), self.targets.len());
            return Err(self.at(String::new(), &broken(&reason)));
        }
        let mut unchanged = Vec::new();
        for (index, value) in values.iter().enumerate() {
            let Some(target) = self.targets[index] else { continue };
            let value = match (value, old) {
                (Value::Unchanged, Some(old)) if matches!(old.values.get(index), Some(Value::Text(_))) => {
                    &old.values[index]
                }
                (value, _) => value,
            };
            match value {
                Value::Text(range) => self.put_value(target, change.message.get(range.clone()))?,
                Value::Null => self.put_value(target, None)?,
                Value::Unchanged if self.slots[target].nullable => unchanged.push(target as i16),
                Value::Unchanged => return Err(self.invalid(target, &Fault::value(NOT_SENT))),
            }
        }
        if !unchanged.is_empty() {
            self.context.grown += 2 * unchanged.len();
            self.unchanged.push((self.rows, unchanged));
        }
        self.describe(change, deleted_at);
        self.bytes += self.width.max(change.message.len()) + std::mem::take(&mut self.context.grown);
        self.rows += 1;
        Ok(())
    }

    #[inline(always)]
    fn put_value(&mut self, target: usize, value: Option<&[u8]>) -> Result<(), Error> {
        let put = put(&mut self.slots[target], self.rows, value, &mut self.context);
        put.map_err(|fault| self.invalid(target, &fault))?;
        if self.context.changed > 0 {
            self.tally[target] += std::mem::take(&mut self.context.changed);
        }
        Ok(())
    }

    /// Sets the columns that are about the change itself.
    fn describe(&mut self, change: &Change, deleted_at: Option<i64>) {
        let row = self.rows;
        for (origin, slot) in self.origins.iter().zip(&mut self.slots) {
            let value = match origin {
                Origin::Value => continue,
                Origin::Lsn => Some(change.lsn as i64),
                Origin::Xid => Some(i64::from(change.transaction.xid)),
                Origin::CommitTime => Some(change.transaction.commit_time),
                Origin::DeletedAt => deleted_at,
            };
            if let (Column::Integer { values, .. } | Column::Timestamp(values), Some(value)) = (&mut slot.column, value)
            {
                values.put(row, value);
            }
        }
    }

    /// The rows so far; none are left.
    pub(super) fn batch(&mut self) -> Result<RecordBatch, Error> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        self.done += rows as u64;
        // A batch's memory is not kept for the next: there may be a thousand relations, each with rows now and then.
        let pool = Pool::new(0);
        let fresh = self.empty()?;
        let slots = std::mem::replace(&mut self.slots, fresh);
        let columns = slots.into_iter().zip(self.schema.fields());
        let mut columns = columns
            .map(|(mut slot, field)| finish(&mut slot.column, rows, field, &pool))
            .collect::<Result<Vec<_>, _>>()?;
        columns.push(self.unchanged_column(rows));
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }

    fn unchanged_column(&mut self, rows: usize) -> ArrayRef {
        let mut lists = ListBuilder::with_capacity(Int16Builder::new(), rows);
        for (row, columns) in self.unchanged.drain(..) {
            lists.append_nulls(row - lists.len());
            lists.append_value(columns.into_iter().map(Some));
        }
        lists.append_nulls(rows - lists.len());
        Arc::new(lists.finish())
    }

    #[cold]
    fn invalid(&self, index: usize, fault: &Fault) -> Error {
        self.at(format!("{}{}", pointer_step(self.schema.field(index).name()), fault.path()), fault)
    }

    fn at(&self, column: String, fault: &Fault) -> Error {
        Error::InvalidValue { column, row: self.done + self.rows as u64 + 1, reason: fault.reason(0) }
    }
}

fn with_unchanged(planned: &Schema) -> Schema {
    let item = Field::new("item", DataType::Int16, true);
    let unchanged = Field::new(UNCHANGED, DataType::List(Arc::new(item)), true);
    let fields = planned.fields().iter().cloned().chain([Arc::new(unchanged)]);
    Schema::new_with_metadata(fields.collect::<Vec<_>>(), planned.metadata().clone())
}

fn origin(field: &Field) -> Result<Origin, Error> {
    let is_moment = matches!(field.data_type(), DataType::Timestamp(TimeUnit::Microsecond, Some(_)));
    Ok(match (field.metadata().get("dativo.source").map(String::as_str), field.data_type()) {
        (None, _) => Origin::Value,
        (Some("lsn"), DataType::Int64) => Origin::Lsn,
        (Some("xid"), DataType::Int64) => Origin::Xid,
        (Some("commit_time"), _) if is_moment => Origin::CommitTime,
        (Some("deleted_at"), _) if is_moment && field.is_nullable() => Origin::DeletedAt,
        (Some(source), kind) => {
            return Err(refuse(field, format!("dativo.source {source:?} as a column of type {kind}")));
        }
    })
}

#[cold]
fn refuse(field: &Field, message: String) -> Error {
    Error::UnsupportedSchema { stream: String::new(), path: pointer_step(field.name()), message }
}
