//! Changes of PostgreSQL, on whatever libFuzzer makes up: an error or batches that hold what their schema says.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| dativo_oracle::check_changes(input));
