//! Rows of PostgreSQL, on whatever libFuzzer makes up: an error or a batch that holds what its schema says.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| dativo_oracle::check_copy(input));
