//! A number for the rows of a stream that says whether two places hold the same ones.
//!
//! It depends on the values alone: not on the order of rows or columns, not on where batches and files begin, not on
//! the physical type that holds a value. Rows that are there twice count twice. It finds damage and mistakes, not
//! somebody who wants it to match: nothing in it is secret.
//!
//! # Definition (`r1`)
//! All arithmetic is modulo 2^64. `X(bytes, seed)` is XXH3-64, `tag(class) = X(class, 0)`, and `mix` is the finaliser
//! of SplitMix64. Every value has a class and a word:
//!
//! | class | values | word |
//! |---|---|---|
//! | exact | integers; decimals without trailing zeros after the point | `value + tag`; what is no 64-bit integer `v * 10^-s` has `mix(low(v) ^ mix(high(v) + tag(decimal) * (2 s + 1)))`, `low` and `high` being its two 64-bit parts (if there are four, the innermost `mix` is around the highest) |
//! | float | binary floating point, widened to 64 bits; one NaN, `-0.0` is not `0.0` | `bits + tag` |
//! | bool | | `0 or 1, + tag` |
//! | text, binary | any encoding and width | `X(bytes, tag)` |
//! | instant, moment | timestamps with a zone; without | `nanoseconds since 1970 + tag` |
//! | date | | `days since 1970 + tag` |
//! | time, duration | of day; of any length | `nanoseconds + tag` |
//! | list | of any kind | from `tag` on, `h = mix(h + word)` for each item |
//! | map | in any order | `mix(sum of mix(mix(key + tag) + value) + tag)` |
//! | struct | | `mix(sum of members + tag)` |
//!
//! An item of a list or a value of a map that is null has the word `tag(null)`. The members of a struct, and the columns
//! of a row, are summed as `mix(word + X(name, 0))`; what is null is left out, so a column that is null everywhere
//! might as well not be there. With `sum` of its columns, a row adds `mix(sum + tag(row 1))` to the first half of the
//! digest and `mix(sum + tag(row 2))` to the second.
//!
//! `mix` has an inverse, so a single number, date or time that changed is always found. Anything else goes unseen once
//! in 2^64 times. (Timestamps repeat after 73,000 years in microseconds.)

mod column;
mod mix;
mod nested;
mod scalar;

#[cfg(test)]
mod tests;

use arrow_array::{RecordBatch, new_empty_array};
use arrow_schema::SchemaRef;

use crate::Error;
use crate::fault::Fault;
use mix::{ROW_1, ROW_2, mix};
use nested::Members;

/// Rows at a time: what is worked on stays in the nearest cache.
const CHUNK: usize = 1024;

/// Adds up the rows of batches of one schema.
#[derive(Debug)]
pub struct Digest {
    schema: SchemaRef,
    sums: [u64; 2],
}

impl Digest {
    /// The digest of no rows.
    ///
    /// # Errors
    /// `UnsupportedSchema` with the path of the first field whose type has no class.
    pub fn new(schema: SchemaRef) -> Result<Digest, Error> {
        let empty: Vec<_> = schema.fields().iter().map(|field| new_empty_array(field.data_type())).collect();
        Members::bind(schema.fields(), &empty).map_err(|fault| unsupported(&fault))?;
        Ok(Digest { schema, sums: [0; 2] })
    }

    /// Adds the rows of a batch.
    ///
    /// # Errors
    /// `InvalidArgument` if the batch has other columns than the digest.
    pub fn update(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let (expected, actual) = (self.schema.fields(), batch.schema_ref().fields());
        let same = |(a, b): (&arrow_schema::FieldRef, &arrow_schema::FieldRef)| {
            a.name() == b.name() && a.data_type() == b.data_type()
        };
        if expected.len() != actual.len() || !expected.iter().zip(actual).all(same) {
            return Err(Error::InvalidArgument("the batch has other columns than the digest".to_owned()));
        }
        let members = Members::bind(expected, batch.columns()).map_err(|fault| unsupported(&fault))?;
        let mut rows = [0; CHUNK];
        for start in (0..batch.num_rows()).step_by(CHUNK) {
            let end = batch.num_rows().min(start + CHUNK);
            let rows = &mut rows[..end - start];
            members.sums(start..end, rows);
            for row in rows {
                self.sums[0] = self.sums[0].wrapping_add(mix(row.wrapping_add(ROW_1)));
                self.sums[1] = self.sums[1].wrapping_add(mix(row.wrapping_add(ROW_2)));
            }
        }
        Ok(())
    }

    /// The digest of all rows so far, in its two halves. Those of rows that are together are their sums.
    pub fn value(&self) -> [u64; 2] {
        self.sums
    }
}

fn unsupported(fault: &Fault) -> Error {
    Error::UnsupportedSchema { stream: String::new(), path: fault.path(), message: fault.reason(0) }
}
