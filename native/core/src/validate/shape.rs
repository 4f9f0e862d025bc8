//! A JSON Schema as types, and checking a value's text against it.

use super::constant::{Constant, Exact};
use super::limits::Limits;
use super::text::TextRules;
use crate::columns::{content, read_key};
use crate::fault::{Fault, Parsed, json_type};
use crate::number::Literal;
use crate::scan::{VALUE_DEPTH, literal, null, skip, skip_space};

/// A set of JSON types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Types(pub(crate) u8);

impl Types {
    pub(crate) const NULL: Types = Types(1);
    pub(crate) const BOOLEAN: Types = Types(2);
    pub(crate) const INTEGER: Types = Types(4);
    /// Numbers are integers, too.
    pub(crate) const NUMBER: Types = Types(4 | 8);
    pub(crate) const STRING: Types = Types(16);
    pub(crate) const ARRAY: Types = Types(32);
    pub(crate) const OBJECT: Types = Types(64);
    pub(crate) const ANY: Types = Types(127);

    const NAMED: [(&str, Types); 7] = [
        ("null", Types::NULL),
        ("boolean", Types::BOOLEAN),
        ("number", Types::NUMBER),
        ("integer", Types::INTEGER),
        ("string", Types::STRING),
        ("array", Types::ARRAY),
        ("object", Types::OBJECT),
    ];

    pub(super) fn named(name: &str) -> Option<Types> {
        Types::NAMED.iter().find(|(known, _)| *known == name).map(|&(_, types)| types)
    }

    pub(crate) fn contain(self, other: Types) -> bool {
        self.0 & other.0 == other.0
    }

    fn names(self) -> String {
        let mut left = self.0;
        let mut names = Vec::new();
        for (name, types) in Types::NAMED {
            if left & types.0 == types.0 {
                left &= !types.0;
                names.push(name);
            }
        }
        names.join(" or ")
    }
}

/// What a value must be.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) types: Types,
    pub(crate) constants: Option<Vec<Constant>>,
    pub(crate) limits: Limits,
    pub(crate) text: TextRules,
    pub(crate) fewest: usize,
    pub(crate) most: Option<usize>,
    pub(crate) properties: Vec<(String, Shape)>,
    pub(crate) required: Vec<String>,
    pub(crate) items: Option<Box<Shape>>,
    /// What properties that are not named must be.
    pub(crate) others: Option<Box<Shape>>,
}

impl Shape {
    /// Anything.
    pub(crate) fn any() -> Shape {
        Shape {
            types: Types::ANY,
            constants: None,
            limits: Limits::default(),
            text: TextRules::default(),
            fewest: 0,
            most: None,
            properties: Vec::new(),
            required: Vec::new(),
            items: None,
            others: None,
        }
    }

    /// Whether nothing is asserted.
    pub(super) fn is_any(&self) -> bool {
        let parts =
            self.properties.is_empty() && self.required.is_empty() && self.items.is_none() && self.others.is_none();
        let scalar = self.constants.is_none() && self.limits.is_empty() && self.text.is_empty();
        self.types == Types::ANY && scalar && parts && self.fewest == 0 && self.most.is_none()
    }

    pub(crate) fn property(&self, name: &str) -> Option<&Shape> {
        self.properties.iter().find(|(known, _)| known == name).map(|(_, shape)| shape)
    }

    /// Checks the value at `pos` by its text and returns the position after it.
    pub(super) fn examine(&self, bytes: &[u8], pos: usize, scratch: &mut Vec<u8>) -> Parsed {
        if let Some(end) = null(bytes, pos) {
            self.allow(Types::NULL, bytes, pos)?;
            self.check_constant(|constant| *constant == Constant::Null)?;
            return Ok(end);
        }
        match bytes.get(pos) {
            Some(b'"') => self.examine_string(bytes, pos, scratch),
            Some(b'{') => self.examine_object(bytes, pos, scratch),
            Some(b'[') => self.examine_array(bytes, pos, scratch),
            Some(&first @ (b't' | b'f')) => {
                self.allow(Types::BOOLEAN, bytes, pos)?;
                self.check_constant(|constant| *constant == Constant::Boolean(first == b't'))?;
                literal(bytes, pos, if first == b't' { "true" } else { "false" })
            }
            _ => self.examine_number(bytes, pos),
        }
    }

    fn examine_string(&self, bytes: &[u8], pos: usize, scratch: &mut Vec<u8>) -> Parsed {
        self.allow(Types::STRING, bytes, pos)?;
        let (text, end) = content(bytes, pos, scratch)?;
        self.check_string(text)?;
        Ok(end)
    }

    fn examine_number(&self, bytes: &[u8], pos: usize) -> Parsed {
        let literal = Literal::scan(bytes, pos)?;
        let integer = self.types.contain(Types::NUMBER) || literal.is_integer();
        self.allow(if integer { Types::INTEGER } else { Types::NUMBER }, bytes, pos)?;
        let text = &bytes[pos..literal.end];
        if self.constants.is_some() {
            let value = Exact::of(text);
            self.check_constant(|constant| matches!(constant, Constant::Number(number) if Some(*number) == value))?;
        }
        self.limits.check(text).map_err(Fault::value)?;
        Ok(literal.end)
    }

    fn examine_array(&self, bytes: &[u8], pos: usize, scratch: &mut Vec<u8>) -> Parsed {
        self.allow(Types::ARRAY, bytes, pos)?;
        self.check_constant(|_| false)?;
        let mut count = 0;
        let mut pos = skip_space(bytes, pos + 1);
        while bytes.get(pos) != Some(&b']') {
            pos = match &self.items {
                Some(shape) => shape.examine(bytes, pos, scratch).map_err(|fault| fault.within(count.to_string()))?,
                None => skip(bytes, pos, VALUE_DEPTH)?,
            };
            count += 1;
            pos = skip_space(bytes, pos);
            if bytes.get(pos) == Some(&b',') {
                pos = skip_space(bytes, pos + 1);
            }
        }
        self.check_count(count)?;
        Ok(pos + 1)
    }

    fn examine_object(&self, bytes: &[u8], pos: usize, scratch: &mut Vec<u8>) -> Parsed {
        self.allow(Types::OBJECT, bytes, pos)?;
        self.check_constant(|_| false)?;
        let mut missing: Vec<&str> = self.required.iter().map(String::as_str).collect();
        let mut pos = skip_space(bytes, pos + 1);
        while bytes.get(pos) != Some(&b'}') {
            let (name, value) = read_key(bytes, pos, scratch)?;
            let name = String::from_utf8_lossy(name).into_owned();
            missing.retain(|required| *required != name);
            pos = match self.property(&name).or(self.others.as_deref()) {
                Some(shape) => shape.examine(bytes, value, scratch).map_err(|fault| fault.within(name))?,
                None => skip(bytes, value, VALUE_DEPTH)?,
            };
            pos = skip_space(bytes, pos);
            if bytes.get(pos) == Some(&b',') {
                pos = skip_space(bytes, pos + 1);
            }
        }
        match missing.first() {
            Some(&name) => Err(Fault::value(MISSING).within(name)),
            None => Ok(pos + 1),
        }
    }

    pub(super) fn check_string(&self, text: &[u8]) -> Result<(), Box<Fault>> {
        self.check_constant(|constant| matches!(constant, Constant::String(string) if string == text))?;
        self.text.check(text).map_err(Fault::value)
    }

    pub(super) fn check_constant(&self, same: impl Fn(&Constant) -> bool) -> Result<(), Box<Fault>> {
        match &self.constants {
            Some(constants) if !constants.iter().any(same) => Err(Fault::value("not one of the values of enum")),
            _ => Ok(()),
        }
    }

    pub(super) fn check_count(&self, count: usize) -> Result<(), Box<Fault>> {
        if count < self.fewest {
            return Err(Fault::value(format!("fewer than {} items", self.fewest)));
        }
        match self.most {
            Some(most) if count > most => Err(Fault::value(format!("more than {most} items"))),
            _ => Ok(()),
        }
    }

    fn allow(&self, types: Types, bytes: &[u8], pos: usize) -> Result<(), Box<Fault>> {
        if self.types.contain(types) {
            return Ok(());
        }
        let found = match types {
            Types::NUMBER if self.types.contain(Types::INTEGER) => "a number with a fraction",
            _ => json_type(bytes.get(pos).copied()),
        };
        Err(Fault::value(format!("expected {}, got {found}", self.types.names())))
    }
}

/// What is wrong with an object that lacks a required property.
pub(crate) const MISSING: &str = "required property missing";

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn examine(schema: &str, json: &str) -> Result<usize, (String, String)> {
        let shape = parse(schema.as_bytes()).expect(schema);
        shape.examine(json.as_bytes(), 0, &mut Vec::new()).map_err(|fault| (fault.path(), fault.reason(0)))
    }

    fn refused(schema: &str, json: &str, path: &str, reason: &str) {
        assert_eq!(examine(schema, json), Err((path.into(), reason.into())), "{schema} {json}");
    }

    fn accepted(schema: &str, json: &str) {
        assert_eq!(examine(schema, json), Ok(json.len()), "{schema} {json}");
    }

    #[test]
    fn types_are_checked() {
        let schema = r#"{"type": ["integer", "string", "null"]}"#;
        for json in ["1", "1.0", "1e3", "\"x\"", "null", "NaN"] {
            accepted(schema, json);
        }
        refused(schema, "true", "", "expected null or integer or string, got boolean");
        refused(schema, "1.5", "", "expected null or integer or string, got a number with a fraction");
        refused(r#"{"type": "number"}"#, "[]", "", "expected number, got array");
    }

    #[test]
    fn constants_of_every_scalar_type() {
        let schema = r#"{"enum": [1, "a", true, null]}"#;
        for json in ["1.0", "\"a\"", r#""\u0061""#, "true", "null"] {
            accepted(schema, json);
        }
        for json in ["2", "\"b\"", "false", "[]", "{}"] {
            refused(schema, json, "", "not one of the values of enum");
        }
        refused(r#"{"const": "a"}"#, "\"b\"", "", "not one of the values of enum");
    }

    #[test]
    fn arrays_and_objects_are_checked_inside() {
        let schema = r#"{"properties": {"a": {"type": "array", "minItems": 1, "maxItems": 2,
            "items": {"type": "object", "required": ["b"], "properties": {"b": {"maximum": 3}}}}}}"#;
        accepted(schema, r#"{"a": [{"b": 3}], "c": {"d": [1, 2]}}"#);
        refused(schema, r#"{"a": [{"b": 3}, {"b": 4}]}"#, "/a/1/b", "greater than the maximum 3");
        refused(schema, r#"{"a": [{}]}"#, "/a/0/b", MISSING);
        refused(schema, r#"{"a": []}"#, "/a", "fewer than 1 items");
        refused(schema, r#"{"a": [{"b":1},{"b":1},{"b":1}]}"#, "/a", "more than 2 items");
    }

    #[test]
    fn unnamed_properties_may_have_a_shape() {
        let schema = r#"{"additionalProperties": {"type": "integer"}}"#;
        accepted(schema, r#"{"x": 1}"#);
        refused(schema, r#"{"x": "1"}"#, "/x", "expected integer, got string");
    }
}
