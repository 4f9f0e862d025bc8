//! JSON numbers: a fast path for each column type on the shapes that occur, an exact general path for the rest.

mod decimal;
mod digits;
mod float;
mod integer;
mod literal;

pub(crate) use decimal::{decimal_fast, fits};
pub(crate) use digits::value_of;
pub(crate) use float::{float, float_fast};
pub(crate) use integer::{integer, integer_fast};
pub(crate) use literal::{Literal, Misfit};

/// Powers of ten that an `i128` holds.
pub(crate) const POWERS: [i128; 39] = {
    let mut powers = [1; 39];
    let mut exponent = 1;
    while exponent < 39 {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};
