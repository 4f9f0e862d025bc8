//! The values that a column may take from the JSON text of one.

use serde_json::{Map, Value, json};

use crate::members::Members;

#[derive(Debug)]
pub enum Values {
    One(Value),
    /// The value cannot be read as this type.
    None,
    /// serde_json cannot tell whether it can, or what it is.
    Unsure,
}

impl Values {
    pub fn allow(&self, value: &Value) -> bool {
        match self {
            Values::One(expected) => crate::canonical::same(expected, value),
            Values::None => false,
            Values::Unsure => true,
        }
    }

    fn of(value: Option<Value>) -> Values {
        value.map_or(Values::None, Values::One)
    }
}

pub fn column(name: &str, text: &str) -> Values {
    if text == "null" {
        return Values::One(Value::Null);
    }
    match name {
        "i" => integer(text),
        "f" => float(text),
        "b" => Values::of(serde_json::from_str::<bool>(text).ok().map(Value::Bool)),
        "u" => Values::of(string(text)),
        "j" => Values::One(text.into()),
        "d" => decimal(text),
        "l" => list(text),
        "o" => structure(text),
        "m" => map(text),
        _ => written_as_text(text),
    }
}

fn string(text: &str) -> Option<Value> {
    serde_json::from_str::<String>(text).ok().map(Value::String)
}

fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// Whole numbers in any notation, where a double shows beyond doubt whether the number is whole.
fn integer(text: &str) -> Values {
    if !is_number(text) {
        return Values::None;
    }
    if !text.contains(['.', 'e', 'E']) {
        return Values::of(text.parse::<i64>().ok().map(Value::from));
    }
    let digits = text.bytes().take_while(|byte| !matches!(byte, b'e' | b'E')).filter(u8::is_ascii_digit).count();
    let exponent = text.split_once(['e', 'E']).map_or(Ok(0), |(_, exponent)| exponent.parse::<i32>());
    let number: f64 = text.parse().unwrap_or(f64::NAN);
    match exponent {
        Ok(-20..=20) if digits <= 15 && number.abs() < 9e15 => {
            Values::of((number.fract() == 0.0).then_some(json!(number as i64)))
        }
        _ => Values::Unsure,
    }
}

fn float(text: &str) -> Values {
    if !is_number(text) {
        return Values::None;
    }
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    Values::of(number.map(Value::from))
}

/// Plain digits, as a number or as text; of other spellings it is not said.
fn decimal(text: &str) -> Values {
    let text = match serde_json::from_str::<String>(text) {
        Ok(inner) => inner,
        Err(_) if is_number(text) => text.to_string(),
        Err(_) => return Values::None,
    };
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if !plain(whole) || !plain(fraction) || whole.len() > 29 || fraction.len() > 9 || leading_zero {
        return Values::Unsure;
    }
    let zero = whole.bytes().chain(fraction.bytes()).all(|digit| digit == b'0');
    let sign = if text.starts_with('-') && !zero { "-" } else { "" };
    Values::One(format!("{sign}{whole}.{fraction:0<9}").into())
}

fn list(text: &str) -> Values {
    let Ok(items) = serde_json::from_str::<Vec<&serde_json::value::RawValue>>(text) else { return Values::None };
    if !text.starts_with('[') {
        return Values::None;
    }
    all(items.iter().map(|item| column("i", item.get())), |values| values.into())
}

fn structure(text: &str) -> Values {
    let Some(members) = Members::of(text) else { return Values::None };
    let mut fields = Map::from_iter([("x".to_string(), Value::Null), ("y".to_string(), Value::Null)]);
    let read = members
        .0
        .iter()
        .filter(|(key, _)| fields.contains_key(key))
        .map(|(key, text)| (key.clone(), if key == "x" { column("i", text) } else { column("u", text) }));
    let (keys, values): (Vec<_>, Vec<_>) = read.unzip();
    all(values.into_iter(), |values| {
        fields.extend(keys.into_iter().zip(values));
        fields.into()
    })
}

/// Keys stay where they came first, with the value that came last.
fn map(text: &str) -> Values {
    let Some(members) = Members::of(text) else { return Values::None };
    let values = members.0.iter().map(|(_, text)| column("i", text));
    all(values, |values| {
        let mut entries: Vec<(&str, Value)> = Vec::new();
        for ((key, _), value) in members.0.iter().zip(values) {
            match entries.iter_mut().find(|(known, _)| known == key) {
                Some(entry) => entry.1 = value,
                None => entries.push((key, value)),
            }
        }
        entries.into_iter().map(|(key, value)| json!([key, value])).collect()
    })
}

/// The value made of all parts, if each of them is beyond doubt.
fn all(parts: impl Iterator<Item = Values>, make: impl FnOnce(Vec<Value>) -> Value) -> Values {
    let mut values = Vec::new();
    let mut unsure = false;
    for part in parts {
        match part {
            Values::One(value) => values.push(value),
            Values::None => return Values::None,
            Values::Unsure => unsure = true,
        }
    }
    if unsure { Values::Unsure } else { Values::One(make(values)) }
}

/// Moments, binaries and UUIDs: whether the text in the string is one is not for serde_json to say.
fn written_as_text(text: &str) -> Values {
    if string(text).is_some() { Values::Unsure } else { Values::None }
}
