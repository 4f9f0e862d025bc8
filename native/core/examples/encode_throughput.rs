//! How fast one core turns Arrow into RECORD lines, on rows like those of TPC-H `lineitem`.
//!
//! `taskset -c 0 cargo run --release --example encode_throughput [rows] [passes]`

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use dativo_core::Encoder;

const BATCH_ROWS: usize = 8_192;
const WORDS: [&str; 12] = [
    "carefully",
    "final",
    "deposits",
    "sleep",
    "furiously",
    "against",
    "the",
    "ironic",
    "requests",
    "blithely",
    "\"quoted\"",
    "žluťoučký",
];

/// A fixed sequence, so that two runs encode the same bytes.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn integers(&mut self, limit: u64) -> ArrayRef {
        Arc::new(Int64Array::from_iter_values((0..BATCH_ROWS).map(|_| 1 + self.below(limit) as i64)))
    }

    fn hundredths(&mut self, limit: u64) -> ArrayRef {
        Arc::new(Float64Array::from_iter_values((0..BATCH_ROWS).map(|_| self.below(limit) as f64 / 100.0)))
    }

    fn dates(&mut self) -> ArrayRef {
        Arc::new(Date32Array::from_iter_values((0..BATCH_ROWS).map(|_| 8_035 + self.below(2_520) as i32)))
    }

    fn choices(&mut self, of: &[&str]) -> ArrayRef {
        Arc::new(StringArray::from_iter_values((0..BATCH_ROWS).map(|_| of[self.below(of.len() as u64) as usize])))
    }

    fn comments(&mut self) -> ArrayRef {
        let mut comment = || {
            let words = (0..3 + self.below(3)).map(|_| WORDS[self.below(2_400) as usize % WORDS.len()]);
            words.collect::<Vec<_>>().join(" ")
        };
        Arc::new(StringArray::from_iter_values((0..BATCH_ROWS).map(|_| comment())))
    }
}

fn lineitem(sequence: &mut Sequence) -> Result<RecordBatch, arrow_schema::ArrowError> {
    RecordBatch::try_from_iter([
        ("l_orderkey", sequence.integers(6_000_000)),
        ("l_partkey", sequence.integers(200_000)),
        ("l_suppkey", sequence.integers(10_000)),
        ("l_linenumber", sequence.integers(7)),
        ("l_quantity", sequence.hundredths(5_000)),
        ("l_extendedprice", sequence.hundredths(10_494_950)),
        ("l_discount", sequence.hundredths(11)),
        ("l_tax", sequence.hundredths(9)),
        ("l_returnflag", sequence.choices(&["A", "N", "R"])),
        ("l_linestatus", sequence.choices(&["O", "F"])),
        ("l_shipdate", sequence.dates()),
        ("l_commitdate", sequence.dates()),
        ("l_receiptdate", sequence.dates()),
        ("l_shipinstruct", sequence.choices(&["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"])),
        ("l_shipmode", sequence.choices(&["REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"])),
        ("l_comment", sequence.comments()),
    ])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let rows = arguments.next().transpose()?.unwrap_or(1_000_000);
    let passes = arguments.next().transpose()?.unwrap_or(5);
    let mut sequence = Sequence(42);
    let batches: Vec<_> = (0..rows.div_ceil(BATCH_ROWS)).map(|_| lineitem(&mut sequence)).collect::<Result<_, _>>()?;
    let mut encoder = Encoder::new("lineitem", batches[0].schema(), None)?;
    let mut sink = OpenOptions::new().write(true).open("/dev/null")?;
    for pass in 1..=passes {
        let (mut bytes, mut records, start) = (0, 0, Instant::now());
        for batch in &batches {
            let lines = encoder.encode(batch, Some("2024-01-01T00:00:00.000000+00:00"))?;
            sink.write_all(lines)?;
            (bytes, records) = (bytes + lines.len(), records + batch.num_rows());
        }
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "pass {pass}: {:.2} GB/s, {:.2} M records/s, {} bytes a line",
            bytes as f64 / seconds / 1e9,
            records as f64 / seconds / 1e6,
            bytes / records
        );
    }
    Ok(())
}
