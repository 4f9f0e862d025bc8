//! How fast Singer lines become Arrow batches, on one core.
//!
//! ```text
//! cargo run --release --example decode_throughput -- [--validate] [--runs N] [lineitem|events|wide|FILE]...
//! ```
//! `--validate` checks the records against their JSON Schema, too. Without a name all three generated streams are measured. The input is in memory and copied into the reader's buffer as
//! a pipe would; the best run counts.
#![allow(clippy::expect_used)]

mod dice;
mod plan;
mod streams;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dativo_core::{Event, Fill, Reader, ReaderOptions, Source};

/// What a pipe hands over at once when its buffer has been enlarged.
const PIPE: usize = 256 << 10;

struct Memory {
    bytes: Arc<Vec<u8>>,
    pos: usize,
}

impl Source for Memory {
    fn read(&mut self, buf: &mut [u8], _wait: Duration) -> io::Result<Fill> {
        let count = buf.len().min(self.bytes.len() - self.pos).min(PIPE);
        buf[..count].copy_from_slice(&self.bytes[self.pos..self.pos + count]);
        self.pos += count;
        Ok(if count == 0 { Fill::End } else { Fill::Bytes(count) })
    }
}

struct Run {
    records: u64,
    invalid: u64,
    time: Duration,
}

/// Time this thread has spent on a core, where the kernel says, so that a busy machine does not count; else the clock.
fn core_time(begun: Instant) -> Duration {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = schedule.and_then(|text| text.split(' ').next().and_then(|nanos| nanos.parse().ok()));
    nanos.map_or_else(|| begun.elapsed(), Duration::from_nanos)
}

fn decode(bytes: &Arc<Vec<u8>>, validate: bool) -> Run {
    let clock = Instant::now();
    let begun = core_time(clock);
    let source = Memory { bytes: bytes.clone(), pos: 0 };
    let options = ReaderOptions { epoch_bytes: 4 << 30, ..ReaderOptions::default() };
    let mut reader = Reader::from_source(Box::new(source), options);
    loop {
        match reader.next_event().expect("a readable input") {
            Event::Schema { stream, text, .. } => {
                let (schema, document) = plan::of_message(&text);
                let validation = if validate { document.as_slice() } else { &[] };
                reader.plan(&stream, schema, validation).expect("a supported schema");
            }
            Event::Invalid { line, path, reason, .. } => eprintln!("line {line}: {path}: {reason}"),
            Event::End { .. } => break,
            _ => {}
        }
    }
    let stats = reader.stats();
    Run { records: stats.records, invalid: stats.invalid, time: core_time(clock).saturating_sub(begun) }
}

fn measure(name: &str, bytes: Vec<u8>, validate: bool, runs: usize) {
    let bytes = Arc::new(bytes);
    let best = (0..runs.max(1)).map(|_| decode(&bytes, validate)).min_by_key(|run| run.time).expect("a run");
    let seconds = best.time.as_secs_f64();
    println!(
        "{name:>10}  {:>6.2} GB/s  {:>6.2} M rec/s  {:>5} B/rec  {:>9} records  {} invalid",
        bytes.len() as f64 / seconds / 1e9,
        best.records as f64 / seconds / 1e6,
        bytes.len() as u64 / best.records.max(1),
        best.records,
        best.invalid,
    );
}

fn main() {
    let (mut validate, mut runs, mut names) = (false, 5, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--validate" => validate = true,
            "--runs" => runs = arguments.next().and_then(|count| count.parse().ok()).expect("--runs COUNT"),
            name => names.push(name.to_string()),
        }
    }
    if names.is_empty() {
        names = ["lineitem", "events", "wide"].map(String::from).to_vec();
    }
    for name in names {
        let bytes = streams::generate(&name, validate).unwrap_or_else(|| std::fs::read(&name).expect("a file"));
        measure(&name, bytes, validate, runs);
    }
}
