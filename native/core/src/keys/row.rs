//! The columns of a key, and the key of each row of a batch.

use arrow_array::{Array, ArrayRef};
use arrow_schema::{FieldRef, SchemaRef};

use super::column::{Column, Form};
use super::set::WORD;
use crate::Error;

/// The columns that make a key.
#[derive(Debug)]
pub(super) struct KeyColumns {
    fields: Vec<FieldRef>,
    forms: Vec<Form>,
}

impl KeyColumns {
    /// # Errors
    /// `InvalidArgument` if there is no column, `UnsupportedSchema` if one cannot be part of a key.
    pub(super) fn new(schema: &SchemaRef) -> Result<KeyColumns, Error> {
        let fields: Vec<FieldRef> = schema.fields().iter().cloned().collect();
        if fields.is_empty() {
            return Err(Error::InvalidArgument("a key needs at least one column".to_owned()));
        }
        let forms = fields.iter().map(|field| Form::of(field)).collect::<Result<_, _>>()?;
        Ok(KeyColumns { fields, forms })
    }

    pub(super) fn fields(&self) -> &[FieldRef] {
        &self.fields
    }

    pub(super) fn forms(&self) -> &[Form] {
        &self.forms
    }

    /// Bytes of every key, if they all have the same number.
    pub(super) fn width(&self) -> Option<usize> {
        self.forms.iter().map(|form| form.width()).sum()
    }

    /// The keys of the rows of these columns.
    ///
    /// # Errors
    /// `InvalidArgument` if they have other types.
    pub(super) fn bind(&self, columns: &[ArrayRef]) -> Result<RowKeys, Error> {
        let fits = columns.len() == self.fields.len()
            && columns.iter().zip(&self.fields).all(|(column, field)| column.data_type() == field.data_type());
        if !fits {
            let found: Vec<String> = columns.iter().map(|column| column.data_type().to_string()).collect();
            let wanted: Vec<String> = self.fields.iter().map(|field| field.data_type().to_string()).collect();
            let (found, wanted) = (found.join(", "), wanted.join(", "));
            return Err(Error::InvalidArgument(format!("the batch has the columns [{found}], not [{wanted}]")));
        }
        let bound = columns.iter().zip(&self.forms).map(|(column, form)| Column::bind(column, *form));
        Ok(RowKeys { columns: bound.collect(), bytes: Vec::new() })
    }
}

/// The keys of a batch, one at a time.
pub(super) struct RowKeys {
    columns: Vec<Column>,
    bytes: Vec<u8>,
}

impl RowKeys {
    /// The key of a row; None if a column has no value there.
    #[inline]
    pub(super) fn get(&mut self, row: usize) -> Option<&[u8]> {
        self.bytes.clear();
        let last = self.columns.len() - 1;
        for (number, column) in self.columns.iter().enumerate() {
            if column.is_null(row) {
                return None;
            }
            column.write(row, number == last, &mut self.bytes);
        }
        Some(&self.bytes)
    }

    /// The keys of all rows, if each is one value of eight bytes and none is missing.
    pub(super) fn words(&self) -> Option<&[[u8; WORD]]> {
        match self.columns.as_slice() {
            [only] => only.words(),
            _ => None,
        }
    }

    /// The first of `rows` rows without a key.
    pub(super) fn first_missing(&self, rows: usize) -> Option<usize> {
        (0..rows).find(|row| self.columns.iter().any(|column| column.is_null(*row)))
    }
}
