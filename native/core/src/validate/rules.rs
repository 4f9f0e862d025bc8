//! What is left of a schema to check for the values of one column.

use super::constant::Constant;
use super::shape::{Shape, Types};
use crate::columns::{Builder, Context};
use crate::fault::Fault;
use crate::scan::{Here, null};

/// The checks of one column.
pub(crate) struct Rules {
    null: bool,
    check: Check,
    shape: Shape,
}

/// How the value just decoded is checked, cheapest first. Ranges include both ends.
#[derive(Debug, PartialEq)]
enum Check {
    /// The column's type says it all.
    Nothing,
    Integers {
        low: i64,
        high: i64,
    },
    Doubles {
        low: f64,
        high: f64,
    },
    /// Whole units of the column's scale, and a number they are a multiple of.
    Units {
        low: i128,
        high: i128,
        step: i128,
    },
    /// The string in the column.
    String,
    /// The number of items.
    Count,
    /// The JSON text, by the whole schema.
    Text,
}

impl Rules {
    /// The rules for a column that `builder` fills; none if its type alone ensures them.
    pub(crate) fn new(shape: &Shape, builder: &Builder, nullable: bool) -> Option<Rules> {
        let listed = shape.constants.as_ref().is_none_or(|constants| constants.contains(&Constant::Null));
        let null = nullable && listed && shape.types.contain(Types::NULL);
        let check = Check::new(shape, builder);
        (!null || check != Check::Nothing).then(|| Rules { null, check, shape: shape.clone() })
    }

    /// Checks the value that is here, which `builder` has just put in `row`.
    #[inline(always)]
    pub(crate) fn hold(
        &self,
        builder: &Builder,
        row: usize,
        here: Here,
        context: &mut Context,
    ) -> Result<(), Box<Fault>> {
        let holds = match (&self.check, builder) {
            (Check::Integers { low, high }, Builder::Integer(values)) => {
                values.at(row).is_some_and(|value| *low <= value && value <= *high)
            }
            (Check::Doubles { low, high }, Builder::Float(values)) => {
                values.at(row).is_some_and(|value| *low <= value && value <= *high)
            }
            (Check::Nothing, _) => !matches!(here.byte(), Some(b'n' | b'N' | b'I' | b'-')),
            _ => false,
        };
        if holds { Ok(()) } else { self.hold_in_full(builder, row, here.bytes, here.pos, context) }
    }

    #[inline(never)]
    fn hold_in_full(
        &self,
        builder: &Builder,
        row: usize,
        bytes: &[u8],
        pos: usize,
        context: &mut Context,
    ) -> Result<(), Box<Fault>> {
        if null(bytes, pos).is_some() {
            return if self.null { Ok(()) } else { Err(Fault::value("null is not allowed")) };
        }
        match (&self.check, builder) {
            (Check::Nothing, _) => Ok(()),
            (&Check::Integers { low, high }, Builder::Integer(values)) => self.in_range(values.at(row), low, high),
            (&Check::Doubles { low, high }, Builder::Float(values)) => self.in_range(values.at(row), low, high),
            (&Check::Units { low, high, step }, Builder::Integer(values)) => {
                self.in_steps(values.at(row).map(i128::from), low, high, step)
            }
            (&Check::Units { low, high, step }, Builder::Decimal { values, .. }) if bytes.get(pos) != Some(&b'"') => {
                self.in_steps(values.at(row), low, high, step)
            }
            (Check::String, Builder::String(values)) => self.shape.check_string(values.at(row)),
            (Check::Count, Builder::List(list)) => self.shape.check_count(list.length(row)),
            _ => self.shape.examine(bytes, pos, &mut context.value).map(|_| ()),
        }
    }

    fn in_range<T: PartialOrd>(&self, value: Option<T>, low: T, high: T) -> Result<(), Box<Fault>> {
        let limits = &self.shape.limits;
        match value {
            Some(value) if value < low => Err(Fault::value(limits.below())),
            Some(value) if value > high => Err(Fault::value(limits.above())),
            _ => Ok(()),
        }
    }

    fn in_steps(&self, value: Option<i128>, low: i128, high: i128, step: i128) -> Result<(), Box<Fault>> {
        self.in_range(value, low, high)?;
        match value {
            Some(value) if value % step != 0 => Err(Fault::value(self.shape.limits.uneven())),
            _ => Ok(()),
        }
    }
}

impl Check {
    fn new(shape: &Shape, builder: &Builder) -> Check {
        match builder {
            Builder::Skip | Builder::Json(_) if shape.is_any() => return Check::Nothing,
            Builder::Skip | Builder::Json(_) => return Check::Text,
            _ if shape.constants.is_some() && !matches!(builder, Builder::String(_)) => return Check::Text,
            _ if !shape.types.contain(types(builder)) => return Check::Text,
            _ => {}
        }
        match builder {
            Builder::Integer(_) => Check::for_units(shape, 0),
            Builder::Decimal { scale, .. } => Check::for_units(shape, *scale),
            Builder::Float(_) => Check::for_doubles(shape),
            Builder::String(_) if shape.constants.is_some() || !shape.text.is_empty() => Check::String,
            Builder::Timestamp { .. } | Builder::Date(_) | Builder::Time(_) | Builder::Uuid(_) | Builder::Binary(_)
                if !shape.text.is_format_only() =>
            {
                Check::Text
            }
            Builder::List(_) if shape.fewest > 0 || shape.most.is_some() => Check::Count,
            Builder::Map(_) if !(shape.properties.is_empty() && shape.required.is_empty()) => Check::Text,
            _ => Check::Nothing,
        }
    }

    fn for_units(shape: &Shape, scale: u8) -> Check {
        let step = match &shape.limits.multiple {
            None => Some(1),
            Some(_) => shape.limits.multiple_units(scale),
        };
        let (low, high) = shape.limits.units(scale);
        match step {
            None => Check::Text,
            Some(1) if low == i128::MIN && high == i128::MAX && (scale == 0 || shape.text.is_empty()) => Check::Nothing,
            Some(1) if scale == 0 => match (clamp(low), clamp(high)) {
                (low, high) if low <= high => Check::Integers { low, high },
                _ => Check::Text,
            },
            Some(step) => Check::Units { low, high, step },
        }
    }

    /// An open end is the next double inside.
    fn for_doubles(shape: &Shape) -> Check {
        let limits = &shape.limits;
        if limits.multiple.is_some() {
            return Check::Text;
        }
        let end = |bound: &super::limits::Bound, inside: f64| if bound.exclusive { inside } else { bound.as_float() };
        let low = limits.low.as_ref().map(|bound| end(bound, bound.as_float().next_up()));
        let high = limits.high.as_ref().map(|bound| end(bound, bound.as_float().next_down()));
        match (low, high) {
            (None, None) => Check::Nothing,
            (low, high) => Check::Doubles { low: low.unwrap_or(f64::MIN), high: high.unwrap_or(f64::MAX) },
        }
    }
}

fn clamp(units: i128) -> i64 {
    units.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// The JSON types whose values `builder` takes.
fn types(builder: &Builder) -> Types {
    match builder {
        Builder::Boolean(_) => Types::BOOLEAN,
        Builder::Integer(_) => Types::INTEGER,
        Builder::Float(_) => Types::NUMBER,
        Builder::Decimal { .. } => Types::NUMBER,
        Builder::Struct { .. } | Builder::Map(_) => Types::OBJECT,
        Builder::List(_) => Types::ARRAY,
        _ => Types::STRING,
    }
}
