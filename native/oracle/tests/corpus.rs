//! The decoder and serde_json on all inputs that a fuzzer has found worth keeping.

use std::fs;
use std::path::Path;

#[test]
fn they_agree_on_the_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/decode");
    let mut inputs = 0;
    for entry in fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{}: {error}", corpus.display())) {
        dativo_oracle::check(&fs::read(entry.expect("a file").path()).expect("a readable file"));
        inputs += 1;
    }
    assert!(inputs >= 100, "{inputs} inputs in {}", corpus.display());
}
