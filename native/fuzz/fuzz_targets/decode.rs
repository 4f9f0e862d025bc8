//! The decoder against serde_json, on whatever libFuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| dativo_oracle::check(input));
