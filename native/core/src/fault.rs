//! Why a line or a value cannot be used.

/// The position after what was parsed, or why it could not be.
///
/// A fault is boxed so that the result of every hot function fits in two registers.
pub(crate) type Parsed = Result<usize, Box<Fault>>;

/// What is wrong, and where in the record.
#[derive(Debug, PartialEq)]
pub(crate) struct Fault {
    kind: Kind,
    /// Innermost step first: it is collected on the way out.
    steps: Vec<String>,
}

#[derive(Debug, PartialEq)]
enum Kind {
    Syntax { position: usize, expected: &'static str },
    Value(String),
}

impl Fault {
    /// Not JSON from `position` on.
    #[cold]
    pub(crate) fn syntax(position: usize, expected: &'static str) -> Box<Fault> {
        let kind = Kind::Syntax { position, expected };
        Box::new(Fault { kind, steps: Vec::new() })
    }

    /// JSON, but not what the column or the schema wants.
    #[cold]
    pub(crate) fn value(reason: impl Into<String>) -> Box<Fault> {
        let kind = Kind::Value(reason.into());
        Box::new(Fault { kind, steps: Vec::new() })
    }

    /// The same fault, seen from the object or array that holds the value.
    #[cold]
    pub(crate) fn within(mut self: Box<Self>, step: impl Into<String>) -> Box<Fault> {
        self.steps.push(step.into());
        self
    }

    /// The reason in words; `origin` is where the line starts in the buffer.
    pub(crate) fn reason(&self, origin: usize) -> String {
        match &self.kind {
            Kind::Syntax { position, expected } => {
                format!("malformed JSON at byte {}: expected {expected}", position.saturating_sub(origin) + 1)
            }
            Kind::Value(reason) => reason.clone(),
        }
    }

    /// The JSON pointer of the value inside the record; empty if the line is not JSON at all.
    pub(crate) fn path(&self) -> String {
        if matches!(self.kind, Kind::Syntax { .. }) {
            return String::new();
        }
        self.steps.iter().rev().map(|step| pointer_step(step)).collect()
    }
}

/// One step of a JSON pointer, with its slash.
pub(crate) fn pointer_step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// What to call the JSON value that starts with `first` in a message.
pub(crate) fn json_type(first: Option<u8>) -> &'static str {
    match first {
        Some(b'"') => "string",
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b't' | b'f') => "boolean",
        Some(b'n' | b'N' | b'I') => "null",
        Some(b'-' | b'0'..=b'9') => "number",
        _ => "no value",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_a_json_pointer_from_the_outside_in() {
        let fault = Fault::value("no").within("b~c").within("0").within("a/b");
        assert_eq!(fault.path(), "/a~1b/0/b~0c");
    }

    #[test]
    fn syntax_counts_bytes_from_the_start_of_the_line() {
        assert_eq!(Fault::syntax(107, "':'").reason(100), "malformed JSON at byte 8: expected ':'");
    }
}
