//! One directory of `tests/conformance/cases/decode`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use dativo_core::{Reader, ReaderOptions};
use serde_json::Value;

use dativo_oracle::schema;

pub struct Case {
    pub name: String,
    pub input: Vec<u8>,
    pub options: ReaderOptions,
    pub expected: Vec<Value>,
    plans: Value,
    validate: bool,
    /// How many SCHEMA events each stream has had.
    planned: HashMap<String, usize>,
}

impl Case {
    fn read(directory: &Path) -> Case {
        let file = |name: &str| {
            fs::read(directory.join(name)).unwrap_or_else(|error| {
                panic!("{}: {error}", directory.join(name).display());
            })
        };
        let json = |name: &str| -> Value { serde_json::from_slice(&file(name)).expect("JSON") };
        let optional = |name: &str| directory.join(name).exists().then(|| json(name));
        Case {
            name: directory.file_name().unwrap().to_string_lossy().into_owned(),
            input: file("input.singer"),
            options: options(&optional("options.json").unwrap_or_default()),
            expected: json("expect.json").as_array().expect("a list of events").clone(),
            plans: json("plan.json"),
            validate: optional("validate.json") == Some(Value::Bool(true)),
            planned: HashMap::new(),
        }
    }

    /// Plans the stream as the case says for this SCHEMA of it.
    pub fn plan(&mut self, reader: &mut Reader, stream: &str, message: &[u8]) {
        let nth = self.planned.entry(stream.to_string()).or_default();
        let columns = match &self.plans[stream] {
            Value::Array(plans) if plans.first().is_some_and(Value::is_array) => plans[*nth].clone(),
            Value::Array(columns) => Value::from(columns.clone()),
            _ => return,
        };
        *nth += 1;
        let validation = if self.validate { validation(message) } else { Vec::new() };
        reader.plan(stream, schema::of(&columns), &validation).expect("a supported plan");
    }
}

fn validation(message: &[u8]) -> Vec<u8> {
    let message: Value = serde_json::from_slice(message).expect("a SCHEMA message");
    message["schema"].to_string().into_bytes()
}

fn options(json: &Value) -> ReaderOptions {
    let mut options = ReaderOptions::default();
    for (name, value) in json.as_object().into_iter().flatten() {
        let value = value.as_u64().expect("a number");
        match name.as_str() {
            "batch_rows" => options.batch_rows = value as usize,
            "batch_bytes" => options.batch_bytes = value as usize,
            "max_line_bytes" => options.max_line_bytes = value as usize,
            "read_bytes" => options.read_bytes = value as usize,
            "epoch_bytes" => options.epoch_bytes = value,
            "epoch_records" => options.epoch_records = value,
            "epoch_millis" => options.epoch_millis = value,
            "idle_millis" => options.idle_millis = value,
            other => panic!("no such option: {other}"),
        }
    }
    options
}

/// All cases; it is a fault if there are none.
pub fn all() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/cases/decode");
    let entries = fs::read_dir(&root).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
    let mut directories: Vec<PathBuf> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    directories.sort();
    assert!(!directories.is_empty(), "{} has no cases", root.display());
    directories.iter().map(|directory| Case::read(directory)).collect()
}
