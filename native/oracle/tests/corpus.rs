//! The decoder and serde_json on all inputs that a fuzzer has found worth keeping.

use std::fs;
use std::io;
use std::path::Path;

#[test]
fn they_agree_on_the_corpus() {
    let inputs = each("decode", dativo_oracle::check);
    assert!(inputs >= 100, "{inputs} inputs");
}

#[test]
fn rows_of_the_corpus_are_batches_or_errors() {
    let inputs = each("copy", dativo_oracle::check_copy);
    assert!(inputs >= 100, "{inputs} inputs");
}

#[test]
fn changes_of_the_corpus_are_batches_or_errors() {
    let inputs = each("changes", dativo_oracle::check_changes);
    assert!(inputs >= 100, "{inputs} inputs");
}

/// Checks every input of a corpus, and says how many there are.
fn each(target: &str, check: fn(&[u8])) -> usize {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{}: {error}", corpus.display()));
    let read = |entry: io::Result<fs::DirEntry>| fs::read(entry?.path());
    entries.map(|entry| check(&read(entry).unwrap_or_else(|error| panic!("{}: {error}", corpus.display())))).count()
}
