//! A JSON Schema document to a [`Shape`].

use serde_json::{Map, Value};

use super::Unsupported;
use super::constant::Constant;
use super::format::Format;
use super::limits::{Bound, Limits};
use super::shape::{Shape, Types};
use super::text::{self, TextRules};
use crate::fault::pointer_step;

type Schema = Map<String, Value>;

/// Keywords that assert something which is not checked here.
const NOT_CHECKED: [&str; 24] = [
    "oneOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "patternProperties",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "contains",
    "minContains",
    "maxContains",
    "propertyNames",
    "prefixItems",
    "additionalItems",
    "unevaluatedItems",
    "unevaluatedProperties",
    "minProperties",
    "maxProperties",
    "extends",
];

/// Keywords that assert nothing and may stand beside an `anyOf`.
const ANNOTATIONS: [&str; 10] =
    ["anyOf", "title", "description", "default", "examples", "$comment", "$schema", "$id", "deprecated", "nullable"];

/// Parses the schema of a record.
pub(crate) fn parse(document: &[u8]) -> Result<Shape, Unsupported> {
    let value: Value = serde_json::from_slice(document)
        .map_err(|error| Unsupported { path: String::new(), message: format!("not a JSON document: {error}") })?;
    shape(&value, "")
}

fn shape(value: &Value, path: &str) -> Result<Shape, Unsupported> {
    match value {
        Value::Bool(true) => Ok(Shape::any()),
        Value::Object(schema) => keywords(schema, path),
        _ => Err(unsupported(path, "a schema that is not an object")),
    }
}

fn keywords(schema: &Schema, path: &str) -> Result<Shape, Unsupported> {
    if let Some(keyword) = NOT_CHECKED.iter().find(|&&keyword| schema.contains_key(keyword)) {
        return Err(unsupported(&at(path, keyword), keyword));
    }
    if schema.get("uniqueItems").is_some_and(|value| value != &Value::Bool(false)) {
        return Err(unsupported(&at(path, "uniqueItems"), "uniqueItems"));
    }
    if let Some(branches) = schema.get("anyOf") {
        return any_of(schema, branches, path);
    }
    let properties = properties(schema, path)?;
    Ok(Shape {
        types: types(schema, path)?,
        constants: constants(schema, path)?,
        limits: limits(schema, path)?,
        text: text_rules(schema, path)?,
        fewest: count(schema, "minItems", path)?.unwrap_or(0),
        most: count(schema, "maxItems", path)?,
        required: required(schema, path)?,
        items: items(schema, path)?,
        others: others(schema, !properties.is_empty(), path)?,
        properties,
    })
}

/// `anyOf` of one schema, perhaps with null beside it: the way taps say that a property is nullable.
fn any_of(schema: &Schema, branches: &Value, path: &str) -> Result<Shape, Unsupported> {
    let path = at(path, "anyOf");
    let branches = branches.as_array().map(Vec::as_slice).unwrap_or_default();
    let null = |branch: &Value| branch.get("type").is_some_and(|name| name == "null");
    let mut rest = branches.iter().enumerate().filter(|(_, branch)| !null(branch));
    let alone = schema.keys().all(|keyword| ANNOTATIONS.contains(&keyword.as_str()) || keyword.starts_with("x-"));
    match (rest.next(), rest.next()) {
        (Some((index, branch)), None) if alone => {
            let mut shape = shape(branch, &at(&path, &index.to_string()))?;
            if branches.len() > 1 {
                shape.types.0 |= Types::NULL.0;
                shape.constants.iter_mut().for_each(|constants| constants.push(Constant::Null));
            }
            Ok(shape)
        }
        _ => Err(unsupported(&path, "anyOf with more than one schema and null")),
    }
}

fn types(schema: &Schema, path: &str) -> Result<Types, Unsupported> {
    let Some(value) = schema.get("type") else {
        return Ok(Types::ANY);
    };
    let named = |name: &Value| name.as_str().and_then(Types::named);
    let types = match value {
        Value::Array(names) => names.iter().try_fold(0, |types, name| Some(types | named(name)?.0)).map(Types),
        name => named(name),
    };
    types.ok_or_else(|| unsupported(&at(path, "type"), "a type that JSON does not have"))
}

fn constants(schema: &Schema, path: &str) -> Result<Option<Vec<Constant>>, Unsupported> {
    let (keyword, values) = match (schema.get("const"), schema.get("enum")) {
        (Some(_), Some(_)) => return Err(unsupported(&at(path, "const"), "const beside enum")),
        (Some(value), None) => ("const", std::slice::from_ref(value)),
        (None, Some(Value::Array(values))) => ("enum", values.as_slice()),
        (None, Some(_)) => return Err(unsupported(&at(path, "enum"), "an enum that is no array")),
        (None, None) => return Ok(None),
    };
    let constants: Option<Vec<Constant>> = values.iter().map(Constant::new).collect();
    constants.map(Some).ok_or_else(|| unsupported(&at(path, keyword), "arrays and objects as constants"))
}

fn limits(schema: &Schema, path: &str) -> Result<Limits, Unsupported> {
    let multiple = match schema.get("multipleOf") {
        None => None,
        Some(Value::Number(number)) if number.as_f64().is_some_and(|number| number > 0.0) => Some(number.to_string()),
        Some(_) => {
            return Err(unsupported(&at(path, "multipleOf"), "multipleOf that is not a positive number"));
        }
    };
    Ok(Limits {
        low: bound(schema, "minimum", "exclusiveMinimum", path, |a, b| a >= b)?,
        high: bound(schema, "maximum", "exclusiveMaximum", path, |a, b| a <= b)?,
        multiple,
    })
}

/// One side of the range. `exclusive…` is a number of its own, or (draft 4) a boolean about the inclusive keyword.
fn bound(
    schema: &Schema,
    inclusive: &str,
    exclusive: &str,
    path: &str,
    stricter: impl Fn(f64, f64) -> bool,
) -> Result<Option<Bound>, Unsupported> {
    let draft4 = schema.get(exclusive) == Some(&Value::Bool(true));
    let number = |keyword: &str, exclusive: bool| match schema.get(keyword) {
        None | Some(Value::Bool(_)) => Ok(None),
        Some(Value::Number(number)) => Ok(Some(Bound::new(number, exclusive))),
        Some(_) => Err(unsupported(&at(path, keyword), "a limit that is no number")),
    };
    Ok(match (number(inclusive, draft4)?, number(exclusive, true)?) {
        (Some(first), Some(second)) => Some(if stricter(second.as_float(), first.as_float()) { second } else { first }),
        (first, second) => first.or(second),
    })
}

fn text_rules(schema: &Schema, path: &str) -> Result<TextRules, Unsupported> {
    let pattern = match schema.get("pattern") {
        None => None,
        Some(Value::String(pattern)) => Some(text::compile(pattern).map_err(|_| {
            unsupported(&at(path, "pattern"), &format!("the pattern {pattern}, which needs look-around or references"))
        })?),
        Some(_) => return Err(unsupported(&at(path, "pattern"), "a pattern that is no string")),
    };
    Ok(TextRules {
        shortest: count(schema, "minLength", path)?.unwrap_or(0),
        longest: count(schema, "maxLength", path)?,
        pattern,
        format: schema.get("format").and_then(Value::as_str).and_then(Format::named),
    })
}

fn count(schema: &Schema, keyword: &str, path: &str) -> Result<Option<usize>, Unsupported> {
    let Some(value) = schema.get(keyword) else {
        return Ok(None);
    };
    let whole = value.as_f64().filter(|count| *count >= 0.0 && count.fract() == 0.0);
    whole.map(|count| Some(count as usize)).ok_or_else(|| unsupported(&at(path, keyword), "a count that is none"))
}

fn properties(schema: &Schema, path: &str) -> Result<Vec<(String, Shape)>, Unsupported> {
    let path = at(path, "properties");
    match schema.get("properties") {
        None => Ok(Vec::new()),
        Some(Value::Object(properties)) => properties
            .iter()
            .map(|(name, value)| Ok((name.clone(), shape(value, &format!("{path}{}", pointer_step(name)))?)))
            .collect(),
        Some(_) => Err(unsupported(&path, "properties that are no object")),
    }
}

fn required(schema: &Schema, path: &str) -> Result<Vec<String>, Unsupported> {
    let Some(value) = schema.get("required").filter(|value| !value.is_boolean()) else {
        return Ok(Vec::new());
    };
    let names: Option<Vec<String>> =
        value.as_array().and_then(|names| names.iter().map(|name| name.as_str().map(str::to_string)).collect());
    names.ok_or_else(|| unsupported(&at(path, "required"), "required that is no array of names"))
}

fn items(schema: &Schema, path: &str) -> Result<Option<Box<Shape>>, Unsupported> {
    match schema.get("items") {
        None => Ok(None),
        Some(value) => Ok(Some(Box::new(shape(value, &at(path, "items"))?))),
    }
}

fn others(schema: &Schema, named: bool, path: &str) -> Result<Option<Box<Shape>>, Unsupported> {
    let path = at(path, "additionalProperties");
    match schema.get("additionalProperties") {
        None | Some(Value::Bool(true)) => Ok(None),
        Some(Value::Bool(false)) => Err(unsupported(&path, "additionalProperties: false")),
        Some(Value::Object(others)) if others.is_empty() => Ok(None),
        Some(_) if named => Err(unsupported(&path, "additionalProperties beside properties")),
        Some(value) => Ok(Some(Box::new(shape(value, &path)?))),
    }
}

fn at(path: &str, keyword: &str) -> String {
    format!("{path}/{keyword}")
}

fn unsupported(path: &str, what: &str) -> Unsupported {
    Unsupported { path: path.to_string(), message: format!("{what} is not checked natively") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_of_fault(schema: &str) -> String {
        parse(schema.as_bytes()).expect_err(schema).path
    }

    #[test]
    fn keywords_that_are_not_checked_are_named_with_their_path() {
        for keyword in NOT_CHECKED {
            let schema = format!(r#"{{"properties": {{"a/b": {{"{keyword}": []}}}}}}"#);
            assert_eq!(path_of_fault(&schema), format!("/properties/a~1b/{keyword}"));
        }
        assert_eq!(path_of_fault(r#"{"items": {"uniqueItems": true}}"#), "/items/uniqueItems");
        assert_eq!(path_of_fault(r#"{"additionalProperties": false}"#), "/additionalProperties");
        assert_eq!(path_of_fault(r#"{"items": [{}]}"#), "/items");
        assert_eq!(path_of_fault(r#"{"enum": [[1]]}"#), "/enum");
        assert_eq!(path_of_fault(r#"{"pattern": "(?=a)"}"#), "/pattern");
        assert_eq!(path_of_fault(r#"{"type": "text"}"#), "/type");
        assert_eq!(path_of_fault("nonsense"), "");
    }

    #[test]
    fn any_of_with_null_is_a_nullable_schema() {
        let shape = parse(br#"{"anyOf": [{"type": "null"}, {"type": "integer"}], "title": "t"}"#).unwrap();
        assert_eq!(shape.types, Types(Types::NULL.0 | Types::INTEGER.0));
        assert_eq!(path_of_fault(r#"{"anyOf": [{"type": "string"}, {"type": "integer"}]}"#), "/anyOf");
        assert_eq!(path_of_fault(r#"{"anyOf": [{"type": "string"}], "minLength": 1}"#), "/anyOf");
    }

    #[test]
    fn annotations_and_unknown_keywords_assert_nothing() {
        let shape =
            parse(br#"{"title": "t", "x-y": 1, "format": "color", "uniqueItems": false, "default": 1}"#).unwrap();
        assert!(shape.types == Types::ANY && shape.text.is_empty() && shape.limits.is_empty());
    }

    #[test]
    fn both_styles_of_exclusive_limits() {
        let shape = parse(br#"{"minimum": 1, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": 8}"#).unwrap();
        assert_eq!(shape.limits.low.map(|bound| (bound.text, bound.exclusive)), Some(("1".into(), true)));
        assert_eq!(shape.limits.high.map(|bound| (bound.text, bound.exclusive)), Some(("8".into(), true)));
    }
}
